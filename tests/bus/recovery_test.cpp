#include <catch2/catch.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "bus/bus_fixture.hpp"

namespace daybook {

using testkit::BusFixture;
using testkit::fact;

namespace {

/// Runs `work` in a child process that opens the store itself and must die in it with status 9.
template <typename Work>
void in_killed_child(const std::filesystem::path& path, Work&& work) {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        // Nothing of the parent may be used here: its store would refuse, and its destructors must not run.
        try {
            StoreOptions options;
            options.access = Access::create;
            EventStore store = EventStore::open(path, options);
            work(store);
        } catch (...) {
            ::_exit(3);
        }
        ::_exit(4);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFEXITED(status));
    REQUIRE(WEXITSTATUS(status) == 9);
}

}  // namespace

TEST_CASE("recover: a handler that a process died in is run again as the next attempt") {
    testkit::TempDirectory directory;
    const std::filesystem::path path = directory / "log.daybook";
    in_killed_child(path, [](EventStore& store) {
        EventBus bus(store);
        bus.on("*", {.name = "fine"}, [](const Event&) {}).release();
        bus.on("*", {.name = "deadly"}, [](const Event&) { ::_exit(9); }).release();
        bus.emit(fact("order:placed", "{\"n\":1}"));
    });
    EventStore store = EventStore::open(path);
    EventBus bus(store);
    std::vector<std::string> runs;
    const Registration fine = bus.on("*", {.name = "fine"}, [&](const Event&) { runs.push_back("fine"); });
    const Registration deadly = bus.on("*", {.name = "deadly"}, [&](const Event& event, HandlerContext& context) {
        runs.push_back("deadly " + event.payload + " attempt " + std::to_string(context.attempt()));
    });
    CHECK(bus.unfinished().size() == 2);
    CHECK(runs.empty());  // never by itself
    const RecoverReport report = bus.recover();
    // With outcomes in one commit, `fine` had no outcome either: it may have run, and runs again.
    CHECK(runs == std::vector<std::string>{"fine", "deadly {\"n\":1} attempt 2"});
    REQUIRE(report.results.size() == 2);
    CHECK(report.results[1].status == ResultStatus::completed);
    CHECK(report.results[1].attempt == 2);
    CHECK(bus.unfinished().empty());
    CHECK(bus.recover().results.empty());
}

TEST_CASE("recover: what a re-run emits is not emitted twice, and its id is the same") {
    testkit::TempDirectory directory;
    const std::filesystem::path path = directory / "log.daybook";
    in_killed_child(path, [](EventStore& store) {
        EventBus bus(store);
        bus.on("order:placed", {.name = "bill"},
               [](const Event&, HandlerContext& context) {
                   context.emit(fact("bill:sent", "{\"n\":1}"));
                   context.emit(fact("bill:noted", "{\"from\":\"the first run\"}"));
                   ::_exit(9);
               })
            .release();
        bus.emit(fact("order:placed"));
    });
    EventStore store = EventStore::open(path);
    REQUIRE(store.head().seq == Sequence{3});
    const std::string first_id = store.find(Sequence{2})->id;
    EventBus bus(store);
    std::vector<Emitted> emitted;
    const Registration bill = bus.on("order:placed", {.name = "bill"}, [&](const Event&, HandlerContext& context) {
        emitted.push_back(context.emit(fact("bill:sent", "{\"n\":1}")));
        emitted.push_back(context.emit(fact("bill:noted", "{\"from\":\"the second run\"}")));
        emitted.push_back(context.emit(fact("bill:filed")));
    });
    const RecoverReport report = bus.recover();
    REQUIRE(emitted.size() == 3);
    CHECK(emitted[0].already_appended);
    CHECK(emitted[0].event.id == first_id);
    CHECK(emitted[1].already_appended);
    CHECK(emitted[1].event.payload == "{\"from\":\"the first run\"}");
    CHECK_FALSE(emitted[2].already_appended);
    CHECK(store.head().seq == Sequence{4});
    REQUIRE(report.results.size() == 1);
    CHECK(report.results[0].emitted.size() == 3);
    REQUIRE(report.results[0].note);
    CHECK(report.results[0].note->find(emitted[1].event.id) != std::string::npos);
    CHECK(report.results[0].note->find(emitted[0].event.id) == std::string::npos);
}

TEST_CASE("recover: what belongs to a living bus is left alone") {
    BusFixture fixture;
    EventBus living(fixture.store);
    const Registration queued = living.on("*", {.name = "h"}, [](const Event&) {});
    const PostedEvent posted = living.post(fact("a"));
    EventStore other = fixture.open();
    EventBus bus(other);
    const Registration handler = bus.on("*", {.name = "h"}, [](const Event&) { FAIL("it runs elsewhere"); });
    const RecoverReport report = bus.recover();
    CHECK(report.owner_lives == 1);
    CHECK(report.results.empty());
    CHECK(living.drain() == 1);
}

TEST_CASE("recover: unnamed and unrecoverable handlers, and those without a handler here, are left and counted") {
    BusFixture fixture;
    {
        EventBus bus(fixture.store, {.close_queue = CloseQueue::leave});
        bus.on("*", [](const Event&) {}).release();
        bus.on("*", {.name = "once-only", .recoverable = false}, [](const Event&) {}).release();
        bus.on("*", {.name = "unknown"}, [](const Event&) {}).release();
        bus.post(fact("a"));
    }
    EventBus bus(fixture.store);
    const Registration handler = bus.on("*", {.name = "once-only"}, [](const Event&) { FAIL("it said it must not"); });
    const RecoverReport report = bus.recover();
    CHECK(report.not_recoverable == 2);
    REQUIRE(report.no_handler.size() == 1);
    CHECK(report.no_handler[0].handler == "unknown");
    CHECK(bus.unfinished().size() == 3);
}

TEST_CASE("recover: another bus name's work is not touched") {
    BusFixture fixture;
    {
        EventBus bus(fixture.store, {.name = "billing", .close_queue = CloseQueue::leave});
        bus.on("*", {.name = "h"}, [](const Event&) {}).release();
        bus.post(fact("a"));
    }
    EventBus bus(fixture.store, {.name = "shipping"});
    const Registration handler = bus.on("*", {.name = "h"}, [](const Event&) { FAIL("not its bus"); });
    CHECK(bus.recover().results.empty());
    CHECK(fixture.store.unfinished("billing").size() == 1);
}

TEST_CASE("recover: items_max and before_each leave the rest for the next call") {
    BusFixture fixture;
    {
        EventBus bus(fixture.store, {.close_queue = CloseQueue::leave});
        bus.on("*", {.name = "h"}, [](const Event&) {}).release();
        for (int index = 0; index < 5; ++index) bus.post(fact("a"));
    }
    EventBus bus(fixture.store);
    std::vector<std::uint64_t> order;
    const Registration handler =
        bus.on("*", {.name = "h"}, [&](const Event& event) { order.push_back(event.seq.value); });
    CHECK(bus.recover({.items_max = 2}).left == 3);
    CHECK(order == std::vector<std::uint64_t>{1, 2});
    CHECK(bus.recover({.before_each = [](const Unfinished& work) { return work.event_seq.value < 4; }}).left == 2);
    CHECK(bus.recover().left == 0);
    CHECK(order == std::vector<std::uint64_t>{1, 2, 3, 4, 5});
}

TEST_CASE("recover: of recoverers at the same time each item is run by one") {
    BusFixture fixture(true);
    {
        EventBus bus(fixture.store, {.close_queue = CloseQueue::leave});
        bus.on("*", {.name = "h"}, [](const Event&) {}).release();
        bus.post_all(std::vector<NewEvent>(40, fact("a")));
    }
    std::atomic<int> runs{0};
    std::atomic<int> most{0};
    std::vector<std::atomic<int>> of_event(41);
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 4; ++thread) {
        threads.emplace_back([&] {
            EventStore store = fixture.open();
            EventBus bus(store);
            const Registration handler = bus.on("*", {.name = "h"}, [&](const Event& event) {
                ++runs;
                const int times = ++of_event[event.seq.value];
                if (times > most) most = times;
            });
            (void)bus.recover();
        });
    }
    for (std::thread& thread : threads) thread.join();
    CHECK(runs == 40);
    CHECK(most == 1);
    CHECK(fixture.store.unfinished().empty());
}

TEST_CASE("recover: two processes at the same time run each item once") {
    testkit::TempDirectory directory;
    const std::filesystem::path path = directory / "log.daybook";
    in_killed_child(path, [](EventStore& store) {
        EventBus bus(store, {.close_queue = CloseQueue::leave});
        bus.on("*", {.name = "h"}, [](const Event&) {}).release();
        bus.post_all(std::vector<NewEvent>(30, fact("a")));
        ::_exit(9);
    });
    std::vector<pid_t> children;
    for (int index = 0; index < 2; ++index) {
        const pid_t child = ::fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            int status = 3;
            try {
                EventStore store = EventStore::open(path);
                EventBus bus(store);
                bus.on("*", {.name = "h"}, [](const Event&) {}).release();
                (void)bus.recover();
                bus.close();
                status = 0;
            } catch (...) {
                status = 4;
            }
            ::_exit(status);
        }
        children.push_back(child);
    }
    for (const pid_t child : children) {
        int status = 0;
        REQUIRE(::waitpid(child, &status, 0) == child);
        CHECK(WIFEXITED(status));
        CHECK(WEXITSTATUS(status) == 0);
    }
    const EventStore store = EventStore::open(path);
    CHECK(store.unfinished().empty());
    std::size_t completed = 0;
    const EventReader reader = store.reader();
    ResultCursor results = reader.results();
    while (const EventResult* row = results.next()) completed += row->status == ResultStatus::completed;
    CHECK(completed == 30);
}

TEST_CASE("recover: imported rows are never run") {
    BusFixture fixture;
    fixture.store.append(fact("a"));
    NewResult row;
    row.event_id = fixture.store.find(Sequence{1})->id;
    row.bus = "main";
    row.handler = "h";
    row.owner = "elsewhere";
    fixture.store.append_results({row}, true);
    EventBus bus(fixture.store);
    const Registration handler = bus.on("*", {.name = "h"}, [](const Event&) { FAIL("imported"); });
    CHECK(bus.recover().results.empty());
    CHECK(bus.unfinished().empty());
}

}  // namespace daybook
