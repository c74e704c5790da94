// What verify finds in the table of ids, and of ids that are there twice.
#include "store/event_ids_check.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

#include "store/forged_log.hpp"

namespace {

using namespace daybook;
using test::IndexedLog;
using Codes = std::vector<std::string>;

}  // namespace

TEST_CASE("verify ids: ids that fit their events have no problem", "[verify]") {
    IndexedLog log;
    CHECK(log.codes() == Codes{});
}

TEST_CASE("verify ids: a row that is missing, wrong or invented is found", "[verify]") {
    IndexedLog log;
    const auto [edit, message] = GENERATE(table<const char*, const char*>(
        {{"DELETE FROM event_ids WHERE id = 'id-6'", "lacks 'id-6', the id of event 6"},
         {"UPDATE event_ids SET seq = 7 WHERE id = 'id-6'", "says that 'id-6' is the id of event 7; event 6 has it"},
         {"UPDATE event_ids SET seq = 99 WHERE id = 'id-6'", "says that 'id-6' is the id of event 99; event 6 has it"},
         {"INSERT INTO event_ids VALUES ('more', 3)", "has 13 rows, of which 12 name an event's id"},
         {"INSERT INTO event_ids VALUES (x'00', 3)", "has 13 rows, of which 12 name an event's id"},
         {"INSERT INTO event_ids VALUES ('id-14', 13)", "says that 'id-14' is the id of event 13; event 14 has it"}}));
    log.sql(edit);
    const VerifyReport report = log.verify();
    REQUIRE(report.problems.size() == 1);
    CHECK(report.problems[0].code == "derived_event_ids");
    CHECK_THAT(report.problems[0].message, Catch::Contains(message));
}

TEST_CASE("verify ids: rows of a run that is not complete may be there", "[verify]") {
    IndexedLog log;
    log.sql("UPDATE store_info SET indexed_runs = 2");
    log.sql("DELETE FROM event_ids WHERE seq > 10");
    CHECK(log.verify().ok());
}

TEST_CASE("verify ids: an id that two events have is found, wherever they are", "[verify]") {
    const auto [earlier, later] = GENERATE(table<int, int>({{1, 2}, {1, 6}, {6, 9}, {3, 14}, {13, 14}}));
    CAPTURE(earlier, later);
    IndexedLog log;
    log.edit("UPDATE events_log SET event_id = 'id-" + std::to_string(earlier) +
             "' WHERE seq = " + std::to_string(later));
    log.sql("DELETE FROM event_ids WHERE id = 'id-" + std::to_string(later) + "'");
    const VerifyReport report = log.verify();
    std::vector<std::string> told;
    for (const auto& problem : report.problems)
        if (problem.code == "event_id_repeated") told.push_back(problem.message);
    CHECK(told == std::vector<std::string>{"events " + std::to_string(earlier) + " and " + std::to_string(later) +
                                           " have one id, 'id-" + std::to_string(earlier) + "'"});
}

TEST_CASE("verify ids: a layout that cannot be ends the comparison, and is told once", "[verify]") {
    IndexedLog log;
    log.sql("UPDATE store_info SET indexed_runs = -1");
    CHECK(log.codes() == Codes{"derived_stream_runs"});
}
