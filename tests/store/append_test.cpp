// What an append decides: expected versions, repeats, pending rows, limits, guards.
#include <daybook/store/append.hpp>

#include <catch2/catch.hpp>

#include "store/test_store.hpp"

namespace daybook {

namespace {

using test::code_of;
using test::message_of;
using test::TestStore;
using Outcome = AppendedEvent::Outcome;

NewEvent event(std::string stream = "main", std::string id = "", std::string payload = "{}") {
    NewEvent made;
    made.type = "thing:happened";
    made.stream = std::move(stream);
    made.id = std::move(id);
    made.payload = std::move(payload);
    return made;
}

AppendRequest request(std::vector<NewEvent> events) {
    AppendRequest made;
    made.events = std::move(events);
    return made;
}

class Refuser final : public Guard {
  public:
    explicit Refuser(bool with_error) : with_error_(with_error) {}
    std::string_view name() const noexcept override { return "no-secrets"; }
    void check(const NewEvent& event) override {
        seen = event.payload;
        if (event.payload.find("secret") == std::string::npos) return;
        if (with_error_) throw Error(ErrorCode::too_deep, "its own code");
        throw std::runtime_error("it holds a secret");
    }
    std::string seen;

  private:
    bool with_error_;
};

}  // namespace

TEST_CASE("append: seqs are dense from 1, versions are dense in each stream", "[append]") {
    TestStore test;
    EventStore store = test.open();
    const Appended first = store.append(request({event("a"), event("b"), event("a")}));
    CHECK(first.first_seq == Sequence{1});
    CHECK(first.last_seq == Sequence{3});
    CHECK(first.positions[0].version == Version{1});
    CHECK(first.positions[1].version == Version{1});
    CHECK(first.positions[2].version == Version{2});
    const Appended second = store.append(event("b"));
    CHECK(second.first_seq == Sequence{4});
    CHECK(second.positions[0].version == Version{2});
}

TEST_CASE("append: a committed event can be read back field by field", "[append]") {
    TestStore test;
    EventStore store = test.open();
    NewEvent given = event("s", "id-1", R"({ "n" : 1.50 })");
    given.event_version = "7";
    given.source = "sensor";
    given.correlation_id = "run-1";
    given.causation_id = "cause-1";
    given.occurred_at = Timestamp{-5};
    given.tags = {{"b", "2"}, {"a", "1"}};
    given.metadata = R"({ "m" : null })";
    store.append(given);
    const Event read = store.find("id-1").value();
    CHECK(read.seq == Sequence{1});
    CHECK(read.type == "thing:happened");
    CHECK(read.event_version == "7");
    CHECK(read.stream == "s");
    CHECK(read.source == "sensor");
    CHECK(read.correlation_id == "run-1");
    CHECK(read.causation_id == "cause-1");
    CHECK(read.occurred_at == Timestamp{-5});
    CHECK(read.recorded_at == test.clock->now());
    CHECK(read.tags == given.tags);
    CHECK(read.payload == R"({"n":1.50})");
    CHECK(read.metadata == R"({"m":null})");
}

TEST_CASE("append: an event without an id gets a new UUIDv7, and occurs when it is committed", "[append]") {
    TestStore test;
    EventStore store = test.open();
    const Appended appended = store.append(event());
    REQUIRE(appended.ids.size() == 1);
    CHECK(Uuid::parse(appended.ids[0]).has_value());
    CHECK(appended.ids[0][14] == '7');
    CHECK(store.find(appended.ids[0])->occurred_at == test.clock->now());
}

TEST_CASE("append: return_events gives back what a reader reads", "[append]") {
    TestStore test;
    EventStore store = test.open();
    AppendRequest asked = request({event("a", "", "[1, 2]"), event("b")});
    asked.return_events = true;
    const Appended appended = store.append(asked);
    REQUIRE(appended.events.size() == 2);
    CHECK(appended.events[0] == store.find(Sequence{1}));
    CHECK(appended.events[1] == store.find(Sequence{2}));
}

TEST_CASE("append: a stale expected version is refused and both versions are named", "[append]") {
    TestStore test;
    EventStore store = test.open();
    for (int count = 0; count < 3; ++count) store.append(event("order-42"));
    const std::string message =
        message_of([&] { return store.append(event("order-42"), ExpectedVersion::exactly(Version{1})); });
    CHECK_THAT(message, Catch::Contains("'order-42' expected version 1, the stream is at 3") &&
                            Catch::Contains("read from version 2") && Catch::Contains("[version_conflict]"));
    CHECK(store.head().seq == Sequence{3});
}

TEST_CASE("append: expectations any, none, exists and exact hold as their names say", "[append]") {
    TestStore test;
    EventStore store = test.open();
    CHECK(code_of([&] { return store.append(event("s"), ExpectedVersion::exists()); }) == ErrorCode::version_conflict);
    CHECK_FALSE(code_of([&] { return store.append(event("s"), ExpectedVersion::none()); }));
    CHECK(code_of([&] { return store.append(event("s"), ExpectedVersion::none()); }) == ErrorCode::version_conflict);
    CHECK_FALSE(code_of([&] { return store.append(event("s"), ExpectedVersion::exists()); }));
    CHECK_FALSE(code_of([&] { return store.append(event("s"), ExpectedVersion::exactly(Version{2})); }));
    CHECK_FALSE(code_of([&] { return store.append(event("s"), ExpectedVersion::any()); }));
    CHECK(ExpectedVersion::exactly(Version{0}) == ExpectedVersion::none());
}

TEST_CASE("append: every failing expectation is reported at once", "[append]") {
    TestStore test;
    EventStore store = test.open();
    store.append(event("a"));
    AppendRequest asked = request({event("c")});
    asked.expectations = {{"a", ExpectedVersion::none()},
                          {"a", ExpectedVersion::exactly(Version{1})},
                          {"b", ExpectedVersion::exactly(Version{5})}};
    const AppendOutcome outcome = store.try_append(asked);
    const auto& conflict = std::get<VersionConflict>(outcome);
    REQUIRE(conflict.failed.size() == 2);
    CHECK(conflict.failed[0].stream == "a");
    CHECK(conflict.failed[0].actual == Version{1});
    CHECK(conflict.failed[1].stream == "b");
    CHECK(conflict.failed[1].actual == Version{0});
    CHECK(store.head().seq == Sequence{1});
}

TEST_CASE("append: expectations are about the log before the append's own events", "[append]") {
    TestStore test;
    EventStore store = test.open();
    AppendRequest asked = request({event("a"), event("a")});
    asked.expectations = {{"a", ExpectedVersion::none()}};
    CHECK(store.append(asked).last_seq == Sequence{2});
}

TEST_CASE("append: the same id with the same content answers with the first position", "[append]") {
    TestStore test;
    EventStore store = test.open();
    store.append(event());
    store.append(event("s", "id-1", R"({"a":1})"));
    test.clock->advance(std::chrono::hours(1));
    const Appended again = store.append(event("s", "id-1", R"({ "a" : 1 })"));
    CHECK(again.already_appended());
    CHECK(again.first_seq == Sequence{2});
    CHECK(again.positions[0].outcome == Outcome::already_appended);
    CHECK(again.positions[0].version == Version{1});
    CHECK(store.head().seq == Sequence{2});
}

TEST_CASE("append: a repeat is recognised before the expected version is looked at", "[append]") {
    TestStore test;
    EventStore store = test.open();
    store.append(event("s", "id-1"), ExpectedVersion::none());
    CHECK(store.append(event("s", "id-1"), ExpectedVersion::none()).already_appended());
}

TEST_CASE("append: the same id with any other field is a conflict that names the field", "[append]") {
    TestStore test;
    EventStore store = test.open();
    NewEvent original = event("s", "id-1");
    original.occurred_at = Timestamp{1};
    store.append(original);
    const auto difference = [&](auto change) {
        NewEvent other = original;
        change(other);
        const AppendOutcome outcome = store.try_append(request({other}));
        const auto* conflict = std::get_if<IdempotencyConflict>(&outcome);
        return conflict != nullptr && conflict->seq == Sequence{1} ? conflict->difference : std::string("none");
    };
    CHECK(difference([](NewEvent&) {}) == "none");
    CHECK(difference([](NewEvent& other) { other.type = "other"; }) == "type");
    CHECK(difference([](NewEvent& other) { other.event_version = "2"; }) == "event_version");
    CHECK(difference([](NewEvent& other) { other.stream = "t"; }) == "stream");
    CHECK(difference([](NewEvent& other) { other.source = "t"; }) == "source");
    CHECK(difference([](NewEvent& other) { other.correlation_id = "t"; }) == "correlation_id");
    CHECK(difference([](NewEvent& other) { other.causation_id = "t"; }) == "causation_id");
    CHECK(difference([](NewEvent& other) { other.tags["t"] = "1"; }) == "tags");
    CHECK(difference([](NewEvent& other) { other.metadata = R"({"t":1})"; }) == "metadata");
    CHECK(difference([](NewEvent& other) { other.payload = "1.0"; }) == "payload");
    CHECK(difference([](NewEvent& other) { other.occurred_at = Timestamp{2}; }) == "occurred_at");
    CHECK(difference([](NewEvent& other) { other.occurred_at = std::nullopt; }) == "none");
}

TEST_CASE("append: 1.0 and 1 are other content", "[append]") {
    TestStore test;
    EventStore store = test.open();
    store.append(event("s", "id-1", "1"));
    const std::string message = message_of([&] { return store.append(event("s", "id-1", "1.0")); });
    CHECK_THAT(message,
               Catch::Contains("[idempotency_conflict]") && Catch::Contains("'id-1'") && Catch::Contains("payload"));
}

TEST_CASE("append: a whole batch that is there is answered, one that is there in part is a conflict", "[append]") {
    TestStore test;
    EventStore store = test.open();
    store.append(request({event("s", "id-1"), event("s", "id-2")}));
    const Appended again = store.append(request({event("s", "id-2"), event("s", "id-1")}));
    CHECK(again.already_appended());
    CHECK(again.positions[0].seq == Sequence{2});
    CHECK(again.first_seq == Sequence{1});
    CHECK(again.last_seq == Sequence{2});
    const AppendOutcome outcome = store.try_append(request({event("s", "id-1"), event("s", "id-3")}));
    const auto& conflict = std::get<IdempotencyConflict>(outcome);
    CHECK(conflict.difference == "partial_batch");
    CHECK(conflict.event_index == 1);
    CHECK_FALSE(conflict.seq);
    CHECK(store.head().seq == Sequence{2});
}

TEST_CASE("append: each_event passes over what is there and appends the rest", "[append]") {
    TestStore test;
    EventStore store = test.open();
    store.append(event("s", "id-1"));
    AppendRequest asked = request({event("s", "id-0"), event("s", "id-1"), event("s", "id-2")});
    asked.repeats = Repeats::each_event;
    const Appended appended = store.append(asked);
    CHECK_FALSE(appended.already_appended());
    CHECK(appended.positions[0].seq == Sequence{2});
    CHECK(appended.positions[1].seq == Sequence{1});
    CHECK(appended.positions[1].outcome == Outcome::already_appended);
    CHECK(appended.positions[2].seq == Sequence{3});
}

TEST_CASE("append: skip_conflicts reports what has other content and appends the rest", "[append]") {
    TestStore test;
    EventStore store = test.open();
    store.append(event("s", "id-1"));
    AppendRequest asked = request({event("s", "id-1", "[]"), event("s", "id-2")});
    asked.repeats = Repeats::each_event;
    CHECK(code_of([&] { return store.append(asked); }) == ErrorCode::idempotency_conflict);
    CHECK(store.head().seq == Sequence{1});
    asked.repeats = Repeats::skip_conflicts;
    const Appended appended = store.append(asked);
    CHECK(appended.positions[0].outcome == Outcome::conflict);
    CHECK(appended.positions[0].seq == Sequence{1});
    CHECK(appended.positions[1].seq == Sequence{2});
    CHECK(appended.first_seq == Sequence{2});
}

TEST_CASE("append: with first_stands the first event is given back, and that it differs is said", "[append]") {
    TestStore test;
    EventStore store = test.open();
    store.append(event("s", "id-1", "1"));
    AppendRequest asked = request({event("s", "id-1", "2")});
    asked.first_stands = true;
    asked.return_events = true;
    const Appended appended = store.append(asked);
    CHECK(appended.already_appended());
    CHECK(appended.positions[0].differs);
    CHECK(appended.events[0].payload == "1");
}

TEST_CASE("append: two equal ids in one append are refused", "[append]") {
    TestStore test;
    EventStore store = test.open();
    CHECK(code_of([&] {
              return store.append(request({event("s", "id-1"), event("t", "id-1")}));
          }) == ErrorCode::invalid_argument);
    CHECK(store.head().seq == Sequence{0});
}

TEST_CASE("append: nothing of a request is written when one of its events is bad", "[append]") {
    TestStore test;
    EventStore store = test.open();
    CHECK(code_of([&] { return store.append(request({event(), event("s", "", "{bad")})); }) == ErrorCode::invalid_json);
    CHECK(code_of([&] { return store.append(request({event(), event("")})); }) == ErrorCode::invalid_name);
    CHECK(code_of([&] { return store.append(request({})); }) == ErrorCode::invalid_argument);
    CHECK(store.head().seq == Sequence{0});
}

TEST_CASE("append: a batch over its caps is refused, one larger event alone is not", "[append]") {
    TestStore test;
    StoreOptions options = test.options();
    options.limits.batch_events_max = 3;
    options.limits.batch_bytes_max = 100;
    EventStore store = EventStore::open(test.path, options);
    CHECK(code_of([&] {
              return store.append(request({event(), event(), event(), event()}));
          }) == ErrorCode::invalid_argument);
    const std::string large = '"' + std::string(150, 'x') + '"';
    CHECK(code_of([&] { return store.append(request({event("s", "", large), event()})); }) == ErrorCode::too_large);
    CHECK(store.append(event("s", "", large)).first_seq == Sequence{1});
}

TEST_CASE("append: a bare number, null and 1e400's neighbours are payloads", "[append]") {
    TestStore test;
    EventStore store = test.open();
    store.append(request({event("s", "", "null"), event("s", "", "123456789012345678901234567890"),
                          event("s", "", "0.10000000000000001")}));
    CHECK(store.find(Sequence{1})->payload == "null");
    CHECK(store.find(Sequence{2})->payload == "123456789012345678901234567890");
    CHECK(store.find(Sequence{3})->payload == "0.10000000000000001");
    CHECK(code_of([&] { return store.append(event("s", "", "1e400")); }) == ErrorCode::number_out_of_range);
}

TEST_CASE("append: a guard says no before anything is written, and sees minified text", "[append]") {
    TestStore test;
    StoreOptions options = test.options();
    const auto guard = std::make_shared<Refuser>(false);
    options.guards.push_back(guard);
    EventStore store = EventStore::open(test.path, options);
    store.append(event("s", "", "[ 1 ]"));
    CHECK(guard->seen == "[1]");
    const std::string message = message_of([&] {
        return store.append(request({event(), event("s", "", "\"secret\"")}));
    });
    CHECK_THAT(message, Catch::Contains("no-secrets") && Catch::Contains("it holds a secret") &&
                            Catch::Contains("[guard_refused]"));
    CHECK(store.head().seq == Sequence{1});
}

TEST_CASE("append: a guard's Error keeps its code", "[append]") {
    TestStore test;
    StoreOptions options = test.options();
    options.guards.push_back(std::make_shared<Refuser>(true));
    EventStore store = EventStore::open(test.path, options);
    CHECK(code_of([&] { return store.append(event("s", "", "\"secret\"")); }) == ErrorCode::too_deep);
}

TEST_CASE("append: pending rows are committed with their events", "[append]") {
    TestStore test;
    EventStore store = test.open();
    AppendRequest asked = request({event("s", "id-1"), event("s", "id-2")});
    asked.pending = {{.event_index = 1, .bus = "main", .handler = "score", .owner = "owner-1"},
                     {.event_index = 0, .bus = "main", .handler = "score", .owner = "owner-1", .recoverable = false}};
    const Appended appended = store.append(asked);
    REQUIRE(appended.pending.size() == 2);
    CHECK(appended.pending[0].result_seq == ResultSequence{1});
    CHECK(appended.pending[0].event_seq == Sequence{2});
    CHECK(appended.pending[0].event_id == "id-2");
    CHECK(appended.pending[0].status == ResultStatus::pending);
    CHECK(appended.pending[0].events_head == Sequence{2});
    CHECK(appended.pending[1].event_seq == Sequence{1});
    CHECK(store.reader().results_of(Sequence{2}) == std::vector<EventResult>{appended.pending[0]});
    CHECK(store.head().result_seq == ResultSequence{2});
    CHECK(store.head().result_digest == appended.pending[1].digest);
}

TEST_CASE("append: a repeat writes no pending rows", "[append]") {
    TestStore test;
    EventStore store = test.open();
    AppendRequest asked = request({event("s", "id-1")});
    asked.pending = {{.event_index = 0, .bus = "main", .handler = "score", .owner = "owner-1"}};
    store.append(asked);
    const Appended again = store.append(asked);
    CHECK(again.already_appended());
    CHECK(again.pending.empty());
    CHECK(store.head().result_seq == ResultSequence{1});
}

TEST_CASE("append: pending rows for no such event, or twice for one handler, are refused", "[append]") {
    TestStore test;
    EventStore store = test.open();
    AppendRequest asked = request({event()});
    asked.pending = {{.event_index = 1, .bus = "main", .handler = "score", .owner = "owner-1"}};
    CHECK(code_of([&] { return store.append(asked); }) == ErrorCode::invalid_argument);
    asked.pending = {{.event_index = 0, .bus = "main", .handler = "score", .owner = "owner-1"},
                     {.event_index = 0, .bus = "main", .handler = "score", .owner = "owner-1"}};
    CHECK(code_of([&] { return store.append(asked); }) == ErrorCode::invalid_argument);
    CHECK(store.head().seq == Sequence{0});
}

TEST_CASE("append: on_durable is told once what was written, and not of a repeat", "[append]") {
    TestStore test;
    EventStore store = test.open();
    std::vector<Sequence> told;
    AppendRequest asked = request({event("s", "id-1")});
    asked.on_durable = [&](const Appended& appended) { told.push_back(appended.first_seq); };
    store.append(asked);
    store.append(asked);
    CHECK(told == std::vector<Sequence>{Sequence{1}});
}

TEST_CASE("append: an on_durable that throws changes nothing", "[append]") {
    TestStore test;
    EventStore store = test.open();
    AppendRequest asked = request({event()});
    asked.on_durable = [](const Appended&) { throw std::runtime_error("no"); };
    CHECK(store.append(asked).first_seq == Sequence{1});
    CHECK(store.append(event()).first_seq == Sequence{2});
}

TEST_CASE("append: recorded_at repeats the last value while the clock is behind, and the span is noted", "[append]") {
    TestStore test;
    EventStore store = test.open();
    store.append(event());
    const Timestamp first = test.clock->now();
    test.clock->set(Timestamp{first.ns - 1'000});
    store.append(event());
    test.clock->set(Timestamp{first.ns - 400});
    store.append(event());
    test.clock->set(Timestamp{first.ns + 1});
    store.append(event());
    CHECK(store.find(Sequence{2})->recorded_at == first);
    CHECK(store.find(Sequence{2})->occurred_at == first);
    CHECK(store.find(Sequence{3})->recorded_at == first);
    CHECK(store.find(Sequence{4})->recorded_at == Timestamp{first.ns + 1});
    CHECK(test::query(test.path, "SELECT count(*) FROM clock_steps") == 1);
    CHECK(test::query(test.path, "SELECT first_seq * 100 + last_seq FROM clock_steps") == 203);
    CHECK(test::query(test.path, "SELECT behind_ns FROM clock_steps") == 1'000);
}

TEST_CASE("append: stream heads and occurred blocks say what the log says", "[append]") {
    TestStore test;
    EventStore store = test.open();
    for (int batch = 0; batch < 3; ++batch) {
        AppendRequest asked;
        for (int count = 0; count < 700; ++count) {
            asked.events.push_back(event("stream-" + std::to_string(count % 7)));
            asked.events.back().occurred_at = Timestamp{(count * 7919) % 1009 - 500 + batch};
        }
        store.append(asked);
    }
    CHECK(test::query(test.path,
                      "SELECT count(*) FROM (SELECT stream, max(version), max(seq) FROM events_log, store_info"
                      " WHERE seq <= indexed_runs * run_events GROUP BY stream"
                      " EXCEPT SELECT stream, version, last_seq FROM stream_heads)") == 0);
    CHECK(test::query(test.path, "SELECT count(*) FROM stream_heads") == 7);
    CHECK(test::query(test.path, "SELECT indexed_runs FROM store_info") >= 466);  // the last batch's are written next
    CHECK(test::query(test.path,
                      "SELECT count(*) FROM (SELECT (seq - 1) / 1024, min(occurred_at), max(occurred_at) FROM "
                      "events_log GROUP BY 1 HAVING count(*) = 1024"
                      " EXCEPT SELECT block, occurred_min, occurred_max FROM occurred_blocks)") == 0);
    CHECK(test::query(test.path, "SELECT count(*) FROM occurred_blocks") == 2);
}

TEST_CASE("append: an id whose event was erased cannot be compared and is a conflict", "[append]") {
    TestStore test;
    EventStore store = test.open();
    store.append(event("s", "id-1"));
    {
        Connection connection(test.path.string(), {.writable = true, .busy_timeout_ms = 1'000});
        connection.execute(
            "INSERT INTO erasures VALUES (1, 0, 'law'); UPDATE events_log SET payload = NULL, salt = NULL WHERE seq = "
            "1");
    }
    const AppendOutcome outcome = store.try_append(request({event("s", "id-1")}));
    CHECK(std::get<IdempotencyConflict>(outcome).difference == "payload");
}

TEST_CASE("append: messages of conflicts say what to do next", "[append]") {
    VersionConflict several;
    several.failed = {{"a", ExpectedVersion::none(), Version{3}}, {"b", ExpectedVersion::exists(), Version{0}}};
    CHECK(several.message() ==
          "append to 'a' expected version none, the stream is at 3; append to 'b' expected version exists, the stream "
          "is at 0: "
          "read the streams again and decide again");
    VersionConflict ahead;
    ahead.failed = {{"a", ExpectedVersion::exactly(Version{9}), Version{3}}};
    CHECK_THAT(ahead.message(), Catch::Contains("it never was at the expected version"));
    CHECK_THAT((IdempotencyConflict{1, "x", {}, "partial_batch"}.message()), Catch::Contains("event 1 ('x') is not"));
}

TEST_CASE("append: an id that a random source makes a second time is refused, and the store goes on", "[append]") {
    TestStore test;
    test.open().close();
    test.open().append(event());
    EventStore store = test.open();  // with the clock and the random bytes of the one before
    CHECK(code_of([&] { return store.append(event()); }) == ErrorCode::idempotency_conflict);
    CHECK(store.head().seq == Sequence{1});
    CHECK(store.append(event()).first_seq == Sequence{2});
}

}  // namespace daybook
