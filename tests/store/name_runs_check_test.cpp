// What verify finds in the tables of runs and heads.
#include "store/name_runs_check.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "store/forged_log.hpp"

namespace {

using namespace daybook;
using test::IndexedLog;
using Codes = std::vector<std::string>;

}  // namespace

TEST_CASE("verify runs: runs and heads that fit their events have no problem", "[verify]") {
    IndexedLog log;
    CHECK(log.codes() == Codes{});
}

TEST_CASE("verify runs: whatever is changed in a row of a run is found", "[verify]") {
    const char* table = GENERATE("stream_runs", "type_runs");
    const char* edit = GENERATE("SET events_before = events_before + 1 WHERE run = 1",
                                "SET previous_run = NULL WHERE run = 2", "SET previous_run = 0 WHERE run = 2",
                                "SET seqs = x'0001' WHERE run = 1", "SET seqs = x'' WHERE run = 0");
    CAPTURE(table, edit);
    IndexedLog log;
    log.sql(std::string("UPDATE ") + table + " " + edit);
    CHECK(log.codes() == Codes{std::string("derived_") + table});
}

TEST_CASE("verify runs: a row that is missing, and one that does not belong, are found", "[verify]") {
    IndexedLog log;
    const auto [edit, message] = GENERATE(table<const char*, const char*>(
        {{"DELETE FROM stream_runs WHERE run = 1 AND stream = 'odd'", "no row for 'odd' in run 1"},
         {"INSERT INTO stream_runs VALUES (1, 'more', 0, NULL, x'0000')",
          "row for 'more' in run 1, where none belongs"},
         {"INSERT INTO stream_runs VALUES (3, 'odd', 6, 2, x'0000')", "row for 'odd' in run 3, where none belongs"},
         {"INSERT INTO stream_runs VALUES (9, 'odd', 6, 2, x'0000')",
          "1 rows of run 9 or later, of which the log has no event"}}));
    log.sql(edit);
    const VerifyReport report = log.verify();
    REQUIRE(report.problems.size() == 1);
    CHECK(report.problems[0].code == "derived_stream_runs");
    CHECK_THAT(report.problems[0].message, Catch::Contains(message));
}

TEST_CASE("verify runs: heads that are wrong, missing or invented are found", "[verify]") {
    IndexedLog log;
    const auto [edit, message] = GENERATE(table<const char*, const char*>(
        {{"UPDATE stream_heads SET version = 9 WHERE stream = 'even'",
          "'even' has 9 events, the last of them event 12; the "
          "runs have 6, the last of them event 12"},
         {"UPDATE stream_heads SET last_seq = 10 WHERE stream = 'even'", "the last of them event 10; the runs"},
         {"DELETE FROM stream_heads WHERE stream = 'odd'", "lacks 'odd', which has 6 events"},
         {"INSERT INTO stream_heads VALUES ('more', 1, 1)", "has 'more' with 1 events, of which the runs have none"}}));
    log.sql(edit);
    const VerifyReport report = log.verify();
    REQUIRE(report.problems.size() == 1);
    CHECK(report.problems[0].code == "derived_stream_heads");
    CHECK_THAT(report.problems[0].message, Catch::Contains(message));
}

TEST_CASE("verify runs: types have heads of their own", "[verify]") {
    IndexedLog log;
    log.sql("UPDATE type_heads SET events = 1");
    CHECK(log.codes() == Codes{"derived_type_heads"});
}

TEST_CASE("verify runs: a run that is written in part is no problem, but for what it says", "[verify]") {
    IndexedLog log;
    log.sql(
        "DELETE FROM stream_runs WHERE run = 2 AND stream = 'odd'; DELETE FROM type_runs WHERE run = 2;"
        "UPDATE stream_heads SET version = 4, last_seq = 7 WHERE stream = 'odd';"
        "UPDATE type_heads SET events = 8, last_seq = 8; UPDATE store_info SET indexed_runs = 2");
    CHECK(log.codes() == Codes{});
    log.sql("UPDATE stream_runs SET events_before = 5 WHERE run = 2");
    CHECK(log.codes() == Codes{"derived_stream_runs"});
}

TEST_CASE("verify runs: runs that are said to be complete before their events are there are found", "[verify]") {
    IndexedLog log;
    log.sql("UPDATE store_info SET indexed_runs = 4");
    const VerifyReport report = log.verify();
    const auto is_told = [](const auto& problem) {
        return problem.message.find("4 runs are complete, up to event 16; the log ends at 14") != std::string::npos;
    };
    CHECK(std::count_if(report.problems.begin(), report.problems.end(), is_told) == 1);
}

TEST_CASE("verify runs: damage in a derived table does not keep the log from being checked", "[verify]") {
    IndexedLog log;
    log.edit("UPDATE store_info SET indexed_runs = -1; UPDATE events_log SET source = 'forged' WHERE seq = 13");
    CHECK(log.codes() == Codes{"derived_stream_runs", "digest_mismatch"});
}

TEST_CASE("verify runs: a length of runs that cannot be is told", "[verify]") {
    IndexedLog log;
    log.edit("PRAGMA ignore_check_constraints = ON; UPDATE store_info SET run_events = 0");
    CHECK_FALSE(log.verify().ok());
}
