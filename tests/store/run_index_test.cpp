// Where streams and types are, as the store writes it beside its commits: always a function of the log.
#include "store/run_index.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <random>
#include <string>
#include <vector>

#include <daybook/store/verify.hpp>

#include "store/event_store_impl.hpp"
#include "store/test_store.hpp"

using namespace daybook;
using test::TestStore;

namespace {

NewEvent event(std::string stream, std::string type = "thing:happened") {
    NewEvent made;
    made.type = std::move(type);
    made.stream = std::move(stream);
    made.payload = "{}";
    return made;
}

std::vector<std::uint64_t> seqs_of(const EventStore& store, Window window) {
    std::vector<std::uint64_t> seqs;
    EventCursor cursor = store.read(std::move(window));
    while (const EventView* found = cursor.next()) seqs.push_back(found->seq.value);
    return seqs;
}

void require_verified(const TestStore& test) {
    const VerifyReport report = verify(test.path);
    for (const auto& problem : report.problems) UNSCOPED_INFO(problem.code << ": " << problem.message);
    REQUIRE(report.ok());
}

}  // namespace

TEST_CASE("runs: after any batches, of one store or of two in turn, streams and types are where the log has them",
          "[runs]") {
    const auto run_events = GENERATE(1U, 2U, 7U, 300U, 1'000U);
    TestStore test;
    StoreOptions options = test.options();
    options.run_events = run_events;
    EventStore first = EventStore::open(test.path, options);
    EventStore second = EventStore::open(test.path, options);
    std::mt19937_64 random(run_events);
    std::map<std::string, std::vector<std::uint64_t>> by_stream;
    std::map<std::string, std::vector<std::uint64_t>> by_type;
    std::uint64_t seq = 0;
    for (int round = 0; round < 120; ++round) {
        AppendRequest asked;
        for (std::uint64_t count = 1 + random() % (round % 4 == 0 ? 60 : 3); count > 0; --count) {
            const std::string stream = "stream-" + std::to_string(random() % (1 + random() % 400));
            const std::string type = "type:" + std::to_string(random() % (1 + random() % 20));
            asked.events.push_back(event(stream, type));
            by_stream[stream].push_back(++seq);
            by_type[type].push_back(seq);
        }
        EventStore& writing = random() % 2 == 0 ? first : second;
        const std::string stream = asked.events.back().stream;
        CHECK(writing.append(asked).positions.back().version.value == by_stream[stream].size());
        if (round % 10 == 9) {
            require_verified(test);
            if (random() % 2 == 0) second = EventStore::open(test.path, options);
        }
    }
    for (const auto& [stream, seqs] : by_stream) {
        CHECK(first.stream_version(stream).value == seqs.size());
        CHECK(seqs_of(second, {.stream = stream}) == seqs);
    }
    for (const auto& [type, seqs] : by_type) CHECK(seqs_of(first, {.types = {TypePattern(type)}}) == seqs);
    CHECK(first.stream_version("nowhere").value == 0);
    const auto complete = static_cast<std::uint64_t>(test::query(test.path, "SELECT indexed_runs FROM store_info"));
    CHECK((complete + 2) * run_events + 60 >= seq);  // or the end of the log would become ever longer
}

TEST_CASE("runs: a batch that is refused half-way leaves the versions as they were", "[runs]") {
    TestStore test;
    EventStore store = test.open();
    for (int count = 0; count < 10; ++count) store.append(event("a"));
    sqlite3_limit(store.impl().file.connection->handle(), SQLITE_LIMIT_LENGTH, 3'000);
    AppendRequest asked;
    asked.events = {event("a"), event("b"), event("c")};
    asked.events.back().payload = "\"" + std::string(5'000, 'x') + "\"";
    CHECK_THROWS_AS(store.append(asked), Error);
    CHECK(store.append(event("a")).positions.front().version.value == 11);
    CHECK(store.append(event("b")).positions.front().version.value == 1);
    require_verified(test);
}

TEST_CASE("runs: a reader that is pinned to an old head knows the version of its time", "[runs]") {
    TestStore test;
    EventStore store = test.open();
    for (int count = 0; count < 5; ++count) store.append(event(count % 2 == 0 ? "a" : "b"));
    const EventReader old = store.reader();
    for (int count = 0; count < 40; ++count) store.append(event(count % 2 == 0 ? "a" : "c"));
    CHECK(old.stream_version("a").value == 3);
    CHECK(old.stream_version("b").value == 2);
    CHECK(old.stream_version("c").value == 0);
    CHECK(store.stream_version("a").value == 23);
}

TEST_CASE("runs: a complete run is written over several commits, and gone on with by whoever writes next", "[runs]") {
    TestStore test;
    StoreOptions options = test.options();
    options.run_events = 2'000;
    const auto rows = [&] { return test::query(test.path, "SELECT count(*) FROM stream_runs"); };
    const auto ids = [&] { return test::query(test.path, "SELECT count(*) FROM event_ids"); };
    const auto complete = [&] { return test::query(test.path, "SELECT indexed_runs FROM store_info"); };
    {
        EventStore store = EventStore::open(test.path, options);
        AppendRequest asked;
        for (int count = 0; count < 1'000; ++count) asked.events.push_back(event("stream-" + std::to_string(count)));
        store.append(asked);
        store.append(asked);
        CHECK(rows() == 0);
        store.append(event("one"));
        CHECK(rows() > 0);
        CHECK(rows() < 1'000);
        CHECK(complete() == 0);
        require_verified(test);
        CHECK(store.stream_version("stream-0").value == 2);
        CHECK(seqs_of(store, {.stream = "stream-0"}) == std::vector<std::uint64_t>{1, 1'001});
        CHECK(seqs_of(store, {.stream = "stream-999"}) == std::vector<std::uint64_t>{1'000, 2'000});
    }
    // Each opens the log anew, writes a little and is gone, as a command is: together they write what one would have.
    const std::int64_t left = 1'000 + 1 + 2'000 - rows();
    for (int commits = 0; complete() == 0; ++commits) {
        REQUIRE(commits < left / 8 + 2);
        const std::int64_t rows_before = rows() + ids();
        EventStore store = EventStore::open(test.path, options);
        CHECK(store.append(event("stream-0")).positions.front().version.value == 3U + static_cast<unsigned>(commits));
        CHECK(rows() + ids() <= rows_before + 8);
        require_verified(test);
        CHECK(seqs_of(store, {.stream = "stream-999"}) == std::vector<std::uint64_t>{1'000, 2'000});
    }
    CHECK(rows() == 1'000);
    CHECK(ids() == 2'000);
    require_verified(test);
}

TEST_CASE("runs: a stream does not go on from a head that the log contradicts", "[runs]") {
    TestStore test;
    {
        EventStore store = test.open();
        for (int count = 0; count < 20; ++count) store.append(event("a"));
    }
    Connection(test.name(), {.writable = true}).execute("UPDATE stream_heads SET version = version - 1");
    EventStore store = test.open();
    CHECK_THAT(test::message_of([&] { return store.append(event("a")); }),
               Catch::Contains("stream_heads") && Catch::Contains("run verify") && Catch::Contains("[corrupt]"));
}

TEST_CASE("runs: rows that lead elsewhere are errors, not other events", "[runs]") {
    TestStore test;
    StoreOptions options = test.options();
    options.run_events = 1'000;
    {
        EventStore store = EventStore::open(test.path, options);
        AppendRequest asked;
        for (int count = 0; count < 1'000; ++count) asked.events.push_back(event(count % 100 == 0 ? "a" : "b"));
        for (int batch = 0; batch < 3; ++batch) store.append(asked);
    }
    // Run 0 has ten events of `a`, which are handed out before the fault of run 1.
    const auto [edit, read_before, fault] = GENERATE(table<const char*, std::size_t, const char*>(
        {{"UPDATE stream_runs SET seqs = x'0001' WHERE stream = 'a' AND run = 1", 10,
          "seq 1002, which is of stream 'b'"},
         {"UPDATE stream_runs SET seqs = x'00000000' WHERE stream = 'a' AND run = 1", 10,
          "does not list ascending seqs"},
         {"UPDATE stream_runs SET seqs = x'ffff' WHERE stream = 'a' AND run = 1", 10, "does not list ascending seqs"},
         {"UPDATE stream_runs SET seqs = x'00' WHERE stream = 'a' AND run = 1", 10, "does not list ascending seqs"},
         {"UPDATE stream_runs SET previous_run = 1 WHERE stream = 'a' AND run = 1", 0, "names itself or a later one"},
         {"DELETE FROM stream_runs WHERE stream = 'a' AND run = 0", 0, "row for run 0 is missing"},
         {"UPDATE store_info SET indexed_runs = 9000000000000000000", 0, "complete runs of 1000 events cannot be"}}));
    CAPTURE(edit);
    Connection(test.name(), {.writable = true}).execute(edit);
    const EventStore store = EventStore::open(test.path, test.options(Access::read));
    std::size_t read = 0;
    const std::string message = test::message_of([&] {
        EventCursor cursor = store.read({.stream = "a"});
        while (cursor.next() != nullptr) ++read;
        return read;
    });
    CHECK(read == read_before);
    CHECK_THAT(message, Catch::Contains(fault) && Catch::Contains("run verify") && Catch::Contains("[corrupt]"));
}
