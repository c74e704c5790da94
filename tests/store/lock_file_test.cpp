// Two LockFiles on one path stand for two stores: open-file-description locks keep them apart as they do processes.
#include "store/lock_file.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <functional>
#include <optional>
#include <thread>
#include <utility>

#include <daybook/event/posix_file_system.hpp>

#include "store/test_store.hpp"
#include "store/watched_files.hpp"

namespace daybook {

namespace {

using namespace std::chrono_literals;
using test::code_of;

struct Locks {
    testkit::TempDirectory directory;
    PosixFileSystem files;
    std::string database = (directory / "log.db").string();
    testkit::FakeClock clock;
    LockFile one{files, database, true};
    LockFile two{files, database, true};
};

}  // namespace

TEST_CASE("lock file: the writer lock keeps another store out until it is given up", "[lock_file]") {
    Locks locks;
    locks.one.lock_writer(locks.clock, 0s);
    CHECK_FALSE(locks.two.try_lock_writer());
    locks.one.unlock_writer();
    CHECK(locks.two.try_lock_writer());
}

TEST_CASE("lock file: who waits too long for the writer lock is told how long, and by whom", "[lock_file]") {
    Locks locks;
    locks.one.lock_writer(locks.clock, 0s);
    const auto before = locks.clock.steady();
    const std::string message = test::message_of([&] {
        locks.two.lock_writer(locks.clock, 3s);
        return 0;
    });
    CHECK_THAT(message, Catch::Contains("3 s") && Catch::Contains("[busy]") && Catch::Contains("log.db"));
    CHECK(locks.clock.steady() - before == 3s);
}

TEST_CASE("lock file: who gave up waiting leaves the line", "[lock_file]") {
    Locks locks;
    LockFile three(locks.files, locks.database, true);
    locks.one.lock_writer(locks.clock, 0s);
    CHECK(code_of([&] {
              locks.two.lock_writer(locks.clock, 1ms);
              return 0;
          }) == ErrorCode::busy);
    locks.one.unlock_writer();
    CHECK(three.try_lock_writer());
}

TEST_CASE("lock file: who meets an error while waiting leaves the line", "[lock_file]") {
    Locks locks;
    test::WatchedFiles files;
    LockFile failing(files, locks.database, true);
    files.on_lock = [](std::uint64_t byte) {
        if (byte == LockFile::writer_byte) throw Error(ErrorCode::io_error, "lock: no locks available");
    };
    CHECK(code_of([&] {
              failing.lock_writer(locks.clock, 1s);
              return 0;
          }) == ErrorCode::io_error);
    CHECK(code_of([&] { return failing.try_lock_writer(); }) == ErrorCode::io_error);
    CHECK(locks.two.try_lock_writer());
}

TEST_CASE("lock file: a store that has just written lets a waiting one go first", "[lock_file]") {
    Locks locks;
    SystemClock clock;
    locks.one.lock_writer(clock, 0s);
    std::atomic<bool> served{false};
    std::thread waiter([&] {
        locks.two.lock_writer(clock, 10s);
        served = true;
        locks.two.unlock_writer();
    });
    // Once the waiter stands in the line the holder cannot get past it again.
    while (true) {
        locks.one.unlock_writer();
        if (served || !locks.one.try_lock_writer()) break;  // it may come and go between the two
        std::this_thread::yield();
    }
    waiter.join();
    CHECK(served);
}

// One thread plays several stores: whoever sleeps lets the next one try.
class LettingClock final : public Clock {
  public:
    std::function<void()> on_sleep = [] {};

    [[nodiscard]] Timestamp now() override { return {}; }
    [[nodiscard]] std::chrono::nanoseconds steady() override { return passed_; }
    void sleep_for(std::chrono::nanoseconds duration) override {
        passed_ += duration;
        std::exchange(on_sleep, [] {})();
    }

  private:
    std::chrono::nanoseconds passed_{0};
};

TEST_CASE("lock file: who came later is not served before who came first, even when the lock is free", "[lock_file]") {
    Locks locks;
    LockFile three(locks.files, locks.database, true);
    LockFile four(locks.files, locks.database, true);
    LettingClock first;
    LettingClock second;
    const auto is_kept_out = [](LockFile& lock, Clock& clock) {
        return code_of([&] {
                   lock.lock_writer(clock, 100ms);
                   return 0;
               }) == ErrorCode::busy;
    };
    bool were_kept_out = false;
    locks.one.lock_writer(locks.clock, 0s);
    first.on_sleep = [&] {       // two waits at the front
        second.on_sleep = [&] {  // three waits behind it
            locks.one.unlock_writer();
            were_kept_out = is_kept_out(four, locks.clock) && is_kept_out(locks.one, locks.clock);
        };
        were_kept_out = is_kept_out(three, second) && were_kept_out;
    };
    locks.two.lock_writer(first, 1s);
    CHECK(were_kept_out);
    locks.two.unlock_writer();
    CHECK(three.try_lock_writer());
}

TEST_CASE("lock file: a store may write again while its turn lasts, though another waits, and no longer",
          "[lock_file]") {
    Locks locks;
    LettingClock waiting;
    const auto write_again = [&] {
        return code_of([&] {
            locks.one.lock_writer(locks.clock, 0s);
            return 0;
        });
    };
    std::optional<ErrorCode> within;
    std::optional<ErrorCode> after;
    locks.one.lock_writer(locks.clock, 0s);
    waiting.on_sleep = [&] {  // two waits at the front
        locks.one.unlock_writer();
        locks.clock.advance(LockFile::turn - 1ns);
        within = write_again();
        locks.one.unlock_writer();
        locks.clock.advance(1ns);
        after = write_again();
    };
    locks.two.lock_writer(waiting, 1s);
    CHECK(within == std::nullopt);
    CHECK(after == ErrorCode::busy);
}

TEST_CASE("lock file: a turn begins anew with each lock that nobody else waits for", "[lock_file]") {
    Locks locks;
    LettingClock waiting;
    locks.one.lock_writer(locks.clock, 0s);
    locks.one.unlock_writer();
    locks.clock.advance(LockFile::turn);
    locks.one.lock_writer(locks.clock, 0s);
    bool again = false;
    waiting.on_sleep = [&] {
        locks.one.unlock_writer();
        locks.one.lock_writer(locks.clock, 0s);
        again = true;
        locks.one.unlock_writer();
    };
    locks.two.lock_writer(waiting, 1s);
    CHECK(again);
}

TEST_CASE("lock file: only one store is alone in having the file open for writing", "[lock_file]") {
    Locks locks;
    CHECK(locks.one.try_hold_life_alone());
    CHECK_FALSE(locks.two.try_hold_life_alone());
    CHECK(code_of([&] {
              locks.two.share_life();
              return 0;
          }) == ErrorCode::busy);
    locks.one.share_life();
    locks.two.share_life();
    CHECK_FALSE(locks.one.try_hold_life_alone());
    locks.two.release_life();
    CHECK(locks.one.try_hold_life_alone());
}

TEST_CASE("lock file: a reader sees whether somebody has the file open for writing", "[lock_file]") {
    Locks locks;
    LockFile reader(locks.files, locks.database, false);
    CHECK_FALSE(reader.somebody_lives());
    locks.one.share_life();
    CHECK(reader.somebody_lives());
}

TEST_CASE("lock file: the mark is what was written last", "[lock_file]") {
    Locks locks;
    CHECK_FALSE(locks.one.read_mark());
    Head head;
    head.seq = Sequence{7};
    locks.one.write_mark(head);
    head.seq = Sequence{8};
    locks.one.write_mark(head);
    CHECK(locks.two.read_mark() == head);
    locks.two.clear_mark();
    CHECK_FALSE(locks.one.read_mark());
}

TEST_CASE("lock file: an owner lives while its lock is held, in the same store and in another", "[lock_file]") {
    Locks locks;
    REQUIRE(locks.one.hold_owner("owner-a"));
    CHECK_FALSE(locks.one.owner_is_gone("owner-a"));
    CHECK_FALSE(locks.two.owner_is_gone("owner-a"));
    CHECK_FALSE(locks.two.hold_owner("owner-a"));
    CHECK(locks.one.owner_is_gone("owner-b"));
    locks.one.release_owner("owner-a");
    CHECK(locks.one.owner_is_gone("owner-a"));
    CHECK(locks.two.owner_is_gone("owner-a"));
}

TEST_CASE("lock file: an owner is gone when its process was killed", "[lock_file]") {
    testkit::TempDirectory directory;
    const std::string database = (directory / "log.db").string();
    int ready[2];
    REQUIRE(::pipe(ready) == 0);
    test::Child child([&] {
        PosixFileSystem files;
        LockFile lock(files, database, true);
        if (!lock.hold_owner("owner-a") || ::write(ready[1], "x", 1) != 1) return 1;
        ::pause();
        return 0;
    });
    char byte = 0;
    REQUIRE(::read(ready[0], &byte, 1) == 1);
    PosixFileSystem files;
    LockFile lock(files, database, true);
    CHECK_FALSE(lock.owner_is_gone("owner-a"));
    child.kill();
    CHECK(child.wait() == -SIGKILL);
    CHECK(lock.owner_is_gone("owner-a"));
    ::close(ready[0]);
    ::close(ready[1]);
}

TEST_CASE("lock file: owners' bytes lie behind the locks of the file itself", "[lock_file]") {
    CHECK(LockFile::owner_byte("a") >= LockFile::owners_begin);
    CHECK(LockFile::owner_byte("a") != LockFile::owner_byte("b"));
    CHECK(LockFile::owners_begin > LockFile::life_byte);
}

TEST_CASE("lock file: it is made with mode 0600, and not made for a reader", "[lock_file]") {
    testkit::TempDirectory directory;
    PosixFileSystem files;
    const std::string database = (directory / "log.db").string();
    CHECK(code_of([&] { return LockFile(files, database, false).path(); }) == ErrorCode::no_such_file);
    LockFile lock(files, database, true);
    CHECK((std::filesystem::status(lock.path()).permissions() & std::filesystem::perms::all) ==
          (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
}

}  // namespace daybook
