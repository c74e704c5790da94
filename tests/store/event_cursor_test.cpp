#include <daybook/store/event_cursor.hpp>

#include <catch2/catch.hpp>

#include <daybook/event/error.hpp>
#include <daybook/store/event_store.hpp>

#include "store/sql_log.hpp"

using namespace daybook;
using namespace daybook::test;

namespace {

std::vector<std::uint64_t> seqs_of(EventCursor cursor) {
    std::vector<std::uint64_t> seqs;
    while (const EventView* event = cursor.next()) seqs.push_back(event->seq.value);
    return seqs;
}

// What the cursor handed out before it met the damage, and what it said then.
struct Met {
    std::size_t events = 0;
    std::string message;
};
Met read_until_error(const SqlLog& log, Window window = {}) {
    Met met;
    try {
        EventCursor cursor = log.reader(7).read(window);
        while (cursor.next() != nullptr) ++met.events;
    } catch (const Error& error) {
        met.message = error.what();
    }
    return met;
}

SqlLog& with_events(SqlLog& log, std::size_t count) {
    log.append(std::vector<Event>(count, make_event("ticked")));
    return log;
}

// Whether a TRUNCATE checkpoint finds no reader in its way.
bool nothing_is_pinned(SqlLog& log) {
    Statement checkpoint(log.writer(), "PRAGMA wal_checkpoint(TRUNCATE)");
    checkpoint.step();
    return checkpoint.integer(0) == 0;
}

}  // namespace

TEST_CASE("cursor: every field of an event comes back as it was stored") {
    SqlLog log;
    log.append(make_random_events(300, 5));
    EventCursor cursor = log.reader(50).read();
    for (const Event& event : log.events()) {
        const EventView* view = cursor.next();
        REQUIRE(view != nullptr);
        REQUIRE(view->to_event() == event);
    }
    CHECK(cursor.next() == nullptr);
    CHECK(cursor.next() == nullptr);
}

TEST_CASE("cursor: text with NUL, of no length and of many pages is handed out whole") {
    SqlLog log;
    std::vector<Event> events(3, make_event("x"));
    events[0].source = "";
    events[1].metadata = std::string("{\"a\":\"b\0c\"}", 11);
    events[2].payload = "\"" + std::string(9 << 20, 'p') + "\"";
    log.append(events);
    EventCursor cursor = log.reader().read();
    CHECK(cursor.next()->source.empty());
    CHECK(cursor.next()->metadata == events[1].metadata);
    CHECK(cursor.next()->payload == events[2].payload);
    CHECK(cursor.next() == nullptr);
}

TEST_CASE("cursor: it ends at the head of its birth, whatever is appended meanwhile") {
    SqlLog log;
    with_events(log, 10);
    EventCursor cursor = log.reader(4).read();
    REQUIRE(cursor.next() != nullptr);
    with_events(log, 10);
    std::size_t events = 1;
    while (cursor.next() != nullptr) ++events;
    CHECK(events == 10);
}

TEST_CASE("cursor: between two events it keeps no read transaction, so that -wal can be emptied") {
    SqlLog log;
    with_events(log, 500);
    EventCursor scan = log.reader(10).read();
    EventCursor merged = log.reader(10).read({.types = {TypePattern("ticked"), TypePattern("other")}});
    REQUIRE(scan.next() != nullptr);
    REQUIRE(merged.next() != nullptr);
    CHECK(nothing_is_pinned(log));
}

TEST_CASE("cursor: a limit counts from the end when it reads in reverse") {
    SqlLog log;
    with_events(log, 200);
    CHECK(seqs_of(log.reader().read({.limit = 3})) == std::vector<std::uint64_t>{1, 2, 3});
    CHECK(seqs_of(log.reader().read({.limit = 3, .reverse = true})) == std::vector<std::uint64_t>{200, 199, 198});
    CHECK(seqs_of(log.reader().read({.limit = 0})).empty());
}

TEST_CASE("cursor: a window beyond the head is empty") {
    SqlLog log;
    with_events(log, 5);
    CHECK(seqs_of(log.reader().read({.from_seq = Sequence{6}})).empty());
    CHECK(seqs_of(log.reader().read({.from_seq = Sequence{~std::uint64_t{0}}})).empty());
    CHECK(seqs_of(log.reader().read({.to_seq = Sequence{~std::uint64_t{0}}})).size() == 5);
}

TEST_CASE("cursor: an empty log has no events") {
    SqlLog log;
    CHECK(seqs_of(log.reader().read()).empty());
}

TEST_CASE("cursor: a seq that is missing is corrupt, after what comes before it was handed out") {
    SqlLog log;
    with_events(log, 60).damage("DELETE FROM events_log WHERE seq = 41");
    const Met met = read_until_error(log);
    CHECK(met.events == 40);
    CHECK_THAT(met.message, Catch::Contains("seq 41 is missing between 40 and 42") && Catch::Contains("[corrupt]"));
    const Met reverse = read_until_error(log, {.reverse = true});
    CHECK(reverse.events == 19);
    CHECK_THAT(reverse.message, Catch::Contains("seq 41 is missing between 40 and 42"));
}

TEST_CASE("cursor: an event missing at a filter's page border is not passed over in a scan") {
    SqlLog log;
    with_events(log, 60).damage("DELETE FROM events_log WHERE seq BETWEEN 7 AND 9");
    CHECK_THAT(read_until_error(log, {.source = "nobody"}).message, Catch::Contains("seq 7 is missing"));
}

TEST_CASE("cursor: a row with a column of another type is corrupt and named, never a crash") {
    const std::pair<const char*, const char*> damages[] = {
        {"UPDATE events_log SET type = x'00ff' WHERE seq = 5", "read event 5: its type is not text"},
        {"UPDATE events_log SET occurred_at = 'noon' WHERE seq = 5", "read event 5: its occurred_at is not an integer"},
        {"UPDATE events_log SET tags = 1.5 WHERE seq = 5", "read event 5: its tags is not text"},
        {"UPDATE events_log SET version = -4 WHERE seq = 5", "read event 5: its version is not positive"},
        {"UPDATE events_log SET digest = x'01' WHERE seq = 5", "read event 5: its digest is not 32 bytes"},
        {"UPDATE events_log SET metadata = x'' WHERE seq = 5", "read event 5: its metadata is not text"},
        {"UPDATE events_log SET correlation_id = x'41' WHERE seq = 5", "read event 5: its correlation_id is not text"}};
    for (const auto& [sql, message] : damages) {
        SqlLog log;
        with_events(log, 10);
        // A table without STRICT under the same name, as damage to its definition leaves it.
        log.damage("CREATE TABLE loose AS SELECT * FROM events_log");
        log.damage("DROP VIEW events");
        log.damage("DROP TABLE events_log");
        log.damage(
            "CREATE TABLE events_log (seq INTEGER PRIMARY KEY, event_id, type, event_version, stream, version,"
            " source, correlation_id, causation_id, occurred_at, recorded_at, tags, payload, metadata, salt,"
            " payload_hash, digest)");
        log.damage("INSERT INTO events_log SELECT * FROM loose");
        log.damage(sql);
        const Met met = read_until_error(log);
        CHECK(met.events == 4);
        CHECK_THAT(met.message, Catch::Contains(message));
    }
}

TEST_CASE("cursor: a payload that is missing is corrupt, unless an erasure names its event: then it reads as null") {
    SqlLog log;
    with_events(log, 3).damage("UPDATE events_log SET payload = NULL, salt = NULL WHERE seq = 2");
    CHECK_THAT(read_until_error(log).message, Catch::Contains("read event 2: its payload"));
    log.writer().execute("INSERT INTO erasures VALUES (2, 0, 'asked for')");
    EventCursor cursor = log.reader().read({.from_seq = Sequence{2}});
    CHECK(cursor.next()->payload == "null");
}

TEST_CASE("cursor: after its store was closed it hands out the rest of its page, then says closed") {
    const testkit::TempDirectory directory;
    EventStore store = EventStore::open(directory / "log.daybook", {.access = Access::create, .page_events = 2});
    for (int i = 0; i < 4; ++i) store.append(NewEvent{.type = "ticked"});
    EventCursor cursor = store.read();
    REQUIRE(cursor.next() != nullptr);
    store.close();
    CHECK(cursor.next()->seq == Sequence{2});
    CHECK_THROWS_WITH(static_cast<void>(cursor.next()), Catch::Contains("[closed]"));
}

TEST_CASE("results: all of them, a range, and those of one event come in the order of result_seq") {
    SqlLog log;
    with_events(log, 2);
    const auto add = [&log](std::uint64_t event, const char* handler, ResultStatus status,
                            std::vector<std::string> ids = {}) {
        EventResult row;
        row.event_seq = Sequence{event};
        row.event_id = "id-" + std::to_string(event);
        row.bus = "main";
        row.handler = handler;
        row.status = status;
        row.owner = "me";
        row.emitted = std::move(ids);
        log.append_result(row);
    };
    add(1, "z", ResultStatus::pending);
    add(2, "a", ResultStatus::pending);
    add(1, "a", ResultStatus::pending);
    add(1, "z", ResultStatus::completed, {"id-7", "id-8"});
    const EventReader reader = log.reader(2);
    const auto numbers = [&reader](ResultWindow window) {
        std::vector<std::uint64_t> seqs;
        ResultCursor cursor = reader.results(window);
        while (const EventResult* row = cursor.next()) seqs.push_back(row->result_seq.value);
        return seqs;
    };
    CHECK(numbers({}) == std::vector<std::uint64_t>{1, 2, 3, 4});
    CHECK(numbers({.from = ResultSequence{2}, .to = ResultSequence{3}}) == std::vector<std::uint64_t>{2, 3});
    CHECK(numbers({.event = Sequence{1}}) == std::vector<std::uint64_t>{1, 3, 4});
    CHECK(numbers({.from = ResultSequence{2}, .event = Sequence{1}}) == std::vector<std::uint64_t>{3, 4});
    const auto last = reader.results_of(Sequence{1}).back();
    CHECK(last.emitted == std::vector<std::string>{"id-7", "id-8"});
    CHECK(last.status == ResultStatus::completed);
    CHECK(last.digest == made_up_digest(4, 2));
    CHECK_THROWS_AS(numbers({.from = ResultSequence{3}, .to = ResultSequence{2}}), Error);
}

TEST_CASE("results: a result that is missing is corrupt") {
    SqlLog log;
    with_events(log, 1);
    EventResult row;
    row.event_seq = Sequence{1};
    row.event_id = "id-1";
    row.bus = "main";
    for (const char* handler : {"a", "b", "c"}) {
        row.handler = handler;
        log.append_result(row);
    }
    log.damage("DELETE FROM event_results_log WHERE result_seq = 2");
    ResultCursor cursor = log.reader().results();
    CHECK(cursor.next()->handler == "a");
    CHECK_THROWS_WITH(static_cast<void>(cursor.next()), Catch::Contains("result_seq 2 is missing"));
}
