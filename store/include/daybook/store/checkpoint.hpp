// Named positions kept in the file: of subscriptions, of journals.
#pragma once

#include <string>

#include <daybook/event/position.hpp>
#include <daybook/event/timestamp.hpp>

namespace daybook {

struct Checkpoint {
    std::string name;
    Head head;  ///< result_seq 0 when the keeper follows events only
    Timestamp updated_at;
};

}  // namespace daybook
