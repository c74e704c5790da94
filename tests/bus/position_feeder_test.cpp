#include "bus/position_feeder.hpp"

#include <catch2/catch.hpp>

#include <thread>

#include "bus/bus_fixture.hpp"

namespace daybook {

using testkit::BusFixture;
using testkit::fact;
using testkit::MemoryJournal;

namespace {

/// What a journal that has everything must hold.
std::vector<std::string> whole_log(const BusFixture& fixture) {
    std::vector<std::string> records;
    const std::vector<EventResult> results = fixture.rows();
    std::size_t next = 0;
    const auto results_before = [&](std::uint64_t seq) {
        for (; next < results.size() && results[next].events_head.value < seq; ++next) {
            records.push_back("r" + std::to_string(results[next].result_seq.value));
        }
    };
    const std::uint64_t head = fixture.store.head().seq.value;
    for (std::uint64_t seq = 1; seq <= head; ++seq) {
        results_before(seq);
        records.push_back("e" + std::to_string(seq));
    }
    results_before(UINT64_MAX);
    return records;
}

BusOptions with(const std::shared_ptr<Middleware>& middleware) {
    BusOptions options;
    options.middleware = {middleware};
    return options;
}

}  // namespace

TEST_CASE("feeding: a new journal gets the whole log when the bus opens, in order, with progress") {
    BusFixture fixture;
    for (int index = 0; index < 1'200; index += 100) {
        std::vector<NewEvent> events(100, fact("a"));
        fixture.store.append(AppendRequest{.events = events});
    }
    auto journal = std::make_shared<MemoryJournal>();
    std::vector<std::uint64_t> progress;
    BusOptions options = with(journal);
    options.on_catch_up = [&](const CatchUpProgress& now) {
        CHECK(now.middleware == "journal:memory");
        CHECK(now.total == 1'200);
        progress.push_back(now.fed);
    };
    const EventBus bus(fixture.store, options);
    CHECK(journal->records == whole_log(fixture));
    CHECK(progress == std::vector<std::uint64_t>{1'000, 1'200});
    REQUIRE(fixture.store.checkpoint("journal:memory"));
    CHECK(fixture.store.checkpoint("journal:memory")->head == fixture.store.head());
}

TEST_CASE("feeding: from_head begins behind what is there") {
    BusFixture fixture;
    fixture.store.append(fact("a"));
    auto journal = std::make_shared<MemoryJournal>();
    journal->from_head = true;
    EventBus bus(fixture.store, with(journal));
    CHECK(journal->records.empty());
    bus.emit(fact("b"));
    CHECK(journal->records == std::vector<std::string>{"e2"});
}

TEST_CASE("feeding: events and results of an emit arrive before it returns, pending rows after their event") {
    BusFixture fixture;
    auto journal = std::make_shared<MemoryJournal>();
    EventBus bus(fixture.store, with(journal));
    std::vector<std::string> during;
    const Registration handler = bus.on("*", {.name = "h"}, [&](const Event&) { during = journal->records; });
    bus.emit(fact("a"));
    CHECK(during == std::vector<std::string>{"e1", "r1"});
    CHECK(journal->records == std::vector<std::string>{"e1", "r1", "r2"});
}

TEST_CASE("feeding: gapless and in order while two stores and eight threads write") {
    BusFixture fixture(true);
    auto journal = std::make_shared<MemoryJournal>();
    EventBus bus(fixture.store, with(journal));
    EventStore other_store = fixture.open();
    EventBus other(other_store, {.name = "other"});
    const Registration mine = bus.on("*", {.name = "h"}, [](const Event&) {});
    const Registration theirs = other.on("*", {.name = "h"}, [](const Event&) {});
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 8; ++thread) {
        threads.emplace_back([&, thread] {
            for (int index = 0; index < 10; ++index) (thread % 2 == 0 ? bus : other).emit(fact("a"));
        });
    }
    for (std::thread& thread : threads) thread.join();
    bus.pump();
    CHECK(fixture.rows().size() == 160);
    CHECK(journal->records == whole_log(fixture));
}

TEST_CASE("feeding: one emit feeds at most its own batch and feed_records_max, pump() the rest") {
    BusFixture fixture;
    auto journal = std::make_shared<MemoryJournal>();
    BusOptions options = with(journal);
    options.feed_records_max = 10;
    EventBus bus(fixture.store, options);
    fixture.store.append(AppendRequest{.events = std::vector<NewEvent>(100, fact("other"))});
    bus.emit(fact("a"));
    CHECK(journal->records.size() == 11);
    CHECK(bus.pump() == 90);
    CHECK(journal->records == whole_log(fixture));
}

TEST_CASE("feeding: a full disk loses nothing; what failed is fed again") {
    BusFixture fixture;
    auto journal = std::make_shared<MemoryJournal>();
    EventBus bus(fixture.store, with(journal));
    bus.emit(fact("a"));
    journal->full = true;
    CHECK_NOTHROW(bus.emit(fact("b")));
    CHECK_NOTHROW(bus.emit(fact("c")));
    CHECK(journal->records.size() == 1);
    CHECK(bus.failures()[0].total == 2);
    journal->full = false;
    bus.emit(fact("d"));
    CHECK(journal->records == whole_log(fixture));
}

TEST_CASE("feeding: one that stands by is fed nothing until it takes over") {
    BusFixture fixture;
    auto journal = std::make_shared<MemoryJournal>();
    journal->stands_by = true;
    EventBus bus(fixture.store, with(journal));
    bus.emit(fact("a"));
    CHECK(journal->records.empty());
    CHECK(bus.failures()[0].total == 0);
    journal->stands_by = false;
    bus.emit(fact("b"));
    CHECK(journal->records == whole_log(fixture));
}

TEST_CASE("feeding: a journal of another history is begun anew, and that is reported") {
    BusFixture fixture;
    fixture.store.append(fact("a"));
    auto journal = std::make_shared<MemoryJournal>();
    std::string message;
    BusOptions options = with(journal);
    options.on_failure = [&](const FailureReport& report) { message = report.message; };

    SECTION("another digest at its seq") {
        journal->at = fixture.store.head();
        journal->at->digest.bytes[0] ^= std::byte{1};
    }
    SECTION("a seq that the log does not have") {
        journal->at = fixture.store.head();
        journal->at->seq.value = 5;
    }
    SECTION("another store") {
        journal->at = fixture.store.head();
        journal->at->store_id.bytes[3] ^= std::byte{1};
    }
    SECTION("a result that the log does not have") {
        journal->at = fixture.store.head();
        journal->at->result_seq.value = 1;
    }
    const EventBus bus(fixture.store, options);
    CHECK(journal->begun_anew == 1);
    CHECK(journal->records == whole_log(fixture));
    CHECK(message.find("not of this log") != std::string::npos);
}

TEST_CASE("feeding: a journal that is where it was left goes on from there") {
    BusFixture fixture;
    auto journal = std::make_shared<MemoryJournal>();
    {
        EventBus bus(fixture.store, with(journal));
        bus.emit(fact("a"));
    }
    fixture.store.append(fact("b"));
    const EventBus bus(fixture.store, with(journal));
    CHECK(journal->begun_anew == 0);
    CHECK(journal->records == std::vector<std::string>{"e1", "e2"});
}

}  // namespace daybook
