// What doctor says about a log and its surroundings, and what accepting a loss does.
#include <daybook/store/diagnosis.hpp>

#include <sqlite3.h>
#include <sys/stat.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <daybook/event/error.hpp>
#include <daybook/event/posix_file_system.hpp>
#include <daybook/store/event_store.hpp>
#include <daybook/store/verify.hpp>
#include <daybook/testkit/fake_clock.hpp>

#include "store/connection.hpp"
#include "store/forged_log.hpp"
#include "store/lock_file.hpp"

namespace {

using namespace daybook;
using test::ForgedLog;
using Level = Finding::Level;
namespace fs = std::filesystem;

std::vector<Finding> all_findings(const fs::path& path, const std::string& topic) {
    std::vector<Finding> found = diagnose(path);
    std::erase_if(found, [&](const Finding& finding) { return finding.topic != topic; });
    return found;
}

Finding finding(const fs::path& path, const std::string& topic) {
    const auto found = all_findings(path, topic);
    REQUIRE(found.size() == 1);
    return found.front();
}

void write_mark(const fs::path& path, const Head& head) {
    PosixFileSystem files;
    LockFile(files, path.native(), true).write_mark(head);
}

// A log that lost its last event after its mark was written.
void cut_tail(ForgedLog& log) {
    write_mark(log.path(), log.head());
    log.edit(
        "DELETE FROM events_log WHERE seq = (SELECT max(seq) FROM events_log);"
        "DELETE FROM event_results_log WHERE event_seq > (SELECT max(seq) FROM events_log)");
}

ErrorCode refusal_to_accept(const fs::path& path) {
    try {
        static_cast<void>(accept_loss(path));
    } catch (const Error& error) {
        return error.code();
    }
    return ErrorCode::internal;
}

std::string content_of(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

}  // namespace

TEST_CASE("doctor: a healthy log has each topic once and no problem", "[diagnosis]") {
    ForgedLog log(3);
    write_mark(log.path(), log.head());
    std::vector<std::string> topics;
    for (const Finding& one : diagnose(log.path())) {
        topics.push_back(one.topic);
        CAPTURE(one.topic, one.value);
        CHECK(one.level != Level::problem);
    }
    CHECK(topics == std::vector<std::string>{"sqlite", "fix_wal_reset", "fix_savepoint_spill", "file_system",
                                             "permissions", "disk", "writer", "mark", "durability", "wal", "readers",
                                             "journal", "unfinished"});
}

TEST_CASE("doctor: a SQLite without a fix is a note that says what covers it, never a problem", "[diagnosis]") {
    ForgedLog log;
    for (const auto& [topic, since] :
         {std::pair("fix_wal_reset", 3'051'003), std::pair("fix_savepoint_spill", 3'050'002)}) {
        const Finding fix = finding(log.path(), topic);
        if (sqlite3_libversion_number() >= since) {
            CHECK(fix.level == Level::ok);
        } else {
            CHECK(fix.level == Level::note);
            CHECK_THAT(fix.advice, Catch::Contains("cover"));
        }
    }
}

TEST_CASE("doctor: a log that was ever written with durability=normal says since when", "[diagnosis]") {
    ForgedLog log;
    CHECK(finding(log.path(), "durability").level == Level::ok);
    log.sql("UPDATE store_info SET normal_durability_since = 0");
    const Finding durability = finding(log.path(), "durability");
    CHECK(durability.level == Level::note);
    CHECK_THAT(durability.value, Catch::Contains("1970-01-01T00:00:00.000000000Z"));
}

TEST_CASE("doctor: a -wal of 64 MiB is a problem with its size", "[diagnosis]") {
    ForgedLog log(2);
    log.close();
    const fs::path wal = log.path().native() + "-wal";
    std::ofstream(wal).close();
    fs::resize_file(wal, std::uintmax_t{64} << 20);
    const Finding found = finding(log.path(), "wal");
    CHECK(found.level == Level::problem);
    CHECK_THAT(found.value, Catch::Contains("64.0 MiB"));
}

TEST_CASE("doctor: frames that no checkpoint has moved yet are counted", "[diagnosis]") {
    ForgedLog log(2);
    CHECK_THAT(finding(log.path(), "readers").value, !Catch::Contains(", 0 not yet in the database file"));
    log.sql("PRAGMA wal_checkpoint(TRUNCATE)");
    CHECK_THAT(finding(log.path(), "readers").value,
               Catch::StartsWith("0 frames in -wal, 0 not yet in the database file"));
}

TEST_CASE("doctor: a held writer lock and a living store are told", "[diagnosis]") {
    ForgedLog log;
    CHECK_THAT(finding(log.path(), "writer").value, Catch::Contains("no lock file"));
    PosixFileSystem files;
    LockFile lock(files, log.path().native(), true);
    CHECK(finding(log.path(), "writer").value == "no store has it open for writing; nobody holds the writer lock");
    lock.share_life();
    REQUIRE(lock.try_lock_writer());
    CHECK_THAT(finding(log.path(), "writer").value,
               Catch::StartsWith("a store has it open for writing; the writer lock is held"));
}

TEST_CASE("doctor: a log without a mark is a note, one behind its mark a problem that names the way out",
          "[diagnosis]") {
    ForgedLog log(3);
    CHECK(finding(log.path(), "mark").level == Level::note);
    cut_tail(log);
    const Finding mark = finding(log.path(), "mark");
    CHECK(mark.level == Level::problem);
    CHECK_THAT(mark.advice, Catch::Contains("--accept-loss"));
}

TEST_CASE("doctor: each journal's distance to the head is told", "[diagnosis]") {
    ForgedLog log(3);
    log.sql(
        "INSERT INTO checkpoints SELECT 'journal:/a.jsonl', seq, digest, 0, zeroblob(32), 0 FROM events_log WHERE seq "
        "= 1;"
        "INSERT INTO checkpoints SELECT 'journal:/b.jsonl', e.seq, e.digest, r.result_seq, r.digest, 0 "
        "FROM events_log e, event_results_log r WHERE e.seq = 3 AND r.result_seq = 6;"
        "INSERT INTO checkpoints VALUES ('journal:/c.jsonl', 2, zeroblob(32), 0, zeroblob(32), 0);"
        "INSERT INTO checkpoints VALUES ('mail', 0, zeroblob(32), 0, zeroblob(32), 0)");
    const auto journals = all_findings(log.path(), "journal");
    REQUIRE(journals.size() == 3);
    CHECK(journals[0].value == "/a.jsonl: 2 events and 6 results behind the head");
    CHECK(journals[0].level == Level::note);
    CHECK(journals[1].value == "/b.jsonl: at the head");
    CHECK(journals[1].level == Level::ok);
    CHECK(journals[2].level == Level::problem);
    CHECK_THAT(journals[2].value, Catch::Contains("is not of this history"));
}

TEST_CASE("doctor: a log or a directory that others can write is a problem", "[diagnosis]") {
    ForgedLog log;
    const std::string directory = log.path().parent_path().native();
    REQUIRE(::chmod(log.path().c_str(), 0600) == 0);
    CHECK(finding(log.path(), "permissions").level == Level::ok);
    SECTION("others may read it") {
        REQUIRE(::chmod(log.path().c_str(), 0644) == 0);
        CHECK(finding(log.path(), "permissions").level == Level::note);
    }
    SECTION("others may write it") {
        REQUIRE(::chmod(log.path().c_str(), 0660) == 0);
        CHECK(finding(log.path(), "permissions").level == Level::problem);
    }
    SECTION("others may rename it") {
        REQUIRE(::chmod(directory.c_str(), 0777) == 0);
        CHECK(finding(log.path(), "permissions").level == Level::problem);
    }
    SECTION("a sticky directory protects it") {
        REQUIRE(::chmod(directory.c_str(), 01777) == 0);
        CHECK(finding(log.path(), "permissions").level == Level::ok);
    }
}

TEST_CASE("doctor: unfinished handlers of a living owner are no news, those of a gone one are", "[diagnosis]") {
    ForgedLog log;
    log.append();
    log.append_result({});
    PosixFileSystem files;
    LockFile lock(files, log.path().native(), true);
    {
        LockFile owner(files, log.path().native(), true);
        REQUIRE(owner.hold_owner("owner"));
        CHECK(finding(log.path(), "unfinished").level == Level::ok);
    }
    const Finding unfinished = finding(log.path(), "unfinished");
    CHECK(unfinished.level == Level::note);
    CHECK(unfinished.value == "1 unfinished handler, 1 of them of 1 owner gone");
}

TEST_CASE("doctor: a damaged file is a finding, what is no log is refused", "[diagnosis]") {
    ForgedLog log(50);
    log.close();
    std::fstream file(log.path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(100);  // the first b-tree page, behind the header
    file << std::string(3'000, 'x');
    file.close();
    const auto findings = diagnose(log.path());
    CHECK(
        std::any_of(findings.begin(), findings.end(), [](const Finding& one) { return one.level == Level::problem; }));
    CHECK_THROWS_AS(diagnose(log.path().parent_path() / "absent"), Error);
}

TEST_CASE("doctor: looking changes no file", "[diagnosis]") {
    ForgedLog log(3);
    log.close();
    const std::string before = content_of(log.path());
    static_cast<void>(diagnose(log.path()));
    CHECK(content_of(log.path()) == before);
    CHECK_FALSE(fs::exists(lock_path_of(log.path().native())));
}

TEST_CASE("accept a loss: the database and -wal are copied aside and the mark follows the log", "[diagnosis]") {
    ForgedLog log(3);
    cut_tail(log);
    const std::string database = content_of(log.path());
    const std::string wal = content_of(log.path().native() + "-wal");
    StoreOptions options;
    options.clock = std::make_shared<testkit::FakeClock>();
    const auto copies = accept_loss(log.path(), options);
    const std::string name = log.path().native() + ".loss-20260131T120000.000000000Z";
    REQUIRE(copies == std::vector<fs::path>{name, name + "-wal"});
    CHECK(content_of(copies[0]) == database);
    CHECK(content_of(copies[1]) == wal);
    CHECK(finding(log.path(), "mark").level == Level::ok);
    CHECK(verify(copies[0]).events == 2);
}

TEST_CASE("accept a loss: the log can be written again", "[diagnosis]") {
    ForgedLog log(3);
    cut_tail(log);
    const fs::path path = log.path();
    log.close();
    CHECK_THROWS_AS(EventStore::open(path).append(NewEvent{.type = "a:b"}), Error);
    static_cast<void>(accept_loss(path));
    CHECK(EventStore::open(path).append(NewEvent{.type = "a:b"}).first_seq == Sequence{3});
    CHECK(verify(path).ok());
}

TEST_CASE("accept a loss: a log that is not behind its mark is left alone", "[diagnosis]") {
    ForgedLog log(3);
    CHECK(refusal_to_accept(log.path()) == ErrorCode::invalid_argument);
    write_mark(log.path(), log.head());
    CHECK(refusal_to_accept(log.path()) == ErrorCode::invalid_argument);
    for (const auto& entry : fs::directory_iterator(log.path().parent_path()))
        CHECK_THAT(entry.path().filename().native(), !Catch::Contains("loss"));
}

TEST_CASE("accept a loss: it waits for no longer than busy_timeout for a writer", "[diagnosis]") {
    ForgedLog log(3);
    cut_tail(log);
    PosixFileSystem files;
    LockFile lock(files, log.path().native(), true);
    REQUIRE(lock.try_lock_writer());
    StoreOptions options;
    options.clock = std::make_shared<testkit::FakeClock>();
    CHECK_THROWS_WITH(accept_loss(log.path(), options), Catch::Contains("[busy]"));
}
