// The log's own files are recognised under every spelling, and nothing else is.
#include <daybook/store/log_files.hpp>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include <daybook/testkit/temp_directory.hpp>

namespace {

using namespace daybook;
namespace fs = std::filesystem;

void make_file(const fs::path& path) {
    std::ofstream(path) << "x";
}

}  // namespace

TEST_CASE("log files: the database and each name beside it are the log's", "[log_files]") {
    const testkit::TempDirectory directory;
    const fs::path log = directory / "a.db";
    for (const char* suffix : {"", "-wal", "-shm", "-journal", ".lock", ".wake", ".snapshots"}) {
        CAPTURE(suffix);
        CHECK(is_log_file(log, log.native() + suffix));
    }
}

TEST_CASE("log files: another name in the same directory is not the log's", "[log_files]") {
    const testkit::TempDirectory directory;
    CHECK_FALSE(is_log_file(directory / "a.db", directory / "b.db"));
    CHECK_FALSE(is_log_file(directory / "a.db", directory / "a.db.backup"));
}

TEST_CASE("log files: dots in the path do not hide one", "[log_files]") {
    const testkit::TempDirectory directory;
    fs::create_directory(directory / "sub");
    CHECK(is_log_file(directory / "a.db", directory.path() / "sub" / ".." / "a.db-wal"));
}

TEST_CASE("log files: a directory's second name by a link does not hide one", "[log_files]") {
    const testkit::TempDirectory directory;
    fs::create_directory(directory / "real");
    fs::create_directory_symlink(directory / "real", directory / "link");
    CHECK(is_log_file(directory.path() / "real" / "a.db", directory.path() / "link" / "a.db.lock"));
}

TEST_CASE("log files: a link to one is one", "[log_files]") {
    const testkit::TempDirectory directory;
    make_file(directory / "a.db.lock");
    fs::create_symlink(directory / "a.db.lock", directory / "out");
    CHECK(is_log_file(directory / "a.db", directory / "out"));
}

TEST_CASE("log files: a hard link to one is one", "[log_files]") {
    const testkit::TempDirectory directory;
    make_file(directory / "a.db-wal");
    fs::create_hard_link(directory / "a.db-wal", directory / "out");
    CHECK(is_log_file(directory / "a.db", directory / "out"));
}

TEST_CASE("log files: a relative path is the file that it names from here", "[log_files]") {
    const testkit::TempDirectory directory;
    const fs::path here = fs::current_path();
    fs::current_path(directory.path());
    CHECK(is_log_file("a.db", directory / "a.db-shm"));
    CHECK(is_log_file(directory / "a.db", "a.db-shm"));
    fs::current_path(here);
}
