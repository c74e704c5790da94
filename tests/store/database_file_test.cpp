// The database file's bytes, read beside open connections.
#include "store/database_file.hpp"

#include <fcntl.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <string>

#include <daybook/event/error.hpp>

#include "store/forged_log.hpp"

namespace {

using namespace daybook;
using test::ForgedLog;

// Whether this process holds SQLite's RESERVED lock on the file, seen from an open file description of our own. Only a
// descriptor that stays open may ask twice: closing it drops the locks.
bool is_locked(const std::string& path) {
    static const int descriptor = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    struct flock lock {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    lock.l_start = 0x40000001;  // SQLite's reserved byte
    lock.l_len = 1;
    REQUIRE(::fcntl(descriptor, F_OFD_GETLK, &lock) == 0);
    return lock.l_type != F_UNLCK;
}

}  // namespace

TEST_CASE("database file: its size and its first bytes are those on the disk", "[database_file]") {
    ForgedLog log(2);
    log.close();
    DatabaseFile file(log.path().native(), "");
    CHECK(file.size() == std::filesystem::file_size(log.path()));
    CHECK(file.read_at(0, 16) == std::string("SQLite format 3\0", 16));
}

TEST_CASE("database file: reading it leaves the locks of this process's connections alone", "[database_file]") {
    ForgedLog log(2);
    log.sql("PRAGMA journal_mode = DELETE");
    log.sql("BEGIN IMMEDIATE");
    REQUIRE(is_locked(log.path().native()));
    CHECK(DatabaseFile(log.path().native(), "").size() > 0);
    CHECK(is_locked(log.path().native()));
}

TEST_CASE("database file: more bytes than there are is an error", "[database_file]") {
    ForgedLog log(2);
    log.close();
    DatabaseFile file(log.path().native(), "");
    CHECK_THROWS_AS(file.read_at(file.size() - 1, 2), Error);
}

TEST_CASE("database file: a VFS that is not there is named", "[database_file]") {
    ForgedLog log;
    CHECK_THROWS_WITH(DatabaseFile(log.path().native(), "nowhere"), Catch::Contains("no VFS called 'nowhere'"));
}
