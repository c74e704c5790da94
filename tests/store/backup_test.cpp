// A backup is a whole, verified copy under its name, or nothing at all.
#include <daybook/store/backup.hpp>

#include <sys/stat.h>

#include <algorithm>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include <daybook/event/error.hpp>
#include <daybook/event/posix_file_system.hpp>
#include <daybook/store/verify.hpp>

#include "store/connection.hpp"
#include "store/forged_log.hpp"
#include "store/lock_file.hpp"

namespace {

using namespace daybook;
using test::ForgedLog;
namespace fs = std::filesystem;

std::vector<std::string> names_in(const fs::path& directory) {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(directory)) names.push_back(entry.path().filename().native());
    std::sort(names.begin(), names.end());
    return names;
}

ErrorCode refusal(const fs::path& path, const fs::path& target, BackupOptions options = {}) {
    try {
        static_cast<void>(backup(path, target, std::move(options)));
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

TEST_CASE("backup: the copy verifies, has the log's head and stands alone", "[backup]") {
    ForgedLog log(20);
    const testkit::TempDirectory out;
    CHECK(backup(log.path(), out / "copy.db") == log.head());
    CHECK(names_in(out.path()) == std::vector<std::string>{"copy.db"});
    const VerifyReport report = verify(out / "copy.db");
    CHECK(report.ok());
    CHECK(report.head == log.head());
}

TEST_CASE("backup: only its owner can read the copy", "[backup]") {
    ForgedLog log(1);
    const testkit::TempDirectory out;
    static_cast<void>(backup(log.path(), out / "copy.db"));
    struct stat status {};
    REQUIRE(::stat((out / "copy.db").c_str(), &status) == 0);
    CHECK((status.st_mode & 0777U) == 0600U);
}

TEST_CASE("backup: commits made while it runs are not in it, and it does not begin again", "[backup]") {
    ForgedLog log(400);
    const Head head = log.head();
    const testkit::TempDirectory out;
    int calls = 0;
    std::uint64_t done_last = 0;
    BackupOptions options;
    options.progress = [&](std::uint64_t done, std::uint64_t) {
        CHECK(done > done_last);
        done_last = done;
        if (++calls < 100) log.append({.payload = '"' + std::string(300'000, 'x') + '"'});
    };
    CHECK(backup(log.path(), out / "copy.db", options) == head);
    CHECK(log.head().seq > head.seq);
    CHECK(verify(out / "copy.db").events == 400);
}

TEST_CASE("backup: progress ends at the number of pages", "[backup]") {
    ForgedLog log(400);
    const testkit::TempDirectory out;
    std::pair<std::uint64_t, std::uint64_t> last;
    BackupOptions options;
    options.progress = [&](std::uint64_t done, std::uint64_t total) { last = {done, total}; };
    static_cast<void>(backup(log.path(), out / "copy.db", options));
    CHECK(last.first == last.second);
    CHECK(last.second == fs::file_size(out / "copy.db") / 4'096);
}

TEST_CASE("backup: an existing target is refused and stays as it is", "[backup]") {
    ForgedLog log(2);
    const testkit::TempDirectory out;
    std::ofstream(out / "copy.db") << "mine";
    CHECK(refusal(log.path(), out / "copy.db") == ErrorCode::target_exists);
    CHECK(content_of(out / "copy.db") == "mine");
    CHECK(names_in(out.path()) == std::vector<std::string>{"copy.db"});
}

TEST_CASE("backup: an existing target is replaced when asked", "[backup]") {
    ForgedLog log(2);
    const testkit::TempDirectory out;
    static_cast<void>(backup(log.path(), out / "copy.db"));
    log.append();
    BackupOptions options;
    options.replace = true;
    static_cast<void>(backup(log.path(), out / "copy.db", options));
    CHECK(verify(out / "copy.db").events == 3);
}

TEST_CASE("backup: the log's own files are refused under every spelling, also when asked to replace", "[backup]") {
    ForgedLog log(2);
    const fs::path directory = log.path().parent_path();
    fs::create_directory(directory / "sub");
    const std::string name = GENERATE("forged.db", "forged.db-wal", "forged.db-shm", "forged.db.lock", "forged.db.wake",
                                      "forged.db.snapshots", "sub/../forged.db.lock");
    CAPTURE(name);
    BackupOptions options;
    options.replace = true;
    CHECK(refusal(log.path(), directory / name, options) == ErrorCode::unsupported_path);
    CHECK(log.verify().ok());
}

TEST_CASE("backup: a log that does not verify leaves no copy", "[backup]") {
    ForgedLog log(5);
    log.edit("UPDATE events_log SET payload = '1' WHERE seq = 2");
    const testkit::TempDirectory out;
    CHECK(refusal(log.path(), out / "copy.db") == ErrorCode::corrupt);
    CHECK(names_in(out.path()).empty());
}

TEST_CASE("backup: a progress function that throws leaves nothing behind", "[backup]") {
    ForgedLog log(5);
    const testkit::TempDirectory out;
    BackupOptions options;
    options.progress = [](std::uint64_t, std::uint64_t) { throw Error(ErrorCode::cancelled, "stop"); };
    CHECK(refusal(log.path(), out / "copy.db", options) == ErrorCode::cancelled);
    CHECK(names_in(out.path()).empty());
}

TEST_CASE("backup: a -wal that lies beside the target would be read into the copy, and is refused", "[backup]") {
    ForgedLog log(2);
    const testkit::TempDirectory out;
    std::ofstream(out / "copy.db-wal") << "commits of another database";
    BackupOptions options;
    options.replace = true;
    CHECK(refusal(log.path(), out / "copy.db", options) == ErrorCode::target_exists);
}

TEST_CASE("backup: a target that a store has open is refused", "[backup]") {
    ForgedLog log(2);
    const testkit::TempDirectory out;
    static_cast<void>(backup(log.path(), out / "copy.db"));
    PosixFileSystem files;
    LockFile lock(files, (out / "copy.db").native(), true);
    lock.share_life();
    BackupOptions options;
    options.replace = true;
    CHECK(refusal(log.path(), out / "copy.db", options) == ErrorCode::busy);
}

TEST_CASE("backup: a directory as target, or in a directory that is not there, is refused", "[backup]") {
    ForgedLog log(2);
    const testkit::TempDirectory out;
    CHECK(refusal(log.path(), out.path()) == ErrorCode::unsupported_path);
    CHECK(refusal(log.path(), out.path() / "absent" / "copy.db") == ErrorCode::no_such_file);
    CHECK(names_in(out.path()).empty());
}

TEST_CASE("backup: a log that is not there is refused before anything is made", "[backup]") {
    const testkit::TempDirectory out;
    CHECK(refusal(out / "absent.db", out / "copy.db") == ErrorCode::no_such_file);
    CHECK(names_in(out.path()).empty());
}

TEST_CASE("backup: the copy can be written like any log", "[backup]") {
    ForgedLog log(2);
    const testkit::TempDirectory out;
    static_cast<void>(backup(log.path(), out / "copy.db"));
    Connection copy((out / "copy.db").native(), {.writable = true});
    CHECK(copy.query_text("PRAGMA journal_mode") == "wal");
    copy.execute("INSERT INTO import_names VALUES ('a', 'b', 1)");
    CHECK(verify(out / "copy.db").ok());
}
