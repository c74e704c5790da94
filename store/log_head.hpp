// Where both chains end, as one read transaction sees it.
#pragma once

#include <daybook/event/position.hpp>

#include "store/reader_pool.hpp"

namespace daybook {

/// Both ends; zeros for a log that is empty. Throws Error: corrupt, io_error.
[[nodiscard]] Head read_head(ReaderPool::Lease& lease, const Uuid& store_id);

}  // namespace daybook
