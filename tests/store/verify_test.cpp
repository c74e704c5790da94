// verify as a whole: damage to the file is an answer, kept heads are compared, and the report stays bounded.
#include <daybook/store/verify.hpp>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <daybook/event/error.hpp>
#include <daybook/event/posix_file_system.hpp>
#include <daybook/store/event_store.hpp>
#include <daybook/store/stats.hpp>
#include <daybook/testkit/fake_clock.hpp>

#include "store/forged_log.hpp"
#include "store/lock_file.hpp"

namespace {

using namespace daybook;
using test::ForgedLog;
using Codes = std::vector<std::string>;
namespace fs = std::filesystem;

void overwrite(const fs::path& path, std::uint64_t offset, const std::string& bytes) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(offset));
    file << bytes;
    REQUIRE(file.good());
}

void write_mark(const fs::path& path, const Head& head) {
    PosixFileSystem files;
    LockFile(files, path.native(), true).write_mark(head);
}

bool has(const Codes& codes, const std::string& code) {
    return std::find(codes.begin(), codes.end(), code) != codes.end();
}

ErrorCode refusal(const fs::path& path) {
    try {
        static_cast<void>(verify(path));
    } catch (const Error& error) {
        return error.code();
    }
    return ErrorCode::internal;
}

}  // namespace

TEST_CASE("verify: an empty log is right", "[verify]") {
    const ForgedLog log;
    const VerifyReport report = log.verify();
    CHECK(report.ok());
    CHECK(report.events == 0);
    CHECK(report.head.seq == Sequence{0});
}

TEST_CASE("verify: a dropped trigger is missing", "[verify]") {
    const std::string trigger =
        GENERATE("events_log_no_delete", "events_log_no_update", "events_log_no_replace", "event_results_log_no_delete",
                 "event_results_log_no_update", "event_results_log_no_replace");
    ForgedLog log(2);
    log.sql("DROP TRIGGER " + trigger);
    const VerifyReport report = log.verify();
    REQUIRE(report.problems.size() == 1);
    CHECK(report.problems[0].code == "append_only_missing");
    CHECK_THAT(report.problems[0].message, Catch::Contains(trigger));
}

TEST_CASE("verify: a trigger of the right name that does nothing is found", "[verify]") {
    ForgedLog log(2);
    log.sql(
        "DROP TRIGGER events_log_no_delete;"
        "CREATE TRIGGER events_log_no_delete BEFORE DELETE ON events_log BEGIN SELECT 1; END;");
    CHECK(log.codes() == Codes{"append_only_missing"});
}

TEST_CASE("verify: an added table or trigger, and a dropped index, differ from the schema", "[verify]") {
    const char* edit = GENERATE("CREATE TABLE extra(x)", "DROP INDEX events_by_causation", "DROP VIEW results",
                                "CREATE TRIGGER extra AFTER INSERT ON events_log BEGIN SELECT 1; END");
    CAPTURE(edit);
    ForgedLog log(2);
    log.sql(edit);
    CHECK(log.codes() == Codes{"schema_differs"});
}

TEST_CASE("verify: a problem's message is UTF-8, whatever the damage left in a name", "[verify]") {
    ForgedLog log(1);
    log.sql("CREATE TABLE \"a\xff\"(x)");
    const VerifyReport report = log.verify();
    REQUIRE(report.problems.size() == 1);
    CHECK_THAT(report.problems[0].message, Catch::Contains("a\xef\xbf\xbd") && !Catch::Contains("\xff"));
}

TEST_CASE("verify: a plain index that a user added is no difference", "[verify]") {
    ForgedLog log(2);
    log.sql("CREATE INDEX mine ON events_log (source)");
    CHECK(log.codes() == Codes{});
}

TEST_CASE("verify: what ANALYZE adds is no difference", "[verify]") {
    ForgedLog log(2);
    log.sql("ANALYZE");
    CHECK(log.codes() == Codes{});
}

TEST_CASE("verify: a dropped derived table does not hide an edited event", "[verify]") {
    ForgedLog log(3);
    log.sql("DROP TABLE stream_heads");
    log.edit("UPDATE event_results_log SET note = 'n' WHERE result_seq = 2");
    const Codes codes = log.codes();
    CHECK(has(codes, "schema_differs"));
    CHECK(has(codes, "result_digest_mismatch"));
}

TEST_CASE("verify: a store_id that is no UUID is told, not guessed", "[verify]") {
    ForgedLog log(2);
    log.sql("UPDATE store_info SET store_id = '123456789012345678901234567890123456'");
    CHECK(has(log.codes(), "store_id_invalid"));
}

TEST_CASE("verify: a page of garbage is damage, not an error", "[verify]") {
    ForgedLog log(300);
    log.close();
    const std::uint64_t page = GENERATE(1, 2, 3, 10, 20);
    overwrite(log.path(), page * 4'096, std::string(4'096, '\x55'));
    CHECK_FALSE(log.verify().ok());
}

TEST_CASE("verify: a file cut in the middle is damage, not an error", "[verify]") {
    ForgedLog log(300);
    log.close();
    fs::resize_file(log.path(), fs::file_size(log.path()) / 2);
    CHECK_FALSE(log.verify().ok());
}

TEST_CASE("verify: a flipped bit in a payload on the disk is found by its hash", "[verify]") {
    ForgedLog log;
    log.append({.payload = R"({"needle":"abcdefgh"})"});
    log.close();
    std::ifstream in(log.path(), std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    const std::size_t at = bytes.find("abcdefgh");
    REQUIRE(at != std::string::npos);
    overwrite(log.path(), at, "b");
    CHECK(log.codes() == Codes{"payload_mismatch"});
}

TEST_CASE("verify: a file whose beginning is destroyed is damaged when its mark says that it was a Daybook",
          "[verify]") {
    ForgedLog log(2);
    write_mark(log.path(), log.head());
    log.close();
    overwrite(log.path(), 0, std::string(200, 'x'));
    CHECK(log.codes() == Codes{"not_openable"});
}

TEST_CASE("verify: a file that was never a Daybook is refused", "[verify]") {
    const testkit::TempDirectory directory;
    std::ofstream(directory / "text") << std::string(5'000, 'x');
    CHECK(refusal(directory / "text") == ErrorCode::not_a_daybook);
    CHECK(refusal(directory / "absent") == ErrorCode::no_such_file);
    CHECK(refusal(directory.path()) == ErrorCode::unsupported_path);
}

TEST_CASE("verify: a cut tail is not found by the log alone", "[verify]") {
    ForgedLog log(5);
    const Head kept = log.head();
    log.edit("DELETE FROM events_log WHERE seq = 5; DELETE FROM event_results_log WHERE event_seq = 5");
    CHECK(log.codes() == Codes{});
    SECTION("but by a head kept elsewhere") {
        CHECK(log.codes({.head = kept}) == Codes{"head_missing"});
    }
    SECTION("and by the mark in the lock file") {
        write_mark(log.path(), kept);
        CHECK(log.codes() == Codes{"log_behind_mark"});
    }
}

TEST_CASE("verify: a head that the log has outgrown is still in it", "[verify]") {
    ForgedLog log(3);
    const Head kept = log.head();
    log.append();
    CHECK(log.codes({.head = kept}) == Codes{});
}

TEST_CASE("verify: the head of an empty log is in every log of that store", "[verify]") {
    ForgedLog log;
    const Head kept = log.head();
    log.append();
    CHECK(log.codes({.head = kept}) == Codes{});
}

TEST_CASE("verify: a head of another store is told as such", "[verify]") {
    ForgedLog log(3);
    Head kept = log.head();
    kept.store_id = *Uuid::parse("00000000-0000-4000-8000-000000000000");
    CHECK(log.codes({.head = kept}) == Codes{"head_other_store"});
}

TEST_CASE("verify: a mark that another store left is none of this log's", "[verify]") {
    ForgedLog log(3);
    Head mark = log.head();
    mark.store_id = *Uuid::parse("00000000-0000-4000-8000-000000000000");
    mark.seq = {99};
    write_mark(log.path(), mark);
    CHECK(log.codes() == Codes{});
}

TEST_CASE("verify: a checkpoint past the head or of another history has diverged", "[verify]") {
    const std::string position = GENERATE("9, zeroblob(32), 0, zeroblob(32)", "2, zeroblob(32), 0, zeroblob(32)",
                                          "0, zeroblob(32), 9, zeroblob(32)", "0, zeroblob(32), 2, zeroblob(32)");
    ForgedLog log(3);
    log.sql("INSERT INTO checkpoints VALUES ('mail', " + position + ", 0)");
    const VerifyReport report = log.verify();
    REQUIRE(report.problems.size() == 1);
    CHECK(report.problems[0].code == "checkpoint_diverged");
    CHECK_THAT(report.problems[0].message, Catch::Contains("checkpoint 'mail'"));
}

TEST_CASE("verify: a checkpoint that names an event with its digest is right", "[verify]") {
    ForgedLog log(3);
    log.sql("INSERT INTO checkpoints SELECT 'mail', seq, digest, 0, zeroblob(32), 0 FROM events_log WHERE seq = 2");
    CHECK(log.codes() == Codes{});
}

TEST_CASE("verify: a noted clock step must fit the times of its events", "[verify]") {
    ForgedLog log(3);
    SECTION("one that does") {
        log.sql("INSERT INTO clock_steps SELECT 2, 2, recorded_at, 5 FROM events_log WHERE seq = 2");
        CHECK(log.codes() == Codes{});
    }
    SECTION("one that does not") {
        log.sql("INSERT INTO clock_steps SELECT 2, 3, recorded_at, 5 FROM events_log WHERE seq = 2");
        CHECK(log.codes() == Codes{"derived_clock_steps"});
    }
    SECTION("one past the head") {
        log.sql("INSERT INTO clock_steps VALUES (9, 9, 1, 5)");
        CHECK(log.codes() == Codes{"derived_clock_steps"});
    }
}

TEST_CASE("verify: problems beyond the cap are counted, not kept", "[verify]") {
    ForgedLog log(20);
    log.edit("UPDATE events_log SET payload = '1'");
    VerifyOptions options;
    options.problems_max = 3;
    const VerifyReport report = log.verify(options);
    CHECK(report.problems.size() == 3);
    CHECK(report.problems_total == 20);
    CHECK_FALSE(report.ok());
}

TEST_CASE("verify: progress ends at the number of rows", "[verify]") {
    ForgedLog log(3);
    std::vector<std::pair<std::uint64_t, std::uint64_t>> calls;
    VerifyOptions options;
    options.progress = [&](std::uint64_t done, std::uint64_t total) { calls.emplace_back(done, total); };
    static_cast<void>(log.verify(options));
    REQUIRE_FALSE(calls.empty());
    CHECK(calls.back().first == calls.back().second);
    CHECK(calls.back().second == 3 + 2 * 6);
}

TEST_CASE("verify: commits that are still in -wal are checked too", "[verify]") {
    ForgedLog log(3);
    REQUIRE(fs::file_size(log.path().native() + "-wal") > 0);
    CHECK(log.verify().events == 3);
}

TEST_CASE("verify: the log's files are as they were", "[verify]") {
    ForgedLog log(3);
    log.close();
    const auto before = fs::last_write_time(log.path());
    const auto size = fs::file_size(log.path());
    CHECK(log.verify().ok());
    CHECK(fs::last_write_time(log.path()) == before);
    CHECK(fs::file_size(log.path()) == size);
}

TEST_CASE("verify: what the store itself wrote is right: batches, results, take-overs, checkpoints, a clock that steps",
          "[verify]") {
    const testkit::TempDirectory directory;
    const auto clock = std::make_shared<testkit::FakeClock>();
    const fs::path path = directory / "log.daybook";
    EventStore store = EventStore::open(path, {.access = Access::create, .clock = clock});
    for (int round = 0; round < 3; ++round) {
        AppendRequest request;
        for (int index = 0; index < 700; ++index)
            request.events.push_back({.type = "thing:happened",
                                      .payload = R"({ "n": 1.50, "t": "\u00e9" })",
                                      .stream = "s" + std::to_string(index % 7),
                                      .causation_id = "c",
                                      .tags = {{"b", "1"}, {"a", "\n"}},
                                      .metadata = R"({"m":[]})"});
        request.pending = {{.event_index = 3, .bus = "b", .handler = "h", .owner = "gone"}};
        clock->advance(std::chrono::seconds(round == 1 ? -100 : 1));
        const Appended appended = store.append(std::move(request));
        if (round == 0)
            store.append_results({{.event_id = appended.ids[3],
                                   .bus = "b",
                                   .handler = "h",
                                   .status = ResultStatus::error,
                                   .owner = "gone",
                                   .error_type = "x",
                                   .error_message = "no",
                                   .started_at = Timestamp{1},
                                   .finished_at = Timestamp{2},
                                   .emitted = {"a", "b"}}});
    }
    const auto owner = store.hold_owner_lock();
    REQUIRE(store.claim(store.unfinished().at(0), *owner));
    store.save_checkpoint({.name = "mail", .head = store.head(), .updated_at = clock->now()}, {});
    const VerifyReport report = verify(path);
    CHECK(report.problems == std::vector<VerifyProblem>{});
    CHECK(report.events == 2'100);
    CHECK(report.results == 5);
    CHECK(report.head == store.head());
    CHECK(stats(path).frozen_spans.size() == 1);
}
