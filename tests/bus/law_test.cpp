// The laws of DESIGN §1 that the bus must keep.
#include <catch2/catch.hpp>

#include "bus/bus_fixture.hpp"

namespace daybook {

using testkit::BusFixture;
using testkit::fact;
using testkit::Recorder;

TEST_CASE("law 1: event and pending rows are in the file before middleware or a handler sees the event") {
    BusFixture fixture;
    auto recorder = std::make_shared<Recorder>();
    BusOptions options;
    options.middleware = {recorder};
    EventBus bus(fixture.store, options);
    EventStore other = fixture.open();
    int looked = 0;
    const auto look = [&] {
        // Another store sees what another process would see.
        const EventReader reader = other.reader();
        CHECK(reader.head().seq == Sequence{1});
        const std::vector<EventResult> rows = reader.results_of(Sequence{1});
        REQUIRE_FALSE(rows.empty());
        CHECK(rows[0].status == ResultStatus::pending);
        CHECK(rows[0].handler == "h");
        CHECK(rows[0].owner == bus.owner());
        ++looked;
    };
    recorder->on_call = [&](const std::string&) { look(); };
    const Registration handler = bus.on("*", {.name = "h"}, [&](const Event&) { look(); });
    bus.emit(fact("a"));
    CHECK(looked == 4);  // committed, start, handler, result
    CHECK(bus.failures()[0].total == 0);
}

TEST_CASE("law 2: neither handler nor middleware can take back or change a committed event") {
    BusFixture fixture;
    auto recorder = std::make_shared<Recorder>();
    recorder->on_call = [](const std::string&) { throw std::runtime_error("no"); };
    BusOptions options;
    options.middleware = {recorder};
    EventBus bus(fixture.store, options);
    const Registration handler = bus.on("*", {.name = "h"}, [](const Event&) { throw std::runtime_error("no"); });
    const Emitted emitted = bus.emit(fact("a", "{\"x\":1}"));
    CHECK(fixture.store.find(Sequence{1}) == emitted.event);
    CHECK(emitted.event.payload == "{\"x\":1}");
}

TEST_CASE("law 4: an outcome is in the file, with its times and what was emitted, before middleware hears of it") {
    BusFixture fixture;
    auto recorder = std::make_shared<Recorder>();
    BusOptions options;
    options.middleware = {recorder};
    EventBus bus(fixture.store, options);
    EventStore other = fixture.open();
    bool heard = false;
    recorder->on_call = [&](const std::string& call) {
        if (call != "result 1 h completed") return;
        heard = true;
        const std::vector<EventResult> rows = other.reader().results_of(Sequence{1});
        REQUIRE(rows.size() == 2);
        CHECK(rows[1].status == ResultStatus::completed);
        CHECK(rows[1].emitted.size() == 1);
        CHECK(rows[1].finished_at->ns - rows[1].started_at->ns == 5'000'000);
    };
    const Registration handler = bus.on("a", {.name = "h"}, [&](const Event&, HandlerContext& context) {
        fixture.clock->advance(std::chrono::milliseconds(5));
        context.emit(fact("b"));
    });
    bus.emit(fact("a"));
    CHECK(heard);
    CHECK(bus.failures()[0].total == 0);
}

TEST_CASE("law 4: a wall clock that is set back while a handler runs gives no negative duration") {
    BusFixture fixture;
    EventBus bus(fixture.store);
    const Registration handler = bus.on("*", {.name = "h"}, [&](const Event&) {
        fixture.clock->advance(std::chrono::seconds(2));
        fixture.clock->set(Timestamp{0});
    });
    const Emitted emitted = bus.emit(fact("a"));
    CHECK(emitted.results[0].finished_at->ns - emitted.results[0].started_at->ns == 2'000'000'000);
}

TEST_CASE("law 4: with record_started the started row is in the file before the handler runs") {
    BusFixture fixture;
    BusOptions options;
    options.record_started = true;
    EventBus bus(fixture.store, options);
    const Registration handler = bus.on("*", {.name = "h"}, [&](const Event&) {
        const std::vector<EventResult> rows = fixture.rows();
        REQUIRE(rows.size() == 2);
        CHECK(rows[1].status == ResultStatus::started);
        REQUIRE(bus.unfinished().size() == 1);
        CHECK(bus.unfinished()[0].started);
    });
    CHECK(bus.emit(fact("a")).results[0].status == ResultStatus::completed);
    CHECK(fixture.rows().size() == 3);
}

TEST_CASE("law 7: a handler that fails changes neither the log nor another handler's outcome") {
    BusFixture fixture;
    EventBus bus(fixture.store);
    const Registration bad = bus.on("*", {.name = "bad"}, [](const Event&) { throw std::runtime_error("broken"); });
    const Registration good = bus.on("*", {.name = "good"}, [](const Event&) {});
    CHECK_NOTHROW(bus.emit(fact("a")));
    CHECK_NOTHROW(bus.emit(fact("b")));
    CHECK(fixture.events().size() == 2);
    int good_rows = 0;
    for (const EventResult& row : fixture.rows())
        good_rows += row.handler == "good" && row.status == ResultStatus::completed;
    CHECK(good_rows == 2);
}

}  // namespace daybook
