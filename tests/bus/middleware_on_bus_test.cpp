// The three real middleware on a real bus over a real log: what they write is read back by those who must read it.
#include <catch2/catch.hpp>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include <daybook/interchange/journal_reader.hpp>
#include <daybook/middleware/journal.hpp>
#include <daybook/middleware/logger.hpp>
#include <daybook/middleware/tracing.hpp>

#include "bus/bus_fixture.hpp"
#include "event/json_schema.hpp"

namespace daybook {

using nlohmann::json;
using testkit::BusFixture;
using testkit::fact;

namespace {

std::vector<std::string> lines_of(const std::filesystem::path& path) {
    std::vector<std::string> lines;
    std::ifstream text(path, std::ios::binary);
    for (std::string line; std::getline(text, line);) lines.push_back(line);
    return lines;
}

std::shared_ptr<JournalMiddleware> journal_at(const std::filesystem::path& path, std::uint64_t rotate_bytes = 0) {
    JournalOptions options;
    options.path = path.string();
    options.rotate_bytes = rotate_bytes;
    options.lock_retry = std::chrono::milliseconds(0);
    return std::make_shared<JournalMiddleware>(options);
}

BusOptions with(std::shared_ptr<Middleware> middleware) {
    BusOptions options;
    options.middleware.push_back(std::move(middleware));
    return options;
}

/// The journal holds the whole log, byte for byte and in order.
void check_whole(const EventStore& store, const std::filesystem::path& path) {
    const JournalComparison comparison = compare_journal(store.reader(), path);
    for (const VerifyProblem& problem : comparison.problems) INFO(problem.code << ": " << problem.message);
    CHECK(comparison.ok());
    CHECK(comparison.notes.empty());
    CHECK(comparison.events == store.head().seq.value);
    CHECK(comparison.results == store.head().result_seq.value);
}

}  // namespace

TEST_CASE("journal on a bus: catches up with an existing log, then follows it, and equals it") {
    BusFixture fixture;
    const std::filesystem::path path = fixture.directory / "app.jsonl";
    {
        EventBus before(fixture.store);
        const Registration handler = before.on("*", {.name = "h"}, [](const Event&) { return std::string("[1]"); });
        for (int index = 0; index < 20; ++index) before.emit(fact("a", "{\"text\":\"\\u00e9\\n\"}"));
    }
    auto journal = journal_at(path);
    EventBus bus(fixture.store, with(journal));
    check_whole(fixture.store, path);
    const Registration handler =
        bus.on("*", {.name = "h"}, [](const Event&) { throw std::runtime_error("bad\nluck"); });
    bus.emit(fact("b"));
    check_whole(fixture.store, path);
    CHECK(bus.failures()[0].total == 0);
}

TEST_CASE("journal on a bus: gapless over rotations while two stores and threads write") {
    BusFixture fixture(true);
    const std::filesystem::path path = fixture.directory / "app.jsonl";
    EventBus bus(fixture.store, with(journal_at(path, 8192)));
    EventStore other_store = fixture.open();
    EventBus other(other_store);
    const Registration mine = bus.on("*", {.name = "h"}, [](const Event&) {});
    const Registration theirs = other.on("*", {.name = "h"}, [](const Event&) {});
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 4; ++thread) {
        threads.emplace_back([&, thread] {
            for (int index = 0; index < 15; ++index) (thread % 2 == 0 ? bus : other).emit(fact("a"));
        });
    }
    for (std::thread& thread : threads) thread.join();
    bus.pump();
    CHECK(journal_parts(path).size() > 2);
    check_whole(fixture.store, path);
}

TEST_CASE("journal on a bus: a second bus stands by and takes over without a gap") {
    BusFixture fixture;
    const std::filesystem::path path = fixture.directory / "app.jsonl";
    auto first = std::make_unique<EventBus>(fixture.store, with(journal_at(path)));
    auto waiting = journal_at(path);
    EventBus second(fixture.store, with(waiting));
    CHECK(waiting->status().stands_by);
    first->emit(fact("a"));
    second.emit(fact("b"));
    first.reset();
    second.emit(fact("c"));
    CHECK_FALSE(waiting->status().stands_by);
    check_whole(fixture.store, path);
}

TEST_CASE("journal on a bus: one object shared by two buses keeps every record once") {
    BusFixture fixture;
    const std::filesystem::path path = fixture.directory / "app.jsonl";
    const auto shared = journal_at(path);
    EventBus one(fixture.store, with(shared));
    EventBus two(fixture.store, with(shared));
    std::vector<std::thread> threads;
    for (EventBus* bus : {&one, &two, &one, &two}) {
        threads.emplace_back([bus] {
            for (int index = 0; index < 10; ++index) bus->emit(fact("a"));
        });
    }
    for (std::thread& thread : threads) thread.join();
    one.pump();
    check_whole(fixture.store, path);
}

TEST_CASE("journal on a bus: the journal of a log that was replaced is set aside and begun anew, loudly") {
    BusFixture fixture;
    const std::filesystem::path path = fixture.directory / "app.jsonl";
    {
        EventBus bus(fixture.store, with(journal_at(path)));
        bus.emit(fact("a"));
    }
    StoreOptions options;
    options.access = Access::create;
    EventStore other = EventStore::open(fixture.directory / "other.daybook", options);
    std::vector<std::string> reports;
    const auto journal = journal_at(path);
    BusOptions bus_options = with(journal);
    bus_options.on_failure = [&](const FailureReport& report) { reports.emplace_back(report.message); };
    EventBus bus(other, bus_options);
    bus.emit(fact("x"));
    check_whole(other, path);
    REQUIRE(journal->status().set_aside.size() == 1);
    check_whole(fixture.store, journal->status().set_aside[0]);
    REQUIRE(reports.size() == 1);
    CHECK(reports[0].find("set aside") != std::string::npos);
}

TEST_CASE("journal on a bus: its position is kept as a checkpoint in the file") {
    BusFixture fixture;
    const std::filesystem::path path = fixture.directory / "app.jsonl";
    EventBus bus(fixture.store, with(journal_at(path)));
    const Registration handler = bus.on("*", {.name = "h"}, [](const Event&) {});
    bus.emit(fact("a"));
    bus.close();
    const std::optional<Checkpoint> checkpoint = fixture.store.checkpoint("journal:" + path.string());
    REQUIRE(checkpoint);
    CHECK(checkpoint->head == fixture.store.head());
}

TEST_CASE("tracing on a bus: a tree of emits and handlers comes out as one trace whose parents are all there") {
    BusFixture fixture(true);
    const std::filesystem::path path = fixture.directory / "trace.jsonl";
    TracingOptions options;
    options.path = path.string();
    {
        EventBus bus(fixture.store, with(std::make_shared<TracingMiddleware>(options)));
        const Registration a = bus.on("a", {.name = "on-a"}, [&](const Event&) {
            bus.emit(fact("b"));
            bus.emit(fact("lone"), {.detached = true});
        });
        const Registration b = bus.on("b", {.name = "on-b"}, [&](const Event&) { throw std::runtime_error("no"); });
        bus.emit(fact("a"));
    }
    std::map<std::string, json> by_name;
    std::map<std::string, std::string> trace_of_span;
    for (const std::string& line : lines_of(path)) {
        CHECK(schema_faults("trace", line) == "");
        const json traces = json::parse(line);
        for (const json& span : traces["resourceSpans"][0]["scopeSpans"][0]["spans"]) {
            trace_of_span[span["spanId"].get<std::string>()] = span["traceId"].get<std::string>();
            if (span["name"] != "commit") by_name[span["name"].get<std::string>()] = span;
        }
    }
    REQUIRE(by_name.size() == 5);
    CHECK(by_name["on-a a"]["parentSpanId"] == by_name["emit a"]["spanId"]);
    CHECK(by_name["emit b"]["parentSpanId"] == by_name["on-a a"]["spanId"]);
    CHECK(by_name["on-b b"]["parentSpanId"] == by_name["emit b"]["spanId"]);
    CHECK(by_name["on-b b"]["status"]["code"] == 2);
    CHECK_FALSE(by_name["emit lone"].contains("parentSpanId"));
    CHECK(by_name["emit lone"]["traceId"] != by_name["emit a"]["traceId"]);
    for (const auto& [name, span] : by_name) {
        INFO(name);
        if (name != "emit lone") CHECK(span["traceId"] == by_name["emit a"]["traceId"]);
        if (span.contains("parentSpanId")) {
            CHECK(trace_of_span.at(span["parentSpanId"].get<std::string>()) == span["traceId"]);
        }
        CHECK(std::stoll(span["startTimeUnixNano"].get<std::string>()) <=
              std::stoll(span["endTimeUnixNano"].get<std::string>()));
    }
}

TEST_CASE("logger on a bus: a line for each event and each outcome, and a full disk stops nothing") {
    BusFixture fixture;
    const std::filesystem::path path = fixture.directory / "log.txt";
    {
        EventBus bus(fixture.store, with(std::make_shared<LoggerMiddleware>(LoggerOptions{.path = path.string()})));
        const Registration handler = bus.on("*", {.name = "h"}, [](const Event&) {});
        bus.emit(fact("a"));
    }
    const std::vector<std::string> lines = lines_of(path);
    REQUIRE(lines.size() == 2);
    CHECK(lines[0].find(" info event seq=1 type=a ") != std::string::npos);
    CHECK(lines[1].find(" info result seq=1 type=a bus=main handler=h ") != std::string::npos);
    if (std::filesystem::exists("/dev/full")) {
        EventBus bus(fixture.store, with(std::make_shared<LoggerMiddleware>(LoggerOptions{.path = "/dev/full"})));
        CHECK_NOTHROW(bus.emit(fact("b")));
        CHECK(bus.failures()[0].total == 1);
    }
}

}  // namespace daybook
