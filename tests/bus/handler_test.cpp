#include <catch2/catch.hpp>

#include <atomic>
#include <future>
#include <thread>

#include <nlohmann/json.hpp>

#include <daybook/event/error.hpp>

#include "bus/bus_fixture.hpp"

namespace daybook {

using testkit::BusFixture;
using testkit::fact;

TEST_CASE("handler: nothing, json, JSON text and optional can be returned") {
    BusFixture fixture;
    EventBus bus(fixture.store);
    const Registration none = bus.on("*", {.name = "none"}, [](const Event&) {});
    const Registration json = bus.on("*", {.name = "json"}, [](const Event& event) {
        return nlohmann::json{{"seq", event.seq.value}};
    });
    const Registration text =
        bus.on("*", {.name = "text"}, [](const Event&, HandlerContext&) { return std::string(" [ 1.0 ]"); });
    const Registration empty =
        bus.on("*", {.name = "empty"}, [](const Event&) -> std::optional<nlohmann::json> { return std::nullopt; });
    const Emitted emitted = bus.emit(fact("a"));
    CHECK_FALSE(emitted.result_of("none")->result);
    CHECK(emitted.result_of("json")->result == "{\"seq\":1}");
    CHECK(emitted.result_of("text")->result == "[1.0]");
    CHECK_FALSE(emitted.result_of("empty")->result);
}

TEST_CASE("handler: what it throws becomes an error row with type and message, and harms no other handler") {
    BusFixture fixture;
    EventBus bus(fixture.store);
    const Registration bad =
        bus.on("*", {.name = "bad"}, [](const Event&) { throw std::out_of_range("no such seat"); });
    const Registration odd = bus.on("*", {.name = "odd"}, [](const Event&) { throw 7; });
    const Registration good = bus.on("*", {.name = "good"}, [](const Event&) {});
    const Emitted emitted = bus.emit(fact("a"));
    CHECK(emitted.result_of("bad")->status == ResultStatus::error);
    CHECK(emitted.result_of("bad")->error_type == "std::out_of_range");
    CHECK(emitted.result_of("bad")->error_message == "no such seat");
    CHECK(emitted.result_of("odd")->error_type == "int");
    CHECK(emitted.result_of("good")->status == ResultStatus::completed);
    CHECK(fixture.store.unfinished().empty());
}

TEST_CASE("handler: a long message that is not text is kept short and as text") {
    BusFixture fixture;
    EventBus bus(fixture.store);
    const Registration bad = bus.on("*", {.name = "bad"}, [](const Event&) {
        throw std::runtime_error("file: " + std::string(1'000'000, '\xff'));
    });
    const Emitted emitted = bus.emit(fact("a"));
    REQUIRE(emitted.result_of("bad")->status == ResultStatus::error);
    const std::string& message = emitted.result_of("bad")->error_message.value();
    CHECK(message.starts_with("file: \xef\xbf\xbd"));
    CHECK(message.size() < 50'000);
    CHECK(message.ends_with("... (+983622 bytes)"));
}

TEST_CASE("handler: a result that is not JSON or cannot be written as JSON is an error row") {
    BusFixture fixture;
    EventBus bus(fixture.store);
    const Registration text = bus.on("*", {.name = "text"}, [](const Event&) { return std::string("{oops"); });
    const Registration json = bus.on("*", {.name = "json"}, [](const Event&) { return nlohmann::json("\xff"); });
    const Registration what = bus.on("*", {.name = "what"}, [](const Event&) { throw std::runtime_error("\xff\xfe"); });
    const Emitted emitted = bus.emit(fact("a"));
    CHECK(emitted.result_of("text")->status == ResultStatus::error);
    CHECK(emitted.result_of("text")->error_message->find("[invalid_json]") != std::string::npos);
    CHECK(emitted.result_of("json")->status == ResultStatus::error);
    CHECK(emitted.result_of("what")->error_message == "\xef\xbf\xbd\xef\xbf\xbd");
    CHECK(emitted.outcome_error.empty());
}

TEST_CASE("handler: a second one of the same name is refused, also while the first is for one event") {
    BusFixture fixture;
    EventBus bus(fixture.store);
    const Registration first = bus.once("a", {.name = "same"}, [](const Event&) {});
    try {
        (void)bus.on("b", {.name = "same"}, [](const Event&) {});
        FAIL("accepted");
    } catch (const Error& error) {
        CHECK(error.code() == ErrorCode::name_taken);
    }
    bus.emit(fact("a"));
    CHECK_NOTHROW(bus.on("b", {.name = "same"}, [](const Event&) {}).release());
}

TEST_CASE("handler: unnamed ones are called pattern#n and are not recoverable") {
    BusFixture fixture;
    EventBus bus(fixture.store);
    const Registration handler = bus.on("player:*", [](const Event&) {});
    CHECK(handler.name() == "player:*#1");
    CHECK(bus.handlers() == std::vector<std::string>{"player:*#1"});
    bus.emit(fact("player:moved"));
    CHECK(fixture.rows()[0].handler == "player:*#1");
}

TEST_CASE("handler: a pool handler on a bus without workers is refused") {
    BusFixture fixture;
    EventBus bus(fixture.store);
    CHECK_THROWS_AS(bus.on("*", {.name = "h", .mode = HandlerMode::pool}, [](const Event&) {}), Error);
}

TEST_CASE("handler: a pool handler runs on a worker, and its outcome is in the log when the queue is drained") {
    BusFixture fixture;
    BusOptions options;
    options.worker_threads = 2;
    EventBus bus(fixture.store, options);
    std::promise<std::thread::id> ran_on;
    const Registration handler = bus.on("*", {.name = "h", .mode = HandlerMode::pool},
                                        [&](const Event&) { ran_on.set_value(std::this_thread::get_id()); });
    const Emitted emitted = bus.emit(fact("a"));
    REQUIRE(emitted.results.size() == 1);
    CHECK(ran_on.get_future().get() != std::this_thread::get_id());
    bus.drain();
    CHECK(fixture.rows().back().status == ResultStatus::completed);
}

TEST_CASE("once: of many emits at the same time exactly one gets the handler") {
    BusFixture fixture;
    EventBus bus(fixture.store);
    std::atomic<int> calls{0};
    const Registration handler = bus.once("*", {.name = "h"}, [&](const Event&) { ++calls; });
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 8; ++thread) {
        threads.emplace_back([&] {
            for (int index = 0; index < 5; ++index) bus.emit(fact("a"));
        });
    }
    for (std::thread& thread : threads) thread.join();
    CHECK(calls == 1);
    CHECK(fixture.rows().size() == 2);
    CHECK(bus.handlers().empty());
}

TEST_CASE("once: an emit that fails gives it back") {
    BusFixture fixture;
    EventBus bus(fixture.store);
    int calls = 0;
    const Registration handler = bus.once("*", {.name = "h"}, [&](const Event&) { ++calls; });
    CHECK_THROWS_AS(bus.emit(fact("a"), {.expected = ExpectedVersion::exists()}), Error);
    CHECK(bus.handlers().size() == 1);
    bus.emit(fact("a"));
    bus.emit(fact("a"));
    CHECK(calls == 1);
}

TEST_CASE("off: a handler removed after the commit gets a cancelled outcome, one added gets nothing") {
    BusFixture fixture;
    EventBus bus(fixture.store);
    Registration victim;
    Registration late;
    int calls = 0;
    const Registration first = bus.on("*", {.name = "first"}, [&](const Event&) {
        CHECK(bus.off("victim"));
        late = bus.on("*", {.name = "late"}, [&](const Event&) { ++calls; });
    });
    victim = bus.on("*", {.name = "victim"}, [&](const Event&) { ++calls; });
    const Emitted emitted = bus.emit(fact("a"));
    CHECK(calls == 0);
    REQUIRE(emitted.results.size() == 2);
    CHECK(emitted.result_of("victim")->status == ResultStatus::cancelled);
    CHECK(emitted.result_of("late") == nullptr);
    CHECK_FALSE(bus.off("victim"));
}

TEST_CASE("off: waits until the handler is not running on another thread") {
    BusFixture fixture;
    EventBus bus(fixture.store);
    std::promise<void> entered;
    std::promise<void> go_on;
    std::atomic<bool> left{false};
    const Registration handler = bus.on("*", {.name = "slow"}, [&](const Event&) {
        entered.set_value();
        go_on.get_future().wait();
        left = true;
    });
    std::thread emitter([&] { bus.emit(fact("a")); });
    entered.get_future().wait();
    std::thread releaser([&] { go_on.set_value(); });
    CHECK(bus.off("slow"));
    CHECK(left);
    emitter.join();
    releaser.join();
}

TEST_CASE("handler: its context is refused on another thread") {
    BusFixture fixture;
    EventBus bus(fixture.store);
    bool refused = false;
    const Registration handler = bus.on("a", {.name = "h"}, [&](const Event&, HandlerContext& context) {
        std::thread stranger([&] {
            try {
                context.emit(fact("b"));
            } catch (const Error& error) {
                refused = error.code() == ErrorCode::invalid_argument;
            }
        });
        stranger.join();
    });
    bus.emit(fact("a"));
    CHECK(refused);
    CHECK(fixture.events().size() == 1);
}

TEST_CASE("handler: an emit on another bus is linked too, and kept in the row") {
    BusFixture fixture;
    EventBus bus(fixture.store);
    EventBus other(fixture.store, {.name = "other"});
    const Registration handler = bus.on("a", {.name = "h"}, [&](const Event&) { other.emit(fact("b")); });
    const Emitted emitted = bus.emit(fact("a"));
    const std::vector<Event> events = fixture.events();
    REQUIRE(events.size() == 2);
    CHECK(events[1].causation_id == events[0].id);
    CHECK(emitted.results[0].emitted == std::vector<std::string>{events[1].id});
}

TEST_CASE("registration: unregisters at the end of its scope unless it was released, and may outlive the bus") {
    BusFixture fixture;
    Registration outliving;
    {
        EventBus bus(fixture.store);
        {
            const Registration scoped = bus.on("*", {.name = "scoped"}, [](const Event&) {});
        }
        CHECK(bus.handlers().empty());
        bus.on("*", {.name = "kept"}, [](const Event&) {}).release();
        outliving = bus.on("*", {.name = "outliving"}, [](const Event&) {});
        CHECK(bus.handlers() == std::vector<std::string>{"kept", "outliving"});
    }
    CHECK_NOTHROW(outliving.off());
}

}  // namespace daybook
