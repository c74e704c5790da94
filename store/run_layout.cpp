#include "store/run_layout.hpp"

#include <fmt/format.h>

#include <daybook/event/error.hpp>

namespace daybook {

namespace {

constexpr std::uint64_t run_events_max = 65'536;  // what two bytes can tell apart

}  // namespace

RunLayout read_layout(Statement& layout) {
    const ResetGuard guard(layout);
    if (!layout.step()) throw Error(ErrorCode::corrupt, "read store_info: it has no row: run verify");
    const RunLayout read{.run_events = layout.unsigned_integer(0), .complete = layout.unsigned_integer(1)};
    // More complete runs than seqs there can be would make every sum below overflow.
    if (read.run_events < 1 || read.run_events > run_events_max || read.complete > INT64_MAX / run_events_max)
        throw Error(ErrorCode::corrupt,
                    fmt::format("read store_info: {} complete runs of {} events cannot be: run verify", read.complete,
                                read.run_events));
    return read;
}

}  // namespace daybook
