// What a user would pick instead: real servers, started on loopback in a temporary folder, loaded by their own tools, stopped
// again. Each throws CannotMeasure when its programs are not there.
#pragma once

#include <cstddef>

#include "bench/setting.hpp"

namespace daybook::bench {

/// Redis Streams: XADD by so many clients, `appendfsync always`; events a second.
[[nodiscard]] double redis_appends(std::size_t clients, Seconds time);
/// PostgreSQL: a table of messages with a version in each stream and a unique id, `synchronous_commit=on`; events a second.
[[nodiscard]] double postgres_appends(std::size_t clients, Seconds time);

}  // namespace daybook::bench
