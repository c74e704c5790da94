// A head as a JSON object, as verify, backup and init print it.
#pragma once

#include <string>

#include <daybook/event/position.hpp>

namespace daybook::cli {

/// `{"store_id":…,"seq":…,"digest":…,"result_seq":…,"result_digest":…}`
[[nodiscard]] std::string head_json(const Head& head);

}  // namespace daybook::cli
