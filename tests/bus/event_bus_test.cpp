#include <catch2/catch.hpp>

#include <atomic>
#include <thread>

#include <daybook/event/error.hpp>

#include "bus/bus_fixture.hpp"
#include "store/lock_file.hpp"

namespace daybook {

using testkit::BusFixture;
using testkit::fact;
using testkit::Recorder;

namespace {

template <typename Call>
ErrorCode code_of(Call&& call) {
    try {
        call();
    } catch (const Error& error) {
        return error.code();
    }
    FAIL("no error was thrown");
    return ErrorCode::internal;
}

}  // namespace

TEST_CASE("emit: the event and the outcomes of its handlers are returned in registration order") {
    BusFixture fixture;
    EventBus bus(fixture.store);
    const Registration first = bus.on("*", {.name = "first"}, [](const Event&) {});
    const Registration second =
        bus.on("player:*", {.name = "second"}, [](const Event&) { return std::string("{\"a\": 1}"); });
    const Registration other = bus.on("match:*", {.name = "other"}, [](const Event&) {});
    const Emitted emitted = bus.emit(fact("player:moved"));
    CHECK(emitted.event.seq == Sequence{1});
    CHECK_FALSE(emitted.already_appended);
    REQUIRE(emitted.results.size() == 2);
    CHECK(emitted.results[0].handler == "first");
    CHECK(emitted.results[0].status == ResultStatus::completed);
    CHECK_FALSE(emitted.results[0].result);
    CHECK(emitted.results[1].handler == "second");
    CHECK(emitted.results[1].result == "{\"a\":1}");
    CHECK(emitted.result_of("second") == &emitted.results[1]);
    CHECK(emitted.result_of("other") == nullptr);
}

TEST_CASE("emit: outcomes together cost one commit for all inline handlers") {
    BusFixture fixture;
    EventBus bus(fixture.store);
    const Registration first = bus.on("*", {.name = "first"}, [&](const Event&) {});
    const Registration second = bus.on("*", {.name = "second"}, [&](const Event&) {
        // The outcome of `first` is not in the log yet.
        CHECK(fixture.rows().size() == 2);
    });
    bus.emit(fact("a"));
    CHECK(fixture.rows().size() == 4);
}

TEST_CASE("emit: each outcome in its own commit is in the log before the next handler runs") {
    BusFixture fixture;
    BusOptions options;
    options.outcomes = OutcomeCommit::each;
    EventBus bus(fixture.store, options);
    const Registration first = bus.on("*", {.name = "first"}, [&](const Event&) {});
    const Registration second = bus.on("*", {.name = "second"}, [&](const Event&) {
        const std::vector<EventResult> rows = fixture.rows();
        REQUIRE(rows.size() == 3);
        CHECK(rows[2].handler == "first");
        CHECK(rows[2].status == ResultStatus::completed);
    });
    CHECK(bus.emit(fact("a")).results[1].status == ResultStatus::completed);
}

TEST_CASE("emit: nested emits run depth first") {
    BusFixture fixture;
    EventBus bus(fixture.store);
    std::vector<std::string> order;
    const Registration a = bus.on("a", {.name = "on-a"}, [&](const Event&, HandlerContext& context) {
        order.push_back("a begins");
        context.emit(fact("b"));
        order.push_back("a ends");
    });
    const Registration late =
        bus.on("a", {.name = "late"}, [&](const Event&) { order.push_back("second handler of a"); });
    const Registration b = bus.on("b", {.name = "on-b"}, [&](const Event&) {
        order.push_back("b");
        bus.emit(fact("c"));
    });
    const Registration c = bus.on("c", {.name = "on-c"}, [&](const Event&) { order.push_back("c"); });
    bus.emit(fact("a"));
    CHECK(order == std::vector<std::string>{"a begins", "b", "c", "a ends", "second handler of a"});
}

TEST_CASE("emit: what a handler emits is linked to the event that it handles") {
    BusFixture fixture;
    EventBus bus(fixture.store);
    const Registration a = bus.on("a", {.name = "on-a"}, [&](const Event&) { bus.emit(fact("b")); });
    const Registration b = bus.on("b", {.name = "on-b"}, [](const Event&, HandlerContext& context) {
        NewEvent own = fact("c");
        own.correlation_id = "given";
        context.emit(std::move(own));
        context.emit(fact("d"), {.detached = true});
    });
    bus.emit(fact("a"));
    const std::vector<Event> events = fixture.events();
    REQUIRE(events.size() == 4);
    CHECK_FALSE(events[0].causation_id);
    CHECK_FALSE(events[0].correlation_id);
    CHECK(events[1].causation_id == events[0].id);
    CHECK(events[1].correlation_id == events[0].id);
    CHECK(events[2].causation_id == events[1].id);
    CHECK(events[2].correlation_id == "given");
    CHECK_FALSE(events[3].causation_id);
    CHECK_FALSE(events[3].correlation_id);
    const std::vector<EventResult> rows = fixture.rows();
    const auto on_b = std::find_if(rows.begin(), rows.end(), [](const EventResult& row) {
        return row.handler == "on-b" && row.status == ResultStatus::completed;
    });
    REQUIRE(on_b != rows.end());
    CHECK(on_b->emitted == std::vector<std::string>{events[2].id, events[3].id});
}

TEST_CASE("emit: a stale expected version is refused, nothing is written and no handler runs") {
    BusFixture fixture;
    EventBus bus(fixture.store);
    int calls = 0;
    const Registration handler = bus.on("*", [&](const Event&) { ++calls; });
    bus.emit(fact("a"), {.expected = ExpectedVersion::none()});
    CHECK(code_of([&] { bus.emit(fact("b"), {.expected = ExpectedVersion::none()}); }) == ErrorCode::version_conflict);
    CHECK(calls == 1);
    CHECK(fixture.events().size() == 1);
}

TEST_CASE("emit: an event that was there already is answered with its rows and handled no second time") {
    BusFixture fixture;
    EventBus bus(fixture.store);
    int calls = 0;
    const Registration handler = bus.on("*", {.name = "h"}, [&](const Event&) { ++calls; });
    NewEvent event = fact("a");
    event.id = "one";
    bus.emit(event);
    const Emitted again = bus.emit(event);
    CHECK(again.already_appended);
    CHECK(again.event.seq == Sequence{1});
    REQUIRE(again.results.size() == 1);
    CHECK(again.results[0].status == ResultStatus::completed);
    CHECK(calls == 1);
}

TEST_CASE("emit_all: all or nothing, then the handlers event by event") {
    BusFixture fixture;
    EventBus bus(fixture.store);
    std::vector<std::uint64_t> handled;
    const Registration handler = bus.on("*", {.name = "h"}, [&](const Event& event) {
        handled.push_back(event.seq.value);
        CHECK(fixture.store.head().seq == Sequence{3});
    });
    const std::vector<Emitted> emitted = bus.emit_all({fact("a"), fact("b"), fact("c")});
    REQUIRE(emitted.size() == 3);
    CHECK(handled == std::vector<std::uint64_t>{1, 2, 3});
    CHECK(emitted[2].results[0].status == ResultStatus::completed);
    CHECK_THROWS_AS(bus.emit_all({fact("d"), fact("")}), Error);
    CHECK(fixture.store.head().seq == Sequence{3});
}

TEST_CASE("emit: a loop of handlers is refused before its commit, and the refusal names the chain") {
    BusFixture fixture;
    BusOptions options;
    options.nesting_max = 5;
    EventBus bus(fixture.store, options);
    const Registration ping = bus.on("ping", {.name = "echo"}, [&](const Event&) { bus.emit(fact("ping")); });
    const Emitted emitted = bus.emit(fact("ping"));
    CHECK(emitted.results[0].status == ResultStatus::completed);
    CHECK(fixture.events().size() == 5);
    int errors = 0;
    for (const EventResult& row : fixture.rows()) {
        if (row.status != ResultStatus::error) continue;
        ++errors;
        CHECK(row.event_seq == Sequence{5});
        CHECK(row.error_type == "daybook::Error");
        CHECK(row.error_message->find("'echo' handling 'ping'") != std::string::npos);
        CHECK(row.error_message->find("[handler_loop]") != std::string::npos);
    }
    CHECK(errors == 1);
}

TEST_CASE("emit: a loop through the queue is stopped too") {
    BusFixture fixture;
    BusOptions options;
    options.nesting_max = 7;
    EventBus bus(fixture.store, options);
    const Registration ping = bus.on("ping", {.name = "echo"}, [&](const Event&) { bus.post(fact("ping")); });
    bus.post(fact("ping"));
    bus.drain();
    CHECK(fixture.events().size() == 7);
}

TEST_CASE("emit: from a middleware hook it is refused and nothing is written") {
    BusFixture fixture;
    auto recorder = std::make_shared<Recorder>();
    BusOptions options;
    options.middleware = {recorder};
    EventBus bus(fixture.store, options);
    std::vector<ErrorCode> codes;
    recorder->on_call = [&](const std::string&) {
        codes.push_back(code_of([&] { bus.emit(fact("again")); }));
        codes.push_back(code_of([&] { bus.post(fact("again")); }));
        codes.push_back(code_of([&] { bus.pump(); }));
    };
    bus.emit(fact("a"));
    CHECK(codes == std::vector<ErrorCode>(3, ErrorCode::reentrant_emit));
    CHECK(fixture.events().size() == 1);
}

TEST_CASE("middleware: a hook that throws is counted, reported at most once a second and changes nothing else") {
    BusFixture fixture;
    auto recorder = std::make_shared<Recorder>();
    recorder->on_call = [](const std::string& call) { throw std::runtime_error("sink full at " + call); };
    std::vector<std::string> reports;
    BusOptions options;
    options.middleware = {recorder};
    options.on_failure = [&](const FailureReport& report) {
        reports.push_back(std::string(report.who) + " " + std::string(report.what) + " " +
                          std::to_string(report.count) + "/" + std::to_string(report.total));
    };
    EventBus bus(fixture.store, options);
    const Registration handler = bus.on("*", {.name = "h"}, [](const Event&) {});
    for (int index = 0; index < 10; ++index) {
        CHECK(bus.emit(fact("a")).results[0].status == ResultStatus::completed);
    }
    CHECK(reports == std::vector<std::string>{"recorder on_committed 1/1"});
    fixture.clock->advance(std::chrono::seconds(1));
    bus.emit(fact("a"));
    REQUIRE(reports.size() == 2);
    CHECK(reports[1] == "recorder on_committed 30/31");
    CHECK(bus.failures()[0].who == "recorder");
    CHECK(bus.failures()[0].total == 33);
    CHECK(fixture.events().size() == 11);
}

TEST_CASE("emit: from on_failure it is refused, also when pump() reports what was held back") {
    BusFixture fixture;
    auto recorder = std::make_shared<Recorder>();
    recorder->on_call = [](const std::string&) { throw std::runtime_error("sink full"); };
    std::vector<ErrorCode> codes;
    EventBus* emits_on = nullptr;
    BusOptions options;
    options.middleware = {recorder};
    options.on_failure = [&](const FailureReport&) {
        codes.push_back(code_of([&] { emits_on->emit(fact("alarm")); }));
    };
    EventBus bus(fixture.store, options);
    emits_on = &bus;
    bus.emit(fact("a"));
    bus.emit(fact("a"));  // within the second: held back
    bus.pump();
    CHECK(codes == std::vector<ErrorCode>(2, ErrorCode::reentrant_emit));
    CHECK(fixture.events().size() == 2);
}

TEST_CASE("middleware: with eight threads it hears of commits in seq order, one at a time, before their handlers run") {
    BusFixture fixture;
    auto recorder = std::make_shared<Recorder>();
    std::atomic<int> inside{0};
    std::atomic<int> overlaps{0};
    recorder->on_call = [&](const std::string&) {
        if (inside.fetch_add(1) != 0) ++overlaps;
        std::this_thread::yield();
        --inside;
    };
    BusOptions options;
    options.middleware = {recorder};
    EventBus bus(fixture.store, options);
    std::atomic<int> unheard{0};
    const Registration handler = bus.on("*", {.name = "h"}, [&](const Event& event) {
        const std::vector<std::string> calls = recorder->calls();
        const std::string mine = "committed " + std::to_string(event.seq.value) + " pending 1";
        if (std::find(calls.begin(), calls.end(), mine) == calls.end()) ++unheard;
    });
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 8; ++thread) {
        threads.emplace_back([&] {
            for (int index = 0; index < 12; ++index) bus.emit(fact("a"));
        });
    }
    for (std::thread& thread : threads) thread.join();
    std::uint64_t last = 0;
    for (const std::string& call : recorder->calls()) {
        if (call.rfind("committed ", 0) != 0) continue;
        const std::uint64_t seq = std::stoull(call.substr(10));
        REQUIRE(seq == last + 1);
        last = seq;
    }
    CHECK(last == 96);
    CHECK(overlaps == 0);
    CHECK(unheard == 0);
}

TEST_CASE("outcomes: a disk that refuses them does not undo the emit; they are kept and written later") {
    BusFixture fixture;
    std::vector<std::string> reports;
    BusOptions options;
    options.on_failure = [&](const FailureReport& report) { reports.emplace_back(report.who); };
    // Another process holds the writer lock for longer than this store waits.
    StoreOptions impatient;
    impatient.clock = fixture.clock;
    impatient.busy_timeout = std::chrono::milliseconds(20);
    EventStore store = EventStore::open(fixture.path(), impatient);
    EventBus hindered(store, options);
    std::unique_ptr<File> lock;
    const Registration handler = hindered.on("*", {.name = "h"}, [&](const Event&) {
        lock = store.files().open(fixture.path().string() + ".lock", OpenMode::read_write);
        CHECK(lock->try_lock(LockFile::writer_byte, LockMode::exclusive));
    });
    const Emitted emitted = hindered.emit(fact("a"));
    REQUIRE(emitted.results.size() == 1);
    CHECK(emitted.results[0].status == ResultStatus::pending);
    CHECK_FALSE(emitted.outcome_error.empty());
    CHECK(reports == std::vector<std::string>{"outcomes"});
    lock.reset();
    hindered.pump();
    const std::vector<EventResult> rows = fixture.rows();
    REQUIRE(rows.size() == 2);
    CHECK(rows[1].status == ResultStatus::completed);
    CHECK(hindered.unfinished().empty());
}

TEST_CASE("close: again is nothing, and calls after it are refused") {
    BusFixture fixture;
    EventBus bus(fixture.store);
    bus.close();
    CHECK_NOTHROW(bus.close());
    CHECK(code_of([&] { bus.emit(fact("a")); }) == ErrorCode::closed);
    CHECK(code_of([&] { (void)bus.on("*", [](const Event&) {}); }) == ErrorCode::closed);
    CHECK(fixture.events().empty());
}

TEST_CASE("close: outcomes that the disk went on refusing are its error, and stay unfinished work for recovery") {
    BusFixture fixture;
    StoreOptions impatient;
    impatient.clock = fixture.clock;
    impatient.busy_timeout = std::chrono::milliseconds(20);
    EventStore store = EventStore::open(fixture.path(), impatient);
    std::unique_ptr<File> lock;
    {
        EventBus bus(store);
        const Registration handler = bus.on("*", {.name = "h"}, [&](const Event&) {
            lock = store.files().open(fixture.path().string() + ".lock", OpenMode::read_write);
            CHECK(lock->try_lock(LockFile::writer_byte, LockMode::exclusive));
        });
        bus.emit(fact("a"));
        try {
            bus.close();
            FAIL("it closed without a word");
        } catch (const Error& error) {
            CHECK(error.code() == ErrorCode::io_error);
            CHECK(std::string(error.what()).find("1 outcomes") != std::string::npos);
        }
    }
    lock.reset();
    EventBus bus(fixture.store);
    int calls = 0;
    const Registration handler = bus.on("*", {.name = "h"}, [&](const Event&) { ++calls; });
    CHECK(bus.recover().results.size() == 1);
    CHECK(calls == 1);
}

TEST_CASE("close: while other threads emit, every emit is either whole or refused") {
    BusFixture fixture;
    BusOptions options;
    options.worker_threads = 2;
    EventBus bus(fixture.store, options);
    bus.on("*", {.name = "inline"}, [](const Event&) {}).release();
    bus.on("*", {.name = "pool", .mode = HandlerMode::pool}, [](const Event&) {}).release();
    std::atomic<int> emitted{0};
    std::atomic<int> refused{0};
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 4; ++thread) {
        threads.emplace_back([&] {
            for (;;) {
                try {
                    bus.emit(fact("a"));
                    ++emitted;
                } catch (const Error& error) {
                    refused += error.code() == ErrorCode::closed ? 1 : 100;
                    return;
                }
            }
        });
    }
    while (emitted < 20) std::this_thread::yield();
    bus.close();
    for (std::thread& thread : threads) thread.join();
    CHECK(refused == 4);
    CHECK(fixture.events().size() == static_cast<std::size_t>(emitted));
    CHECK(fixture.rows().size() == 4 * static_cast<std::size_t>(emitted));
    CHECK(fixture.store.unfinished().empty());
}

TEST_CASE("close: in a handler it is refused, because it would wait for itself") {
    BusFixture fixture;
    EventBus bus(fixture.store);
    ErrorCode code{};
    const Registration handler = bus.on("*", [&](const Event&) { code = code_of([&] { bus.close(); }); });
    bus.emit(fact("a"));
    CHECK(code == ErrorCode::invalid_argument);
}

TEST_CASE("close: queued handlers are run, left or cancelled, as asked") {
    BusFixture fixture;
    int calls = 0;
    const auto status_after = [&](CloseQueue how) {
        EventBus bus(fixture.store);
        const Registration handler = bus.on("*", {.name = "h"}, [&](const Event&) { ++calls; });
        const PostedEvent posted = bus.post(fact("a"));
        bus.close(how);
        CHECK(posted.is_done());
        return fixture.rows().back().status;
    };
    CHECK(status_after(CloseQueue::run) == ResultStatus::completed);
    CHECK(calls == 1);
    CHECK(status_after(CloseQueue::leave) == ResultStatus::pending);
    CHECK(fixture.store.unfinished().size() == 1);
    CHECK(fixture.store.unfinished()[0].owner_is_gone);
    CHECK(status_after(CloseQueue::cancel) == ResultStatus::cancelled);
    CHECK(calls == 1);
}

TEST_CASE("a bus that was moved goes on where it is") {
    BusFixture fixture;
    EventBus bus(fixture.store);
    int calls = 0;
    const Registration handler = bus.on("*", [&](const Event&) { ++calls; });
    EventBus moved = std::move(bus);
    moved.emit(fact("a"));
    CHECK(calls == 1);
    CHECK(code_of([&] { bus.emit(fact("a")); }) == ErrorCode::closed);  // NOLINT(bugprone-use-after-move)
}

}  // namespace daybook
