// What verify finds in events_log: every edit behind the store's back, and each as one problem.
#include "store/verifier_events.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "store/forged_log.hpp"

namespace {

using namespace daybook;
using test::ForgedLog;
using Codes = std::vector<std::string>;

}  // namespace

TEST_CASE("verify: a log that nobody touched has no problem and its head is told", "[verify]") {
    ForgedLog log(5);
    const VerifyReport report = log.verify();
    CHECK(report.problems == std::vector<VerifyProblem>{});
    CHECK(report.events == 5);
    CHECK(report.results == 10);
    CHECK(report.head == log.head());
}

TEST_CASE("verify: an edited payload is one problem at its event", "[verify]") {
    ForgedLog log(5);
    log.edit(R"(UPDATE events_log SET payload = '{"n":33}' WHERE seq = 3)");
    const VerifyReport report = log.verify();
    REQUIRE(report.problems.size() == 1);
    CHECK(report.problems[0].code == "payload_mismatch");
    CHECK(report.problems[0].seq == 3);
}

TEST_CASE("verify: an edited column breaks the chain at its event and nowhere else", "[verify]") {
    const char* column =
        GENERATE("type = 'other'", "event_id = 'other'", "source = 'other'", "occurred_at = 1001", "causation_id = 'x'",
                 "correlation_id = ''", "event_version = '2'", "tags = '{\"a\":\"b\"}'", "metadata = '{\"a\":1}'");
    CAPTURE(column);
    ForgedLog log(5);
    log.edit(std::string("UPDATE events_log SET ") + column + " WHERE seq = 3");
    const VerifyReport report = log.verify();
    std::vector<std::uint64_t> broken;
    for (const VerifyProblem& problem : report.problems)
        if (problem.code == "digest_mismatch") broken.push_back(problem.seq.value());
    CHECK(broken == std::vector<std::uint64_t>{3});
}

TEST_CASE("verify: an edited payload with its hash recomputed breaks the chain", "[verify]") {
    ForgedLog log(5);
    log.edit(R"(UPDATE events_log SET payload = (SELECT payload FROM events_log WHERE seq = 2), )"
             R"(salt = (SELECT salt FROM events_log WHERE seq = 2), )"
             R"(payload_hash = (SELECT payload_hash FROM events_log WHERE seq = 2) WHERE seq = 3)");
    CHECK(log.codes() == Codes{"digest_mismatch"});
}

TEST_CASE("verify: two events that changed places break the chain", "[verify]") {
    ForgedLog log(5);
    log.edit(
        "UPDATE events_log SET seq = seq + 1000 WHERE seq IN (3, 5); "
        "UPDATE events_log SET seq = CASE seq WHEN 1003 THEN 5 ELSE 3 END WHERE seq > 1000");
    const Codes codes = log.codes();
    CHECK(std::find(codes.begin(), codes.end(), "digest_mismatch") != codes.end());
}

TEST_CASE("verify: a removed event is a gap that says how many are missing", "[verify]") {
    ForgedLog log(6);
    log.edit("DELETE FROM events_log WHERE seq IN (3, 4)");
    const VerifyReport report = log.verify();
    REQUIRE_FALSE(report.ok());
    CHECK(report.problems[0].code == "seq_gap");
    CHECK(report.problems[0].seq == 5);
    CHECK_THAT(report.problems[0].message, Catch::Contains("event 5 follows event 2: 2 events are missing"));
}

TEST_CASE("verify: a log whose first event was removed has a gap at its beginning", "[verify]") {
    ForgedLog log;
    log.append();
    log.append();
    log.edit("DELETE FROM events_log WHERE seq = 1");
    CHECK(log.verify().problems.at(0).code == "seq_gap");
}

TEST_CASE("verify: history rewritten with a recomputed chain is found only by a head kept elsewhere", "[verify]") {
    ForgedLog log(5);
    const Head kept = log.head();
    log.edit(R"(UPDATE events_log SET payload = '{"n":33}' WHERE seq = 3)");
    log.rechain();
    CHECK(log.codes() == Codes{});
    CHECK(log.codes({.head = kept}) == Codes{"head_mismatch"});
}

TEST_CASE("verify: recorded_at that goes back is found although the chain was recomputed", "[verify]") {
    ForgedLog log(5);
    log.edit("UPDATE events_log SET recorded_at = 7 WHERE seq = 3");
    log.rechain();
    const VerifyReport report = log.verify();
    REQUIRE(report.problems.size() == 1);
    CHECK(report.problems[0].code == "recorded_at_decreases");
    CHECK(report.problems[0].seq == 3);
}

TEST_CASE("verify: content that no append lets in is found although the chain was recomputed", "[verify]") {
    const char* edit =
        GENERATE(R"(payload = '{"a": 1}')", R"(payload = '{"a":1,"a":2}')", "payload = 'x'", "payload = ''",
                 "payload = '1e400'", "metadata = '[]'", "metadata = '{'", R"(tags = '{"b":"1","a":"2"}')",
                 R"(tags = '{"a":1}')", "type = 'a' || char(10)", "source = char(27)", "event_id = 'a' || char(0)");
    CAPTURE(edit);
    ForgedLog log(1);
    log.edit(std::string("UPDATE events_log SET ") + edit);
    log.edit("UPDATE event_results_log SET event_id = (SELECT event_id FROM events_log)");
    log.rechain();
    log.rechain_results();
    const VerifyReport report = log.verify();
    REQUIRE(report.problems.size() == 1);
    CHECK(report.problems[0].code == "content_invalid");
    CHECK(report.problems[0].seq == 1);
}

TEST_CASE("verify: a payload that is NULL without a row in erasures is missing", "[verify]") {
    ForgedLog log(3);
    log.edit("UPDATE events_log SET payload = NULL, salt = NULL WHERE seq = 2");
    const VerifyReport report = log.verify();
    REQUIRE(report.problems.size() == 1);
    CHECK(report.problems[0].code == "payload_missing");
    CHECK(report.problems[0].seq == 2);
}

TEST_CASE("verify: an erased payload leaves the chain whole", "[verify]") {
    ForgedLog log(3);
    log.sql(
        "INSERT INTO erasures VALUES (2, 0, 'asked for'); UPDATE events_log SET payload = NULL, salt = NULL WHERE seq "
        "= 2");
    CHECK(log.codes() == Codes{});
}

TEST_CASE("verify: an edited stream version is a gap in its stream although the chain was recomputed", "[verify]") {
    ForgedLog log(6);
    log.edit("UPDATE events_log SET version = 7 WHERE seq = 4");
    log.rechain();
    const VerifyReport report = log.verify();
    REQUIRE_FALSE(report.ok());
    CHECK(report.problems[0].code == "stream_version_gap");
    CHECK(report.problems[0].seq == 4);
    CHECK_THAT(report.problems[0].message, Catch::Contains("version 7 of stream 'even', after 1 earlier"));
}

TEST_CASE("verify: versions of a stream against the order of seq are found", "[verify]") {
    ForgedLog log(6);
    log.edit("UPDATE events_log SET version = CASE seq WHEN 2 THEN 2 WHEN 4 THEN 1 END WHERE seq IN (2, 4)");
    log.rechain();
    CHECK(log.codes() == Codes{"stream_version_gap"});
}
