// The group commit: who shares a sync, who is refused, and what a failing disk does to a batch.
#include "store/committer.hpp"

#include <catch2/catch.hpp>

#include <sys/resource.h>

#include <atomic>
#include <thread>

#include <daybook/event/posix_file_system.hpp>
#include <daybook/store/append_ticket.hpp>

#include "store/check_log.hpp"
#include "store/event_store_impl.hpp"
#include "store/failing_vfs.hpp"
#include "store/lock_file.hpp"
#include "store/test_store.hpp"

namespace daybook {

namespace {

using test::check_log;
using test::code_of;
using test::message_of;
using test::on_real_clock;
using test::TestStore;

NewEvent event(std::string stream = "main", std::string id = "", std::string payload = "{}") {
    NewEvent made;
    made.type = "thing:happened";
    made.stream = std::move(stream);
    made.id = std::move(id);
    made.payload = std::move(payload);
    return made;
}

// An event that SQLite refuses when it is written, once refuse_large_rows() was called.
NewEvent poison() {
    return event("poison", "", R"({"text":")" + std::string(5'000, 'x') + "\"}");
}

void refuse_large_rows(const EventStore& store) {
    sqlite3_limit(store.impl().file.connection->handle(), SQLITE_LIMIT_LENGTH, 3'000);
}

}  // namespace

TEST_CASE("store: with full durability every append of one thread is synced before it returns", "[committer]") {
    TestStore test;
    test::FailingVfs vfs;
    StoreOptions options = test.options();
    options.vfs_name = vfs.name();
    EventStore store = EventStore::open(test.path, options);
    for (int count = 0; count < 5; ++count) {
        const int before = vfs.wal_syncs();
        store.append(event());
        CHECK(vfs.wal_syncs() > before);
    }
}

TEST_CASE("store: with normal durability appends are not synced", "[committer]") {
    TestStore test;
    test::FailingVfs vfs;
    StoreOptions options = test.options();
    options.vfs_name = vfs.name();
    options.durability = Durability::normal;
    EventStore store = EventStore::open(test.path, options);
    store.append(event());
    const int before = vfs.wal_syncs();
    for (int count = 0; count < 5; ++count) store.append(event());
    CHECK(vfs.wal_syncs() == before);
}

TEST_CASE("store: callers who wait at the same time share one sync", "[committer]") {
    TestStore test;
    test::FailingVfs vfs;
    StoreOptions options = on_real_clock();
    options.vfs_name = vfs.name();
    EventStore store = EventStore::open(test.path, options);
    PosixFileSystem files;
    LockFile holder(files, store.path().native(), true);
    const int before = vfs.wal_syncs();
    REQUIRE(holder.try_lock_writer());
    std::atomic<int> begun{0};
    std::vector<std::thread> running;
    for (int thread = 0; thread < 8; ++thread)
        running.emplace_back([&] {
            ++begun;
            store.append(event());
        });
    while (begun < 8) std::this_thread::yield();
    holder.unlock_writer();
    for (std::thread& thread : running) thread.join();
    // All eight stand in one queue by the time the first has got the lock, but for a straggler or two.
    CHECK(vfs.wal_syncs() - before < 8);
    check_log(store, 8);
}

TEST_CASE("store: a crowd is told, however it waits and whether yields were ended or not", "[committer]") {
    const auto strategy = GENERATE(WaitStrategy::blocking, WaitStrategy::yielding);
    const bool yields_ended = GENERATE(false, true);
    CAPTURE(strategy, yields_ended);
    TestStore test;
    StoreOptions options = on_real_clock();
    options.wait_strategy = strategy;
    EventStore store = EventStore::open(test.path, options);
    if (yields_ended) {
        const std::chrono::nanoseconds in_an_hour = SystemClock().steady() + std::chrono::hours(1);
        store.impl().committer->yielding().judge(std::chrono::nanoseconds(0), in_an_hour);
    }
    store.append(event("main", "twice"));
    constexpr int threads = 8;
    constexpr int each = 100;
    std::atomic<int> stored{0};
    std::atomic<int> refused{0};
    std::vector<std::thread> running;
    for (int thread = 0; thread < threads; ++thread)
        running.emplace_back([&, thread] {
            for (int count = 0; count < each; ++count) {
                const auto code = code_of([&] { return store.append(event("s" + std::to_string(thread))); });
                const auto conflict = code_of([&] { return store.append(event("other", "twice")); });
                if (!code) ++stored;
                if (conflict == ErrorCode::idempotency_conflict) ++refused;
            }
        });
    for (std::thread& thread : running) thread.join();
    CHECK(stored == threads * each);
    CHECK(refused == threads * each);
    CHECK(store.stream_version("s0") == Version{each});
    check_log(store, threads * each + 1);
}

TEST_CASE("store: a caller yields only if it is asked to, and not for longer than a while", "[committer]") {
    const auto strategy = GENERATE(WaitStrategy::blocking, WaitStrategy::yielding);
    CAPTURE(strategy);
    TestStore test;
    StoreOptions options = on_real_clock();
    options.wait_strategy = strategy;
    EventStore store = EventStore::open(test.path, options);
    static std::atomic<int> yields;
    yields = 0;
    store.impl().committer->yielding().yield_by([]() noexcept {
        ++yields;
        std::this_thread::yield();
    });
    PosixFileSystem files;
    LockFile holder(files, store.path().native(), true);
    REQUIRE(holder.try_lock_writer());
    std::vector<std::thread> running;
    for (int thread = 0; thread < 2; ++thread) running.emplace_back([&] { store.append(event()); });
    // One leads and asks for the lock; the other waits for it, and is asleep when it yields no more.
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);  // before the leader gives up
    int before = -1;
    while (std::chrono::steady_clock::now() < deadline &&
           ((strategy == WaitStrategy::yielding && yields == 0) || std::exchange(before, yields.load()) != yields))
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    const bool is_asleep = std::chrono::steady_clock::now() < deadline;
    const int yields_of_the_other = yields;
    holder.unlock_writer();
    for (std::thread& thread : running) thread.join();
    CHECK(is_asleep);
    CHECK((yields_of_the_other > 0) == (strategy == WaitStrategy::yielding));
    check_log(store, 2);
}

TEST_CASE("store: of several who share a commit only the one that SQLite refuses is refused", "[committer]") {
    TestStore test;
    EventStore store = EventStore::open(test.path, on_real_clock());
    refuse_large_rows(store);
    PosixFileSystem files;
    LockFile holder(files, store.path().native(), true);
    REQUIRE(holder.try_lock_writer());
    std::atomic<int> begun{0};
    std::atomic<int> stored{0};
    std::atomic<int> refused{0};
    std::vector<std::thread> running;
    for (int thread = 0; thread < 6; ++thread)
        running.emplace_back([&, thread] {
            ++begun;
            const std::string message = message_of(
                [&] { return store.append(thread == 3 ? poison() : event("s", "id-" + std::to_string(thread))); });
            if (message.empty()) ++stored;
            if (message.find("[too_large]") != std::string::npos) ++refused;
        });
    while (begun < 6) std::this_thread::yield();
    holder.unlock_writer();
    for (std::thread& thread : running) thread.join();
    CHECK(stored == 5);
    CHECK(refused == 1);
    CHECK(store.append(event()).first_seq == Sequence{6});
    check_log(store, 6);
}

TEST_CASE("store: who looks at the log behind one that SQLite refuses is not taken for it, and nobody's rows are lost",
          "[committer]") {
    TestStore test;
    EventStore store = test.open();
    store.append(event("s", "first"));
    refuse_large_rows(store);
    const auto later = [&](NewEvent made) {
        AppendRequest request;
        request.events.push_back(std::move(made));
        return store.append_later(std::move(request));
    };
    AppendTicket refused = later(poison());
    AppendTicket good = later(event("s", "second"));
    AppendTicket again = later(event("s", "first"));  // reads the log: the rows before it are inserted for that
    CHECK(std::get<Appended>(again.get()).positions.front().seq == Sequence{1});
    CHECK(std::get<Appended>(good.get()).first_seq == Sequence{2});
    CHECK_THAT(message_of([&] { return refused.get(); }), Catch::Contains("[too_large]"));
    CHECK(store.append(event("s")).first_seq == Sequence{3});
    check_log(store, 3);
}

TEST_CASE("store: a batch of which nothing was stored moves no mark", "[committer]") {
    TestStore test;
    StoreOptions options = on_real_clock();
    EventStore store = EventStore::open(test.path, options);
    options.durability = Durability::normal;
    EventStore normal = EventStore::open(test.path, options);
    refuse_large_rows(store);
    normal.append(event());  // may be lost with the power: a mark that named it would then be a false alarm
    PosixFileSystem files;
    LockFile holder(files, store.path().native(), true);
    const std::optional<Head> mark = holder.read_mark();
    std::atomic<int> stored{0};
    for (int round = 0; round < 10; ++round) {
        REQUIRE(holder.try_lock_writer());
        std::atomic<int> begun{0};
        std::vector<std::thread> running;
        for (int thread = 0; thread < 4; ++thread)
            running.emplace_back([&] {
                ++begun;
                if (!code_of([&] { return store.append(poison()); })) ++stored;
            });
        while (begun < 4) std::this_thread::yield();
        holder.unlock_writer();
        for (std::thread& thread : running) thread.join();
        REQUIRE(holder.read_mark() == mark);
    }
    CHECK(stored == 0);
}

TEST_CASE("store: on a full disk the append is refused, the rest is intact, and it goes on when there is room",
          "[committer]") {
    TestStore test;
    test::FailingVfs vfs;
    StoreOptions options = test.options();
    options.vfs_name = vfs.name();
    EventStore store = EventStore::open(test.path, options);
    store.append(event());
    vfs.fail_wal_writes(SQLITE_FULL);
    CHECK(code_of([&] { return store.append(event("s", "id-1")); }) == ErrorCode::disk_full);
    CHECK(code_of([&] { return store.append(event("s", "id-1")); }) == ErrorCode::disk_full);
    CHECK(store.head().seq == Sequence{1});
    vfs.succeed();
    CHECK(store.append(event("s", "id-1")).first_seq == Sequence{2});
    check_log(store, 2);
}

TEST_CASE("store: a sync that fails leaves the commit in doubt, and stops writing until it is reopened",
          "[committer]") {
    TestStore test;
    test::FailingVfs vfs;
    StoreOptions options = test.options();
    options.vfs_name = vfs.name();
    {
        EventStore store = EventStore::open(test.path, options);
        store.append(event());
        vfs.fail_wal_syncs(SQLITE_IOERR_FSYNC);
        const std::string message = message_of([&] { return store.append(event("s", "id-1")); });
        CHECK_THAT(message, Catch::Contains("[commit_in_doubt]") && Catch::Contains("with the same ids"));
        vfs.succeed();
        CHECK(code_of([&] { return store.append(event("s", "id-2")); }) == ErrorCode::writes_refused);
        CHECK(code_of([&] { return store.checkpoint_wal(); }) == ErrorCode::writes_refused);
        CHECK(store.head().seq == Sequence{1});
    }
    EventStore store = EventStore::open(test.path, options);
    CHECK(store.warnings().empty());
    // Whichever way it went: with the same id it is there once.
    store.append(event("s", "id-1"));
    CHECK(store.head().seq == Sequence{2});
    check_log(store, 2);
}

TEST_CASE("store: an I/O error while -wal is written leaves the commit in doubt", "[committer]") {
    TestStore test;
    test::FailingVfs vfs;
    StoreOptions options = test.options();
    options.vfs_name = vfs.name();
    EventStore store = EventStore::open(test.path, options);
    store.append(event());
    vfs.fail_wal_writes(SQLITE_IOERR_WRITE);
    CHECK(code_of([&] { return store.append(event()); }) == ErrorCode::commit_in_doubt);
    vfs.succeed();
    CHECK(code_of([&] { return store.append(event()); }) == ErrorCode::writes_refused);
}

TEST_CASE("store: all callers that share a commit in doubt are told", "[committer]") {
    TestStore test;
    test::FailingVfs vfs;
    StoreOptions options = on_real_clock();
    options.vfs_name = vfs.name();
    EventStore store = EventStore::open(test.path, options);
    store.append(event());
    vfs.fail_wal_syncs(SQLITE_IOERR_FSYNC);
    std::atomic<int> in_doubt{0};
    std::atomic<int> refused{0};
    std::vector<std::thread> running;
    for (int thread = 0; thread < 8; ++thread)
        running.emplace_back([&] {
            const auto code = code_of([&] { return store.append(event()); });
            if (code == ErrorCode::commit_in_doubt) ++in_doubt;
            if (code == ErrorCode::writes_refused) ++refused;
        });
    for (std::thread& thread : running) thread.join();
    CHECK(in_doubt >= 1);
    CHECK(in_doubt + refused == 8);
}

TEST_CASE("store: an error of a checkpoint leaves the append stored, and stops writing", "[committer]") {
    TestStore test;
    test::FailingVfs vfs;
    StoreOptions options = test.options();
    options.vfs_name = vfs.name();
    options.checkpoint_pages = 1;
    EventStore store = EventStore::open(test.path, options);
    vfs.fail_database_writes(SQLITE_IOERR_WRITE);
    CHECK(store.append(event()).first_seq == Sequence{1});
    CHECK(code_of([&] { return store.append(event()); }) == ErrorCode::writes_refused);
    vfs.succeed();
    check_log(store, 1);
}

TEST_CASE("store: a file size limit stops appends without losing any", "[committer]") {
    TestStore test;
    int count[2];
    REQUIRE(::pipe(count) == 0);
    test::Child child([&] {
        ::signal(SIGXFSZ, SIG_IGN);
        EventStore store = EventStore::open(test.path, on_real_clock());
        const rlimit limit{400'000, 400'000};
        ::setrlimit(RLIMIT_FSIZE, &limit);
        std::uint64_t stored = 0;
        std::optional<ErrorCode> code;
        while (!code && stored < 10'000) {
            code = code_of([&] { return store.append(event("s", "", '"' + std::string(3'000, 'x') + '"')); });
            if (!code) ++stored;
        }
        if (::write(count[1], &stored, sizeof stored) != sizeof stored) return 1;
        return code == ErrorCode::commit_in_doubt || code == ErrorCode::disk_full ? 0 : 2;
    });
    CHECK(child.wait() == 0);
    std::uint64_t stored = 0;
    REQUIRE(::read(count[0], &stored, sizeof stored) == sizeof stored);
    ::close(count[0]);
    ::close(count[1]);
    EventStore store = EventStore::open(test.path, on_real_clock());
    CHECK(stored > 0);
    CHECK(store.head().seq.value >= stored);
    CHECK(store.head().seq.value <= stored + 1);
    check_log(store, store.head().seq.value);
}

}  // namespace daybook
