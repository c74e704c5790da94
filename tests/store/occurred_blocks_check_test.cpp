// What verify finds in occurred_blocks.
#include "store/occurred_blocks_check.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "store/forged_log.hpp"

namespace {

using namespace daybook;
using test::ForgedLog;
using Codes = std::vector<std::string>;

}  // namespace

TEST_CASE("verify blocks: blocks that fit their events have no problem", "[verify]") {
    ForgedLog log;
    for (std::int64_t event = 0; event < 1'030; ++event) log.append({.occurred_at = event * 7 % 1'000});
    CHECK(log.codes() == Codes{});
}

TEST_CASE("verify blocks: a wrong smallest or largest time is told with all four numbers", "[verify]") {
    ForgedLog log;
    for (std::int64_t event = 0; event < 1'024; ++event) log.append({.occurred_at = 10 + event % 11});
    log.sql(GENERATE("UPDATE occurred_blocks SET occurred_min = 11", "UPDATE occurred_blocks SET occurred_max = 21"));
    const VerifyReport report = log.verify();
    REQUIRE(report.problems.size() == 1);
    CHECK(report.problems[0].code == "derived_occurred_blocks");
    CHECK_THAT(report.problems[0].message, Catch::Contains("its events span 10 to 20"));
}

TEST_CASE("verify blocks: a missing block is found", "[verify]") {
    ForgedLog log;
    for (int event = 0; event < 1'025; ++event) log.append();
    log.sql("DELETE FROM occurred_blocks");
    CHECK(log.codes() == Codes{"derived_occurred_blocks"});
}

TEST_CASE("verify blocks: a block without events is found", "[verify]") {
    ForgedLog log(2);
    // Of block 0 the log has events, but not the last: a row would be out of date with the next.
    log.sql(GENERATE("INSERT INTO occurred_blocks VALUES (7, 1, 1)", "INSERT INTO occurred_blocks VALUES (0, 0, 0)"));
    CHECK(log.codes() == Codes{"derived_occurred_blocks"});
}

TEST_CASE("verify blocks: times before the epoch are compared as numbers with a sign", "[verify]") {
    ForgedLog log;
    log.append({.occurred_at = -5});
    log.append({.occurred_at = 5});
    CHECK(log.codes() == Codes{});
}
