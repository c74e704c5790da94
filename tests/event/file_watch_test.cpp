#include "event/file_watch.hpp"

#include <filesystem>
#include <thread>

#include <daybook/event/posix_file_system.hpp>
#include <daybook/testkit/temp_directory.hpp>

using namespace daybook;
using namespace std::chrono_literals;
using daybook::testkit::TempDirectory;

namespace {

constexpr auto at_once = 0ns;
constexpr auto deadline = 20s;

struct Place {
    TempDirectory directory;
    PosixFileSystem files;
    std::string path = directory / "log.wake";
};

}  // namespace

TEST_CASE_METHOD(Place, "watch: a touch is told once, by either method") {
    const WatchMethod method = GENERATE(WatchMethod::inotify, WatchMethod::polling);
    const auto file = files.open(path, OpenMode::create);
    const auto watch = watch_file(path, method);
    CHECK_FALSE(watch->wait(at_once));
    file->touch();
    CHECK(watch->wait(deadline));
    CHECK_FALSE(watch->wait(at_once));
}

TEST_CASE_METHOD(Place, "watch: touches that follow each other at once are none of them lost, by either method") {
    const WatchMethod method = GENERATE(WatchMethod::inotify, WatchMethod::polling);
    const auto file = files.open(path, OpenMode::create);
    const auto watch = watch_file(path, method);
    for (int i = 0; i < 50; ++i) {
        file->touch();
        REQUIRE(watch->wait(deadline));
    }
}

TEST_CASE_METHOD(Place, "watch: a waiter is woken by a touch from another thread, by either method") {
    const WatchMethod method = GENERATE(WatchMethod::inotify, WatchMethod::polling);
    const auto file = files.open(path, OpenMode::create);
    const auto watch = watch_file(path, method);
    std::thread toucher([&] { file->touch(); });
    CHECK(watch->wait(deadline));
    toucher.join();
}

TEST_CASE_METHOD(Place, "watch: it waits as long as asked, and no event is no event") {
    const auto file = files.open(path, OpenMode::create);
    const auto watch = files.watch(path);
    const auto start = std::chrono::steady_clock::now();
    CHECK_FALSE(watch->wait(5ms));
    CHECK(std::chrono::steady_clock::now() - start >= 5ms);
}

TEST_CASE_METHOD(Place, "watch: an interrupt ends the waiting, also when it came before") {
    const WatchMethod method = GENERATE(WatchMethod::inotify, WatchMethod::polling);
    const auto file = files.open(path, OpenMode::create);
    const auto watch = watch_file(path, method);
    watch->interrupt();
    CHECK(watch->wait(deadline));
    CHECK_FALSE(watch->wait(at_once));
    std::thread other([&] { watch->interrupt(); });
    CHECK(watch->wait(deadline));
    other.join();
}

TEST_CASE_METHOD(Place, "watch: a file that comes later is told, and then watched") {
    const WatchMethod method = GENERATE(WatchMethod::inotify, WatchMethod::polling);
    const auto watch = watch_file(path, method);
    CHECK_FALSE(watch->wait(at_once));
    const auto file = files.open(path, OpenMode::create);
    CHECK(watch->wait(deadline));
    file->touch();
    CHECK(watch->wait(deadline));
}

TEST_CASE_METHOD(Place, "watch: a file that replaces the old one is watched in its place") {
    const WatchMethod method = GENERATE(WatchMethod::inotify, WatchMethod::polling);
    static_cast<void>(files.open(path, OpenMode::create));
    const auto watch = watch_file(path, method);
    const std::string other = directory / "other";
    const auto file = files.open(other, OpenMode::create);
    files.rename_replace(other, path);
    CHECK(watch->wait(deadline));
    while (watch->wait(at_once)) {
    }
    file->touch();
    CHECK(watch->wait(deadline));
}

TEST_CASE_METHOD(Place, "watch: a file that is removed and made again is watched again") {
    const WatchMethod method = GENERATE(WatchMethod::inotify, WatchMethod::polling);
    static_cast<void>(files.open(path, OpenMode::create));
    const auto watch = watch_file(path, method);
    files.remove(path);
    CHECK(watch->wait(deadline));
    while (watch->wait(at_once)) {
    }
    const auto file = files.open(path, OpenMode::create);
    CHECK(watch->wait(deadline));
    while (watch->wait(at_once)) {
    }
    file->touch();
    CHECK(watch->wait(deadline));
}

TEST_CASE_METHOD(Place, "watch: a directory that comes later with its file is told") {
    const std::string later = directory / "later";
    const auto watch = files.watch(later + "/log.wake");
    CHECK_FALSE(watch->wait(at_once));
    std::filesystem::create_directory(later);
    static_cast<void>(files.open(later + "/log.wake", OpenMode::create));
    CHECK(watch->wait(deadline));
}

TEST_CASE_METHOD(Place, "watch: other files in the directory do not wake") {
    const auto file = files.open(path, OpenMode::create);
    const auto watch = files.watch(path);
    files.open(directory / "log-wal", OpenMode::create)->append("busy");
    CHECK_FALSE(watch->wait(at_once));
}
