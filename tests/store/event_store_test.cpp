// The store as a whole: its life, many threads, many processes, kills. Shared commits and failing disks: committer_test.cpp.
#include <daybook/store/event_store.hpp>

#include <catch2/catch.hpp>

#include <atomic>
#include <map>
#include <set>
#include <thread>

#include <daybook/event/posix_file_system.hpp>

#include "store/check_log.hpp"
#include "store/lock_file.hpp"
#include "store/test_store.hpp"

namespace daybook {

namespace {

using test::check_log;
using test::code_of;
using test::message_of;
using test::on_real_clock;
using test::query;
using test::TestStore;

NewEvent event(std::string stream = "main", std::string id = "", std::string payload = "{}") {
    NewEvent made;
    made.type = "thing:happened";
    made.stream = std::move(stream);
    made.id = std::move(id);
    made.payload = std::move(payload);
    return made;
}

}  // namespace

TEST_CASE("store: what was appended is there after it was closed and opened again", "[event_store]") {
    TestStore test;
    Head head;
    {
        EventStore store = test.open();
        store.append(event("a", "", "[1]"));
        store.append(event("b", "", "[2]"));
        head = store.head();
        store.close();
    }
    EventStore store = test.open(Access::read_write);
    CHECK(store.head() == head);
    check_log(store, 2);
    store.append(event("a"));
    check_log(store, 3);
}

TEST_CASE("store: after close() every call says so", "[event_store]") {
    TestStore test;
    EventStore store = test.open();
    store.close();
    store.close();
    CHECK(code_of([&] { return store.append(event()); }) == ErrorCode::closed);
    CHECK(code_of([&] { return store.head(); }) == ErrorCode::closed);
    CHECK(code_of([&] { return store.unfinished(); }) == ErrorCode::closed);
    CHECK(code_of([&] { return store.subscribe(); }) == ErrorCode::closed);
}

TEST_CASE("store: used in a forked child it refuses, and the child's end harms nothing", "[event_store]") {
    TestStore test;
    EventStore store = test.open();
    store.append(event());
    std::unique_ptr<OwnerLock> owner = store.hold_owner_lock();
    {
        test::Child child([&] {
            const bool refused = code_of([&] { return store.append(event()); }) == ErrorCode::wrong_process &&
                                 code_of([&] { return store.head(); }) == ErrorCode::wrong_process;
            owner.reset();
            EventStore mine = std::move(store);  // and is destroyed here
            return refused ? 0 : 1;
        });
        CHECK(child.wait() == 0);
    }
    // The child shares the parent's open lock file: had it unlocked anything, this store would seem dead to others.
    PosixFileSystem files;
    LockFile other(files, store.path().native(), false);
    CHECK(other.somebody_lives());
    CHECK_FALSE(other.owner_is_gone(owner->name()));
    CHECK(store.append(event()).first_seq == Sequence{2});
    check_log(store, 2);
}

TEST_CASE("store: a forked child that goes on without the store keeps none of its dead parent's locks",
          "[event_store]") {
    TestStore test;
    static_cast<void>(test.open());
    int names[2];
    int ready[2];
    REQUIRE((::pipe(names) == 0 && ::pipe(ready) == 0));
    test::Child parent([&] {
        EventStore store = test.open();
        std::unique_ptr<OwnerLock> owner = store.hold_owner_lock();
        const std::string name = owner->name();
        if (::fork() == 0) {
            ::close(ready[1]);
            owner.reset();
            { EventStore mine = std::move(store); }
            static_cast<void>(::write(names[1], name.data(), name.size()) == 0);
            char byte = 0;
            static_cast<void>(::read(ready[0], &byte, 1) == 0);  // until the test is over
            ::_exit(0);
        }
        ::pause();
        return 0;
    });
    ::close(ready[0]);
    ::close(names[1]);
    std::string name(36, '\0');
    REQUIRE(::read(names[0], name.data(), name.size()) == 36);
    PosixFileSystem files;
    LockFile other(files, test.name(), false);
    CHECK_FALSE(other.owner_is_gone(name));
    parent.kill();
    CHECK(parent.wait() == -SIGKILL);
    CHECK(other.owner_is_gone(name));
    CHECK_FALSE(other.somebody_lives());
    for (const int pipe : {ready[1], names[0]}) ::close(pipe);
}

TEST_CASE("store: 8 threads that append make one dense log in which each thread's order is kept", "[event_store]") {
    TestStore test;
    EventStore store = EventStore::open(test.path, on_real_clock());
    constexpr int threads = 8;
    constexpr int each = 200;
    std::vector<std::uint64_t> delivered;
    std::vector<std::thread> running;
    std::atomic<int> out_of_order{0};
    for (int thread = 0; thread < threads; ++thread)
        running.emplace_back([&, thread] {
            Sequence last;
            for (int count = 0; count < each; ++count) {
                AppendRequest request;
                request.events.push_back(event("thread-" + std::to_string(thread)));
                request.on_durable = [&](const Appended& appended) { delivered.push_back(appended.first_seq.value); };
                const Appended appended = store.append(std::move(request));
                if (appended.first_seq <= last) ++out_of_order;
                last = appended.first_seq;
            }
        });
    for (std::thread& thread : running) thread.join();
    CHECK(out_of_order == 0);
    REQUIRE(delivered.size() == threads * each);
    for (std::size_t index = 0; index < delivered.size(); ++index) REQUIRE(delivered[index] == index + 1);
    check_log(store, threads * each);
}

TEST_CASE("store: of many threads that expect the same version one wins", "[event_store]") {
    TestStore test;
    EventStore store = EventStore::open(test.path, on_real_clock());
    std::atomic<int> won{0};
    std::vector<std::thread> running;
    for (int thread = 0; thread < 8; ++thread)
        running.emplace_back([&] {
            for (std::uint64_t version = 0; version < 10; ++version) {
                AppendRequest request;
                request.events.push_back(event("shared"));
                request.expectations.push_back({"shared", ExpectedVersion::exactly(Version{version})});
                if (std::holds_alternative<Appended>(store.try_append(std::move(request)))) ++won;
            }
        });
    for (std::thread& thread : running) thread.join();
    CHECK(won == 10);
    CHECK(store.stream_version("shared") == Version{10});
}

TEST_CASE("store: of many threads that append the same id one writes and all get its position", "[event_store]") {
    TestStore test;
    EventStore store = EventStore::open(test.path, on_real_clock());
    std::atomic<int> wrote{0};
    std::vector<std::thread> running;
    for (int thread = 0; thread < 8; ++thread)
        running.emplace_back([&] {
            const Appended appended = store.append(event("s", "the-id"));
            if (!appended.already_appended()) ++wrote;
            if (appended.first_seq != Sequence{1}) wrote += 100;
        });
    for (std::thread& thread : running) thread.join();
    CHECK(wrote == 1);
}

TEST_CASE("store: a request that is refused does not harm those that share its commit", "[event_store]") {
    TestStore test;
    EventStore store = EventStore::open(test.path, on_real_clock());
    std::atomic<int> refused{0};
    std::vector<std::thread> running;
    for (int thread = 0; thread < 6; ++thread)
        running.emplace_back([&, thread] {
            for (int count = 0; count < 30; ++count) {
                if (thread % 2 == 0) {
                    store.append(event());
                } else if (code_of([&] {
                               return store.append_results(
                                   {{.event_id = "none", .bus = "b", .handler = "h", .owner = "o"}});
                           }) == ErrorCode::not_found) {
                    ++refused;
                }
            }
        });
    for (std::thread& thread : running) thread.join();
    CHECK(refused == 90);
    check_log(store, 90);
}

TEST_CASE("store: two stores on one file in one process share one log", "[event_store]") {
    TestStore test;
    EventStore one = EventStore::open(test.path, on_real_clock());
    EventStore two = EventStore::open(test.path, on_real_clock());
    std::thread other([&] {
        for (int count = 0; count < 50; ++count) two.append(event("s"));
    });
    for (int count = 0; count < 50; ++count) one.append(event("s"));
    other.join();
    CHECK(one.head() == two.head());
    check_log(one, 100);
}

TEST_CASE("store: several processes that write one file make one dense log", "[event_store]") {
    TestStore test;
    EventStore::open(test.path, on_real_clock()).close();
    constexpr int processes = 3;
    constexpr int each = 60;
    {
        std::vector<std::unique_ptr<test::Child>> children;
        for (int process = 0; process < processes; ++process)
            children.push_back(std::make_unique<test::Child>([&, process] {
                EventStore store = EventStore::open(test.path, on_real_clock(Access::read_write));
                for (int count = 0; count < each; ++count) {
                    store.append(event("process-" + std::to_string(process)));
                    store.append(event("shared"));
                    if (count % 20 == 0) static_cast<void>(store.checkpoint_wal());
                }
                return 0;
            }));
        for (auto& child : children) CHECK(child->wait() == 0);
    }
    EventStore store = EventStore::open(test.path, on_real_clock(Access::read_write));
    CHECK(store.warnings().empty());
    CHECK(store.stream_version("shared") == Version{processes * each});
    check_log(store, 2 * processes * each);
}

TEST_CASE("store: nothing that was acknowledged is lost when its writer is killed", "[event_store]") {
    TestStore test;
    EventStore::open(test.path, on_real_clock()).close();
    std::uint64_t total = 0;
    std::set<std::string> acknowledged;
    for (int round = 0; round < 3; ++round) {
        int told[2];
        REQUIRE(::pipe(told) == 0);
        test::Child child([&] {
            StoreOptions options = on_real_clock(Access::read_write);
            options.checkpoint_pages = 20;
            EventStore store = EventStore::open(test.path, options);
            for (;;) {
                const Appended appended = store.append(event());
                if (::write(told[1], appended.ids[0].data(), 36) != 36) return 1;
            }
        });
        ::close(told[1]);
        char id[36];
        for (int count = 0; count < 40; ++count) {
            if (::read(told[0], id, sizeof id) != sizeof id) break;
            acknowledged.insert(std::string(id, sizeof id));
        }
        child.kill();
        CHECK(child.wait() == -SIGKILL);
        while (::read(told[0], id, sizeof id) == sizeof id) acknowledged.insert(std::string(id, sizeof id));
        ::close(told[0]);
        EventStore store = EventStore::open(test.path, on_real_clock(Access::read_write));
        CHECK(store.warnings().empty());
        total = store.head().seq.value;
        check_log(store, total);
        for (const std::string& known : acknowledged) REQUIRE(store.find(known).has_value());
    }
    CHECK(acknowledged.size() >= 120);
    CHECK(total <= acknowledged.size() + 3);  // at most the one that each kill interrupted
}

TEST_CASE("store: the same batch appended again after a kill is there once", "[event_store]") {
    TestStore test;
    EventStore::open(test.path, on_real_clock()).close();
    const auto batch = [] {
        AppendRequest request;
        for (int count = 0; count < 20; ++count) request.events.push_back(event("s", "id-" + std::to_string(count)));
        return request;
    };
    test::Child child([&] {
        EventStore store = EventStore::open(test.path, on_real_clock(Access::read_write));
        store.append(batch());
        ::kill(::getpid(), SIGKILL);
        return 0;
    });
    CHECK(child.wait() == -SIGKILL);
    EventStore store = EventStore::open(test.path, on_real_clock(Access::read_write));
    CHECK(store.append(batch()).already_appended());
    check_log(store, 20);
}

TEST_CASE("store: a store waits for another process that writes no longer than busy_timeout", "[event_store]") {
    TestStore test;
    StoreOptions options = test.options();
    options.busy_timeout = std::chrono::milliseconds(200);
    EventStore store = EventStore::open(test.path, options);
    PosixFileSystem files;
    LockFile holder(files, store.path().native(), true);
    REQUIRE(holder.try_lock_writer());
    const std::string message = message_of([&] { return store.append(event()); });
    CHECK_THAT(message, Catch::Contains("[busy]") && Catch::Contains("0.2 s"));
    holder.unlock_writer();
    CHECK(store.append(event()).first_seq == Sequence{1});
}

TEST_CASE("store: a commit wakes watchers of the wake file", "[event_store]") {
    TestStore test;
    EventStore store = test.open();
    const std::unique_ptr<FileWatch> watch = store.files().watch(test.name(".wake"));
    CHECK_FALSE(watch->wait(std::chrono::nanoseconds(0)));
    store.append(event());
    CHECK(watch->wait(std::chrono::seconds(5)));
}

TEST_CASE("store: -wal is moved into the database when it has checkpoint_pages pages", "[event_store]") {
    TestStore test;
    StoreOptions options = test.options();
    options.checkpoint_pages = 30;
    EventStore store = EventStore::open(test.path, options);
    for (int count = 0; count < 200; ++count) store.append(event("s", "", '"' + std::string(2'000, 'x') + '"'));
    // 200 appends write far more than 30 pages; without checkpoints all of them would lie in -wal.
    CHECK(std::filesystem::file_size(test.name("-wal")) < 200 * 4'096);
    CHECK(std::filesystem::file_size(test.path) > 200 * 2'000 / 2);
    check_log(store, 200);
}

TEST_CASE("store: a reader of an old state holds a checkpoint up without stopping writers", "[event_store]") {
    TestStore test;
    StoreOptions options = test.options();
    options.checkpoint_pages = 5;
    EventStore store = EventStore::open(test.path, options);
    store.append(event());
    Connection reader(test.path.string(), {});
    reader.execute("BEGIN");
    CHECK(reader.query_integer("SELECT count(*) FROM events_log") == 1);
    for (int count = 0; count < 50; ++count) store.append(event());
    CHECK_FALSE(store.checkpoint_wal());
    CHECK(reader.query_integer("SELECT count(*) FROM events_log") == 1);
    reader.execute("COMMIT");
    CHECK(store.checkpoint_wal());
    check_log(store, 51);
}

TEST_CASE("store: an append that another program's commit came before continues its log", "[event_store]") {
    TestStore test;
    EventStore store = test.open();
    store.append(event("s"));
    {
        EventStore other = test.open();
        other.append(event("s"));
        other.append(event("t"));
    }
    CHECK(store.append(event("s")).positions[0].version == Version{3});
    check_log(store, 4);
}

TEST_CASE("store: the rows cannot be changed, deleted or replaced", "[event_store]") {
    TestStore test;
    EventStore store = test.open();
    store.append(event("s", "id-1"));
    Connection connection(test.path.string(), {.writable = true, .busy_timeout_ms = 1'000});
    const auto refused = [&](const char* sql) {
        return !message_of([&] {
                    connection.execute(sql);
                    return 0;
                }).empty();
    };
    CHECK(refused("DELETE FROM events_log"));
    CHECK(refused("UPDATE events_log SET payload = '1'"));
    CHECK(refused("INSERT OR REPLACE INTO events_log SELECT * FROM events_log"));
    check_log(store, 1);
}

TEST_CASE("store: nothing is acknowledged into a file that was removed or replaced", "[event_store]") {
    TestStore test;
    EventStore store = test.open();
    store.append(event());
    const std::filesystem::path aside = test.directory / "aside.db";
    std::filesystem::rename(test.path, aside);
    SECTION("removed") {}
    SECTION("replaced") {
        std::filesystem::copy_file(aside, test.path);
    }
    CHECK(code_of([&] { return store.append(event()); }) == ErrorCode::io_error);
    CHECK(code_of([&] { return store.append(event()); }) == ErrorCode::writes_refused);
}

// Small things kept in the file -------------------------------------------------------------------------------------------

TEST_CASE("store: a file whose tables are not ours is corrupt, not a bug of ours", "[event_store]") {
    TestStore test;
    EventStore store = test.open();
    store.append(event());
    Connection(test.name(), {.writable = true}).execute("DROP TABLE stream_heads");
    const std::string message = message_of([&] {
        NewEvent other = event();
        other.stream = "other";
        return store.append(std::move(other));
    });
    CHECK_THAT(message,
               Catch::Contains("stream_heads") && Catch::Contains("run verify") && Catch::Contains("[corrupt]"));
}

TEST_CASE("store: an import name belongs to the source that used it first", "[event_store]") {
    TestStore test;
    EventStore store = test.open();
    store.claim_import_name("games", "/data/games.jsonl");
    store.claim_import_name("games", "/data/games.jsonl");
    const std::string message = message_of([&] {
        store.claim_import_name("games", "/other/games.jsonl");
        return 0;
    });
    CHECK_THAT(message, Catch::Contains("[name_taken]") && Catch::Contains("/data/games.jsonl"));
}

TEST_CASE("store: a store can be moved", "[event_store]") {
    TestStore test;
    EventStore first = test.open();
    first.append(event());
    EventStore second = std::move(first);
    CHECK(second.append(event()).first_seq == Sequence{2});
}

}  // namespace daybook
