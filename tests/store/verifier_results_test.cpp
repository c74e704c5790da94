// What verify finds in event_results_log and unfinished_handlers.
#include "store/verifier_results.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "store/forged_log.hpp"

namespace {

using namespace daybook;
using test::ForgedLog;
using Codes = std::vector<std::string>;

// One event, and these rows about it.
void append_statuses(ForgedLog& log, const std::vector<std::string>& statuses) {
    log.append();
    for (const std::string& status : statuses) log.append_result({.status = status});
}

std::vector<std::string> messages(const ForgedLog& log) {
    std::vector<std::string> texts;
    for (const VerifyProblem& problem : log.verify().problems) texts.push_back(problem.code + ": " + problem.message);
    return texts;
}

}  // namespace

TEST_CASE("verify results: an edited column is one problem at its row", "[verify]") {
    const char* edit = GENERATE("handler = 'other'", "bus = 'other'", "attempt = 2", "owner = 'other'",
                                "recoverable = 0", "imported = 1", "result = '1'", "error_type = 'x'",
                                "error_message = ''", "started_at = 1", "finished_at = 0", "emitted = '[\"a\"]'",
                                "note = 'n'", "recorded_at = 1", "status = 'error'", "attempt = attempt + 4294967296");
    CAPTURE(edit);
    ForgedLog log(3);
    log.edit(std::string("UPDATE event_results_log SET ") + edit + " WHERE result_seq = 4");
    std::vector<std::uint64_t> broken;
    for (const VerifyProblem& problem : log.verify().problems)
        if (problem.code == "result_digest_mismatch") broken.push_back(problem.seq.value());
    CHECK(broken == std::vector<std::uint64_t>{4});
}

TEST_CASE("verify results: a removed row is a gap", "[verify]") {
    ForgedLog log(3);
    log.edit("DELETE FROM event_results_log WHERE result_seq = 4");
    const VerifyReport report = log.verify();
    REQUIRE_FALSE(report.ok());
    CHECK(report.problems[0].code == "result_seq_gap");
    CHECK(report.problems[0].seq == 5);
}

TEST_CASE("verify results: a cut tail is found only by a head kept elsewhere", "[verify]") {
    ForgedLog log(3);
    const Head kept = log.head();
    log.edit("DELETE FROM event_results_log WHERE result_seq > 4");
    CHECK(log.codes() == Codes{});
    CHECK(log.codes({.head = kept}) == Codes{"head_missing"});
}

TEST_CASE("verify results: results rewritten with a recomputed chain are found only by a head kept elsewhere",
          "[verify]") {
    ForgedLog log(3);
    const Head kept = log.head();
    log.edit("UPDATE event_results_log SET status = 'error' WHERE result_seq = 4");
    log.rechain_results();
    CHECK(log.codes() == Codes{});
    CHECK(log.codes({.head = kept}) == Codes{"head_mismatch"});
}

TEST_CASE("verify results: a row of an event that is not there is found", "[verify]") {
    ForgedLog log(2);
    log.edit("UPDATE event_results_log SET event_seq = 9, events_head = 9 WHERE result_seq > 2");
    log.rechain_results();
    const Codes codes = log.codes();
    CHECK(codes == Codes{"result_events_head", "result_without_event"});
}

TEST_CASE("verify results: a row that names its event by another id is found", "[verify]") {
    ForgedLog log(2);
    log.edit("UPDATE event_results_log SET event_id = 'id-1' WHERE result_seq = 4");
    log.rechain_results();
    CHECK(log.codes() == Codes{"result_without_event"});
}

TEST_CASE("verify results: an events' head that goes back, or lies before the row's event, is found", "[verify]") {
    const char* edit = GENERATE("SET events_head = 1 WHERE result_seq = 4", "SET events_head = 1 WHERE result_seq > 2",
                                "SET events_head = 3 WHERE result_seq = 4");
    CAPTURE(edit);
    ForgedLog log(2);
    log.edit(std::string("UPDATE event_results_log ") + edit);
    log.rechain_results();
    CHECK(log.codes() == Codes{"result_events_head"});
}

TEST_CASE("verify results: text that is not JSON is found", "[verify]") {
    const char* edit = GENERATE("result = '{'", "emitted = '{}'", "emitted = ''", "emitted = '[1'");
    CAPTURE(edit);
    ForgedLog log(2);
    log.edit(std::string("UPDATE event_results_log SET ") + edit + " WHERE result_seq = 4");
    log.rechain_results();
    if (std::string(edit).starts_with("emitted")) {
        CHECK(log.codes() == Codes{"result_content_invalid"});
    } else {
        CHECK(log.codes() == Codes{"result_content_invalid", "result_digest_mismatch"});  // rechain leaves `result` out
    }
}

TEST_CASE("verify results: each order of rows that an attempt can take is right", "[verify]") {
    const auto statuses = GENERATE(values<std::vector<std::string>>({{"pending"},
                                                                     {"pending", "started"},
                                                                     {"pending", "completed"},
                                                                     {"pending", "started", "error"},
                                                                     {"pending", "started", "timeout", "late"},
                                                                     {"pending", "cancelled"}}));
    ForgedLog log;
    append_statuses(log, statuses);
    CHECK(messages(log) == Codes{});
}

TEST_CASE("verify results: an order of rows that no attempt can take is found", "[verify]") {
    const auto statuses = GENERATE(values<std::vector<std::string>>({{"completed"},
                                                                     {"completed", "pending"},
                                                                     {"pending", "completed", "started"},
                                                                     {"started", "pending", "completed"},
                                                                     {"pending", "completed", "error"},
                                                                     {"pending", "late", "timeout"}}));
    ForgedLog log;
    append_statuses(log, statuses);
    log.sql("DELETE FROM unfinished_handlers");
    const Codes codes = log.codes();
    CHECK(codes == Codes{"result_order"});
}

TEST_CASE("verify results: two outcomes of one attempt are told with both rows", "[verify]") {
    ForgedLog log;
    append_statuses(log, {"pending", "completed", "error"});
    const auto found = messages(log);
    REQUIRE(found.size() == 1);
    CHECK_THAT(found[0], Catch::Contains("result 3") && Catch::Contains("a second outcome, the first is result 2"));
}

TEST_CASE("verify results: an attempt taken over by the next one is right", "[verify]") {
    ForgedLog log;
    append_statuses(log, {"pending"});
    log.append_result({.attempt = 2, .status = "pending"});
    log.append_result({.attempt = 2, .status = "completed"});
    CHECK(messages(log) == Codes{});
}

TEST_CASE("verify results: a left out attempt is found", "[verify]") {
    ForgedLog log;
    append_statuses(log, {"pending"});
    log.append_result({.attempt = 3, .status = "pending"});
    const auto found = messages(log);
    REQUIRE(found.size() == 1);
    CHECK_THAT(found[0], Catch::StartsWith("result_order") && Catch::Contains("attempt 3 follows attempt 1"));
}

TEST_CASE("verify results: imported rows may begin in the middle of an attempt and are never unfinished", "[verify]") {
    ForgedLog log;
    log.append();
    log.append_result({.status = "completed", .imported = true});
    log.append_result({.handler = "other", .status = "pending", .imported = true});
    CHECK(messages(log) == Codes{});
}

TEST_CASE("verify results: an unfinished handler that the table lacks is found", "[verify]") {
    ForgedLog log;
    append_statuses(log, {"pending"});
    log.sql("DELETE FROM unfinished_handlers");
    const auto found = messages(log);
    REQUIRE(found.size() == 1);
    CHECK_THAT(found[0], Catch::StartsWith("derived_unfinished_handlers: unfinished_handlers lacks handler 'h'"));
}

TEST_CASE("verify results: a finished handler in the table of unfinished ones is found", "[verify]") {
    ForgedLog log(3);
    const std::string row = GENERATE("(2, 'bus', 'h', 1, 'owner', 1, 0, 5)", "(2, 'bus', 'a', 1, 'owner', 1, 0, 5)",
                                     "(9, 'bus', 'h', 1, 'owner', 1, 0, 5)");
    log.sql("INSERT INTO unfinished_handlers VALUES " + row);
    const auto found = messages(log);
    REQUIRE(found.size() == 1);
    CHECK_THAT(found[0], Catch::StartsWith("derived_unfinished_handlers: unfinished_handlers has handler"));
}

TEST_CASE("verify results: an edited row of an unfinished handler is found", "[verify]") {
    const char* edit = GENERATE("attempt = 2", "owner = 'x'", "recoverable = 0", "started = 1", "since = 3");
    CAPTURE(edit);
    ForgedLog log;
    append_statuses(log, {"pending"});
    log.sql(std::string("UPDATE unfinished_handlers SET ") + edit);
    CHECK(log.codes() == Codes{"derived_unfinished_handlers"});
}
