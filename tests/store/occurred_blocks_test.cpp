#include "store/occurred_blocks.hpp"

#include <catch2/catch.hpp>

#include "store/sql_log.hpp"

using namespace daybook;
using namespace daybook::test;

namespace {

// 5 blocks of events; those of block 1 and 3 occurred at 100, the others at 0.
SqlLog& with_blocks(SqlLog& log) {
    std::vector<Event> events;
    for (std::uint64_t i = 0; i < 5 * occurred_block_events; ++i)
        events.push_back(make_event("x", "main", (i / occurred_block_events) % 2 == 1 ? 100 : 0));
    log.append(events);
    return log;
}

NumberRange run_of(SqlLog& log, NumberRange within, bool reverse = false) {
    auto lease = log.pool()->borrow();
    return next_occurred_run(lease, within, {.from = Timestamp{100}, .to = Timestamp{101}}, reverse);
}

}  // namespace

TEST_CASE("occurred blocks: the next run is cut to what is asked for, from either end") {
    SqlLog log;
    with_blocks(log);
    CHECK(run_of(log, {1, 5'120}) == NumberRange{1'025, 2'048});
    CHECK(run_of(log, {1'500, 1'600}) == NumberRange{1'500, 1'600});
    CHECK(run_of(log, {2'000, 5'120}) == NumberRange{2'000, 2'048});
    CHECK(run_of(log, {2'049, 5'120}) == NumberRange{3'073, 4'096});
    CHECK(run_of(log, {1, 5'120}, true) == NumberRange{3'073, 4'096});
    CHECK(run_of(log, {1, 3'072}, true) == NumberRange{1'025, 2'048});
    CHECK(run_of(log, {1, 1'024}).empty());
    CHECK(run_of(log, {4'097, 5'120}, true).empty());
}

TEST_CASE("occurred blocks: a block without a row may hold anything") {
    SqlLog log;
    with_blocks(log).writer().execute("DELETE FROM occurred_blocks WHERE block IN (2, 4)");
    CHECK(run_of(log, {1, 5'120}) == NumberRange{1'025, 5'120});
    CHECK(run_of(log, {1, 5'120}, true) == NumberRange{1'025, 5'120});
}

TEST_CASE("occurred blocks: the seqs that may hold an event of a span are counted") {
    SqlLog log;
    auto lease = with_blocks(log).pool()->borrow();
    const TimeSpan span{.from = Timestamp{50}};
    CHECK(count_occurred(lease, {1, 5'120}, span) == 2'048);
    CHECK(count_occurred(lease, {2'000, 3'073}, span) == 50);
    CHECK(count_occurred(lease, {1, 5'120}, {.to = Timestamp{100}}) == 3 * occurred_block_events);
}
