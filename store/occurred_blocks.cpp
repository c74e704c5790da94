#include "store/occurred_blocks.hpp"

#include <algorithm>

namespace daybook {

namespace {

constexpr std::string_view forward_sql =
    "SELECT block, occurred_min, occurred_max FROM occurred_blocks WHERE block BETWEEN ?1 AND ?2 ORDER BY block";
constexpr std::string_view reverse_sql =
    "SELECT block, occurred_min, occurred_max FROM occurred_blocks WHERE block BETWEEN ?1 AND ?2 ORDER BY block DESC";

std::uint64_t block_of(std::uint64_t seq) {
    return (seq - 1) / occurred_block_events;
}

NumberRange seqs_of(std::uint64_t first_block, std::uint64_t last_block, NumberRange within) {
    return {std::max(within.first, first_block * occurred_block_events + 1),
            std::min(within.last, (last_block + 1) * occurred_block_events)};
}

bool overlaps(const Statement& row, const TimeSpan& span) {
    return (!span.from || row.integer(2) >= span.from->ns) && (!span.to || row.integer(1) < span.to->ns);
}

}  // namespace

NumberRange next_occurred_run(ReaderPool::Lease& lease, NumberRange within, const TimeSpan& span, bool reverse) {
    if (within.empty()) return {};
    const std::uint64_t low = block_of(within.first);
    const std::uint64_t high = block_of(within.last);
    Statement& blocks = lease.statement(reverse ? reverse_sql : forward_sql);
    const ResetGuard guard(blocks);
    blocks.bind(1, low).bind(2, high);
    // Walks `steps` blocks from one end; block number i from that end is at(i).
    const std::uint64_t steps = high - low + 1;
    const auto at = [&](std::uint64_t i) { return reverse ? high - i : low + i; };
    std::optional<std::uint64_t> begin;
    std::uint64_t step = 0;
    bool more = blocks.step();
    for (; step < steps; ++step) {
        const bool there = more && blocks.unsigned_integer(0) == at(step);
        const bool fits = !there || overlaps(blocks, span);
        if (there) more = blocks.step();
        if (fits && !begin) begin = step;
        if (!fits && begin) break;
    }
    if (!begin) return {};
    const std::uint64_t a = at(*begin);
    const std::uint64_t b = at(step - 1);
    return seqs_of(std::min(a, b), std::max(a, b), within);
}

std::uint64_t count_occurred(ReaderPool::Lease& lease, NumberRange within, const TimeSpan& span) {
    std::uint64_t count = 0;
    while (!within.empty()) {
        const NumberRange run = next_occurred_run(lease, within, span, false);
        if (run.empty()) break;
        count += run.count();
        within.first = run.last + 1;
    }
    return count;
}

bool all_occurred_before(ReaderPool::Lease& lease, NumberRange seqs, Timestamp time) {
    if (seqs.empty()) return true;
    const TimeSpan at_or_after{.from = time};
    const NumberRange doubtful = next_occurred_run(lease, seqs, at_or_after, false);
    if (doubtful.empty()) return true;
    // Only the block that goes on past the last of `seqs` says something about other events as well.
    if (block_of(doubtful.first) != block_of(seqs.last)) return false;
    Statement& statement =
        lease.statement("SELECT count(*), coalesce(max(occurred_at), 0) FROM events_log WHERE seq BETWEEN ?1 AND ?2");
    const ResetGuard guard(statement);
    statement.bind(1, doubtful.first).bind(2, doubtful.last);
    return statement.step() && statement.unsigned_integer(0) == doubtful.count() && statement.integer(1) < time.ns;
}

}  // namespace daybook
