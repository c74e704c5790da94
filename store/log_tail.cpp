#include "store/log_tail.hpp"

namespace daybook {

namespace {

// What is in runs by now is let go when there is so much of it: then what is left is read again.
constexpr std::uint64_t runs_kept_max = 4;

}  // namespace

void LogTail::read_on(ReaderPool::Lease& lease, const RunLayout& layout) {
    const bool has_gap = layout.indexed_to() < after_ || layout.indexed_to() > last_;
    if (has_gap || layout.indexed_to() - after_ > runs_kept_max * layout.run_events) start_over(layout.indexed_to());
    Statement& events = lease.statement(events_sql_);
    const ResetGuard guard(events);
    events.bind(1, last_);
    try {
        while (events.step()) {
            const std::uint64_t seq = events.unsigned_integer(0);
            add(seq, events);
            last_ = seq;
        }
    } catch (...) {  // perhaps with half of an event
        start_over(layout.indexed_to());
        throw;
    }
}

void LogTail::start_over(std::uint64_t after) noexcept {
    clear();
    after_ = after;
    last_ = after;
}

}  // namespace daybook
