// Appends that nobody waits for at once: when they are committed, in which order, and what their tickets say.
#include <daybook/store/append_ticket.hpp>

#include <catch2/catch.hpp>

#include <chrono>
#include <thread>
#include <variant>

#include "store/check_log.hpp"
#include "store/failing_vfs.hpp"
#include "store/lock_file.hpp"
#include "store/test_store.hpp"

namespace daybook {

namespace {

using test::check_log;
using test::code_of;
using test::on_real_clock;
using test::TestStore;

AppendRequest request(std::string stream = "main", std::string id = "") {
    NewEvent event;
    event.type = "thing:happened";
    event.stream = std::move(stream);
    event.id = std::move(id);
    return {.events = {std::move(event)}};
}

Sequence seq_of(AppendTicket& ticket) {
    return std::get<Appended>(ticket.get()).first_seq;
}

}  // namespace

TEST_CASE("append later: what is queued is committed with one sync, in its order, when the first is waited for",
          "[append_ticket]") {
    TestStore test;
    test::FailingVfs vfs;
    StoreOptions options = test.options();
    options.vfs_name = vfs.name();
    EventStore store = EventStore::open(test.path, options);
    store.append(request());  // a new -wal is synced once more, for its header
    const int before = vfs.wal_syncs();
    std::vector<AppendTicket> tickets;
    for (int count = 0; count < 10; ++count) tickets.push_back(store.append_later(request()));
    CHECK(vfs.wal_syncs() == before);
    CHECK_FALSE(tickets.front().is_done());
    CHECK(store.head().seq == Sequence{1});
    CHECK(seq_of(tickets.front()) == Sequence{2});
    CHECK(vfs.wal_syncs() == before + 1);
    for (std::uint64_t number = 1; number < 10; ++number) {
        CHECK(tickets[number].is_done());
        CHECK(seq_of(tickets[number]) == Sequence{number + 2});
    }
    check_log(store, 11);
}

TEST_CASE("append later: who waits for the last has all before it committed too", "[append_ticket]") {
    TestStore test;
    StoreOptions options = test.options();
    options.limits.batch_events_max = 1'000;
    options.limits.batch_bytes_max = 1'000;  // several batches
    EventStore store = EventStore::open(test.path, options);
    std::vector<AppendTicket> tickets;
    for (int count = 0; count < 50; ++count) {
        AppendRequest one = request();
        one.events.front().payload = R"({"text":")" + std::string(200, 'x') + "\"}";
        tickets.push_back(store.append_later(std::move(one)));
    }
    CHECK(seq_of(tickets.back()) == Sequence{50});
    check_log(store, 50);
}

TEST_CASE("append later: who fills a batch commits it", "[append_ticket]") {
    TestStore test;
    StoreOptions options = test.options();
    options.limits.batch_events_max = 5;
    EventStore store = EventStore::open(test.path, options);
    std::vector<AppendTicket> tickets;
    for (int count = 0; count < 7; ++count) tickets.push_back(store.append_later(request()));
    CHECK(tickets[4].is_done());
    CHECK_FALSE(tickets[5].is_done());
    CHECK(store.head().seq == Sequence{5});
}

TEST_CASE("append later: checkpoints do not count as queued rows", "[append_ticket]") {
    TestStore test;
    StoreOptions options = test.options();
    options.limits.batch_events_max = 5;
    EventStore store = EventStore::open(test.path, options);
    for (int count = 0; count < 10; ++count) static_cast<void>(store.checkpoint_wal());
    CHECK_FALSE(store.append_later(request()).is_done());
}

TEST_CASE("append later: another append takes along what is queued, and comes after it", "[append_ticket]") {
    TestStore test;
    EventStore store = test.open();
    AppendTicket ticket = store.append_later(request());
    CHECK(store.append(request()).first_seq == Sequence{2});
    CHECK(ticket.is_done());
    CHECK(seq_of(ticket) == Sequence{1});
    AppendTicket other = store.append_later(request());
    static_cast<void>(store.checkpoint_wal());
    CHECK(other.is_done());
}

TEST_CASE("append later: close commits what is queued, and tickets answer after it", "[append_ticket]") {
    TestStore test;
    {
        EventStore store = test.open();
        AppendTicket ticket = store.append_later(request());
        static_cast<void>(store.append_later(request()));  // nobody keeps its ticket
        store.close();
        CHECK(seq_of(ticket) == Sequence{1});
        CHECK(code_of([&] { return store.append_later(request()); }) == ErrorCode::closed);
    }
    EventStore store = test.open();
    check_log(store, 2);
    {
        EventStore other = test.open();
        static_cast<void>(other.append_later(request()));  // and nobody closes
    }
    check_log(store, 3);
}

TEST_CASE("append later: each ticket says what became of its own append", "[append_ticket]") {
    TestStore test;
    EventStore store = test.open();
    store.append(request("s", "id-1"));
    AppendTicket good = store.append_later(request("s"));
    AppendRequest late = request("s");
    late.expectations.push_back({"s", ExpectedVersion::exactly(Version{1})});
    AppendTicket conflict = store.append_later(std::move(late));
    AppendTicket repeated = store.append_later(request("s", "id-1"));
    AppendTicket other = store.append_later(request("t", "id-1"));
    CHECK(seq_of(good) == Sequence{2});
    const AppendOutcome refused = conflict.get();
    REQUIRE(std::holds_alternative<VersionConflict>(refused));
    CHECK(std::get<VersionConflict>(refused).failed.front().actual == Version{2});
    CHECK(std::get<Appended>(repeated.get()).already_appended());
    CHECK(std::holds_alternative<IdempotencyConflict>(other.get()));
    CHECK(code_of([&] { return store.append_later({}); }) == ErrorCode::invalid_argument);
    check_log(store, 2);
}

TEST_CASE("append later: a sync that fails leaves all that were queued in doubt", "[append_ticket]") {
    TestStore test;
    test::FailingVfs vfs;
    StoreOptions options = test.options();
    options.vfs_name = vfs.name();
    EventStore store = EventStore::open(test.path, options);
    std::vector<AppendTicket> tickets;
    for (int count = 0; count < 3; ++count) tickets.push_back(store.append_later(request()));
    vfs.fail_wal_syncs(SQLITE_IOERR_FSYNC);
    for (AppendTicket& ticket : tickets) CHECK(code_of([&] { return ticket.get(); }) == ErrorCode::commit_in_doubt);
    vfs.succeed();
    AppendTicket refused = store.append_later(request());
    CHECK(code_of([&] { return refused.get(); }) == ErrorCode::writes_refused);
}

TEST_CASE("append later: while another process writes a ticket is busy, and the others stay queued",
          "[append_ticket]") {
    TestStore test;
    StoreOptions options = test.options();
    options.busy_timeout = std::chrono::milliseconds(100);
    EventStore store = EventStore::open(test.path, options);
    LockFile holder(store.files(), store.path().native(), true);
    REQUIRE(holder.try_lock_writer());
    AppendTicket first = store.append_later(request());
    AppendTicket second = store.append_later(request());
    CHECK(code_of([&] { return first.get(); }) == ErrorCode::busy);
    CHECK_FALSE(second.is_done());
    holder.unlock_writer();
    CHECK(seq_of(second) == Sequence{1});
}

TEST_CASE("append later: the commit thread commits without anybody waiting", "[append_ticket]") {
    TestStore test;
    StoreOptions options = on_real_clock();
    options.commit_thread = true;
    EventStore store = EventStore::open(test.path, options);
    const AppendTicket ticket = store.append_later(request());
    while (!ticket.is_done()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    CHECK(store.head().seq == Sequence{1});
}

TEST_CASE("append later: with the commit thread each of several producers keeps its order, beside appends that wait",
          "[append_ticket]") {
    TestStore test;
    StoreOptions options = on_real_clock();
    options.commit_thread = true;
    options.limits.batch_events_max = 10;  // so that the queue fills up
    EventStore store = EventStore::open(test.path, options);
    constexpr std::size_t producers = 4;
    constexpr std::size_t each = 500;
    std::vector<std::vector<AppendTicket>> tickets(producers);
    std::vector<std::thread> running;
    for (std::size_t number = 0; number < producers; ++number)
        running.emplace_back([&, number] {
            for (std::size_t count = 0; count < each; ++count) {
                tickets[number].push_back(store.append_later(request("s" + std::to_string(number))));
                if (count % 100 == 0) store.append(request("waited"));
            }
        });
    for (std::thread& thread : running) thread.join();
    for (std::vector<AppendTicket>& own : tickets) {
        Sequence last{0};
        Version version{0};
        for (AppendTicket& ticket : own) {
            const Appended appended = std::get<Appended>(ticket.get());
            CHECK(appended.first_seq > last);
            CHECK(appended.positions.front().version == Version{version.value + 1});
            last = appended.first_seq;
            version = appended.positions.front().version;
        }
    }
    check_log(store, producers * (each + 5));
}

}  // namespace daybook
