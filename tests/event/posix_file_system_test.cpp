#include <daybook/event/posix_file_system.hpp>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include <daybook/testkit/temp_directory.hpp>

#include "event/posix_error.hpp"
#include "event/thrown.hpp"

using namespace daybook;
using daybook::testkit::TempDirectory;

namespace {

constexpr std::uint64_t byte = 1'000'000;

struct Place {
    TempDirectory directory;
    PosixFileSystem files;
    std::string path = directory / "file";

    [[nodiscard]] std::unique_ptr<File> create() { return files.open(path, OpenMode::create); }
    [[nodiscard]] std::unique_ptr<File> again() { return files.open(path, OpenMode::read_write); }
};

template <typename Call>
ErrorCode refused(Call call) {
    return thrown_code([&] {
        call();
        return 0;
    });
}

}  // namespace

TEST_CASE_METHOD(Place, "file: what is written at a place is read back from it") {
    const auto file = create();
    file->write_at(4, "abc");
    CHECK(file->size() == 7);
    CHECK(file->read_at(0, 100) == std::string("\0\0\0\0abc", 7));
    CHECK(file->read_at(5, 1) == "b");
    CHECK(file->read_at(7, 10).empty());
    CHECK(file->read_at(1'000'000, 10).empty());
    file->write_at(0, "");
    CHECK(file->size() == 7);
}

TEST_CASE_METHOD(Place, "file: appending goes to the end, also after a write elsewhere and by another") {
    const auto file = create();
    const auto other = again();
    file->append("one\n");
    other->append("two\n");
    file->write_at(0, "O");
    file->append("three\n");
    file->append("");
    CHECK(other->read_at(0, 100) == "One\ntwo\nthree\n");
}

TEST_CASE_METHOD(Place, "file: an append that does not fit is an error and leaves nothing behind") {
    const auto file = create();
    file->append("kept\n");
    // A limit on the file's size cuts the write short as a full disk does. In a process of its own, because it is
    // the process's limit.
    const pid_t child = ::fork();
    if (child == 0) {
        std::signal(SIGXFSZ, SIG_IGN);
        const rlimit limit{10, 10};
        ::setrlimit(RLIMIT_FSIZE, &limit);
        int status = 1;
        try {
            again()->append("a line that is longer\n");
        } catch (const Error& error) {
            status = error.code() == ErrorCode::disk_full ? 0 : 2;
        }
        ::_exit(status);
    }
    int status = -1;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WEXITSTATUS(status) == 0);
    CHECK(file->read_at(0, 100) == "kept\n");
}

TEST_CASE_METHOD(Place, "file: truncating cuts, syncing does not complain") {
    const auto file = create();
    file->append("abcdef");
    file->truncate(2);
    file->sync();
    CHECK(file->read_at(0, 100) == "ab");
}

TEST_CASE_METHOD(Place, "file: a new one belongs to its owner alone") {
    const auto file = create();
    struct stat info {};
    REQUIRE(::stat(path.c_str(), &info) == 0);
    CHECK((info.st_mode & 0777) == 0600);
}

TEST_CASE_METHOD(Place, "file: no descriptor is left to a program that is started") {
    const auto file = create();
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
        std::error_code gone;
        if (std::filesystem::read_symlink(entry.path(), gone) != path) continue;
        const int descriptor = std::stoi(entry.path().filename());
        CHECK((::fcntl(descriptor, F_GETFD) & FD_CLOEXEC) != 0);
    }
}

TEST_CASE_METHOD(Place, "open: create takes what is there, create_new refuses it") {
    create()->append("x");
    CHECK(create()->size() == 1);
    CHECK(refused([&] { static_cast<void>(files.open(path, OpenMode::create_new)); }) == ErrorCode::target_exists);
    files.remove(path);
    CHECK(files.open(path, OpenMode::create_new)->size() == 0);
}

TEST_CASE_METHOD(Place, "open: what is not there is refused, naming the path") {
    const Error error = thrown([&] { return files.open(path, OpenMode::read); });
    CHECK(error.code() == ErrorCode::no_such_file);
    CHECK_THAT(error.what(), Catch::Contains(path));
    CHECK(refused([&] { static_cast<void>(files.open(path, OpenMode::read_write)); }) == ErrorCode::no_such_file);
    CHECK(refused([&] { static_cast<void>(files.open(path + "/below", OpenMode::create)); }) ==
          ErrorCode::no_such_file);
}

TEST_CASE_METHOD(Place, "open: a directory is no file") {
    for (const OpenMode mode : {OpenMode::read, OpenMode::read_write, OpenMode::create}) {
        CHECK(refused([&] { static_cast<void>(files.open(directory.path(), mode)); }) == ErrorCode::unsupported_path);
    }
}

TEST_CASE_METHOD(Place, "open: an empty path, one with a NUL and one that is too long are refused") {
    CHECK(refused([&] { static_cast<void>(files.open("", OpenMode::create)); }) == ErrorCode::unsupported_path);
    CHECK(refused([&] { static_cast<void>(files.open(path + std::string("\0x", 2), OpenMode::create)); }) ==
          ErrorCode::unsupported_path);
    CHECK(refused([&] { static_cast<void>(files.open(path + std::string(300, 'x'), OpenMode::create)); }) ==
          ErrorCode::unsupported_path);
}

TEST_CASE_METHOD(Place, "open: creating does not follow a symbolic link") {
    std::filesystem::create_symlink(directory / "elsewhere", path);
    CHECK(refused([&] { static_cast<void>(create()); }) == ErrorCode::unsupported_path);
    CHECK(refused([&] { static_cast<void>(files.open(path, OpenMode::create_new)); }) == ErrorCode::target_exists);
    CHECK_FALSE(std::filesystem::exists(directory / "elsewhere"));
}

TEST_CASE_METHOD(Place, "open: a file that is only for reading cannot be written through it") {
    create()->append("x");
    const auto file = files.open(path, OpenMode::read);
    CHECK(file->read_at(0, 9) == "x");
    CHECK_THROWS_AS(file->append("y"), Error);
    CHECK(file->size() == 1);
}

TEST_CASE("file errors: the system's numbers become codes that say what to do") {
    CHECK(error_code_of_errno(ENOSPC) == ErrorCode::disk_full);
    CHECK(error_code_of_errno(EDQUOT) == ErrorCode::disk_full);
    CHECK(error_code_of_errno(EACCES) == ErrorCode::permission_denied);
    CHECK(error_code_of_errno(EPERM) == ErrorCode::permission_denied);
    CHECK(error_code_of_errno(EROFS) == ErrorCode::read_only);
    CHECK(error_code_of_errno(ENOENT) == ErrorCode::no_such_file);
    CHECK(error_code_of_errno(EEXIST) == ErrorCode::target_exists);
    CHECK(error_code_of_errno(ENOMEM) == ErrorCode::out_of_memory);
    CHECK(error_code_of_errno(EIO) == ErrorCode::io_error);
    const Error error = thrown([]() -> int { throw_errno(EROFS, "open", "/x/y"); });
    CHECK_THAT(error.what(), Catch::Contains("open '/x/y'") && Catch::Contains("read-only"));
}

TEST_CASE_METHOD(Place, "lock: one exclusive holder keeps everybody else out, also within the process") {
    const auto one = create();
    const auto two = again();
    CHECK(one->try_lock(byte, LockMode::exclusive));
    CHECK_FALSE(two->try_lock(byte, LockMode::exclusive));
    CHECK_FALSE(two->try_lock(byte, LockMode::shared));
    CHECK(two->try_lock(byte + 1, LockMode::exclusive));
    one->unlock(byte);
    CHECK(two->try_lock(byte, LockMode::exclusive));
}

TEST_CASE_METHOD(Place, "lock: shared holders stand beside each other, and keep an exclusive one out") {
    const auto one = create();
    const auto two = again();
    CHECK(one->try_lock(byte, LockMode::shared));
    CHECK(two->try_lock(byte, LockMode::shared));
    CHECK_FALSE(one->try_lock(byte, LockMode::exclusive));
    two->unlock(byte);
    CHECK(one->try_lock(byte, LockMode::exclusive));
    CHECK(one->try_lock(byte, LockMode::shared));
    CHECK(two->try_lock(byte, LockMode::shared));
}

TEST_CASE_METHOD(Place, "lock: closing the file gives it back, closing another opening of the file does not") {
    auto one = create();
    auto two = again();
    CHECK(one->try_lock(byte, LockMode::exclusive));
    two.reset();
    two = again();
    CHECK_FALSE(two->try_lock(byte, LockMode::exclusive));
    one.reset();
    CHECK(two->try_lock(byte, LockMode::exclusive));
}

TEST_CASE_METHOD(Place, "lock: others can ask whether it is held, and by which process") {
    const auto one = create();
    const auto two = again();
    CHECK_FALSE(two->is_locked_by_other(byte, 1));
    CHECK_FALSE(two->lock_holder(byte));
    CHECK(one->try_lock(byte, LockMode::shared));
    CHECK(two->is_locked_by_other(byte, 1));
    CHECK_FALSE(one->is_locked_by_other(byte, 1));
    CHECK(two->is_locked_by_other(byte - 3, 4));
    CHECK_FALSE(two->is_locked_by_other(byte - 3, 3));
    CHECK(two->lock_holder(byte) == ::getpid());
    CHECK_FALSE(two->lock_holder(byte + 1));
}

TEST_CASE_METHOD(Place, "lock: it goes with the process that held it") {
    const auto file = create();
    int ready[2];
    REQUIRE(::pipe(ready) == 0);
    const pid_t child = ::fork();
    if (child == 0) {
        const auto theirs = again();
        const char told = theirs->try_lock(byte, LockMode::exclusive) ? 'y' : 'n';
        if (::write(ready[1], &told, 1) != 1) ::_exit(1);
        for (;;) ::pause();
    }
    char told = 0;
    REQUIRE(::read(ready[0], &told, 1) == 1);
    CHECK(told == 'y');
    CHECK(file->is_locked_by_other(byte, 1));
    CHECK(file->lock_holder(byte) == child);
    ::kill(child, SIGKILL);
    REQUIRE(::waitpid(child, nullptr, 0) == child);
    CHECK_FALSE(file->is_locked_by_other(byte, 1));
    CHECK(file->try_lock(byte, LockMode::exclusive));
    ::close(ready[0]);
    ::close(ready[1]);
}

TEST_CASE_METHOD(Place, "file system: existing, removing, and removing what is not there") {
    CHECK_FALSE(files.exists(path));
    static_cast<void>(create());
    CHECK(files.exists(path));
    CHECK_FALSE(files.exists(path + "/below"));
    files.remove(path);
    CHECK_FALSE(files.exists(path));
    CHECK(refused([&] { files.remove(path); }) == ErrorCode::no_such_file);
}

TEST_CASE_METHOD(Place, "file system: renaming to a new name never replaces") {
    const std::string target = directory / "target";
    create()->append("new");
    files.rename_new(path, target);
    CHECK_FALSE(files.exists(path));
    create()->append("newer");
    CHECK(refused([&] { files.rename_new(path, target); }) == ErrorCode::target_exists);
    CHECK(files.open(target, OpenMode::read)->read_at(0, 9) == "new");
    CHECK(files.exists(path));
    CHECK(refused([&] { files.rename_new(directory / "nothing", directory / "other"); }) == ErrorCode::no_such_file);
}

TEST_CASE_METHOD(Place, "file system: renaming to replace replaces") {
    const std::string target = directory / "target";
    files.open(target, OpenMode::create)->append("old");
    create()->append("new");
    files.rename_replace(path, target);
    CHECK(files.open(target, OpenMode::read)->read_at(0, 9) == "new");
    CHECK(refused([&] { files.rename_replace(path, target); }) == ErrorCode::no_such_file);
}

TEST_CASE_METHOD(Place, "file system: a directory is synced and listed in order") {
    for (const char* name : {"b", "a", "c"}) static_cast<void>(files.open(directory / name, OpenMode::create));
    files.sync_directory(directory.path());
    CHECK(files.list(directory.path()) == std::vector<std::string>{"a", "b", "c"});
    CHECK(refused([&] { files.sync_directory(path); }) == ErrorCode::no_such_file);
    CHECK(refused([&] { static_cast<void>(files.list(path)); }) == ErrorCode::no_such_file);
}
