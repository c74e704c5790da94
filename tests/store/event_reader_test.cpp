#include <daybook/store/event_reader.hpp>

#include <catch2/catch.hpp>

#include <daybook/event/error.hpp>

#include "store/sql_log.hpp"

using namespace daybook;
using namespace daybook::test;

TEST_CASE("reader: an event is found by seq and by id") {
    SqlLog log;
    log.append(make_random_events(50, 1));
    const EventReader reader = log.reader();
    CHECK(reader.find(Sequence{7}) == log.events()[6]);
    CHECK(reader.find("id-7") == log.events()[6]);
    CHECK_FALSE(reader.find(Sequence{0}));
    CHECK_FALSE(reader.find(Sequence{51}));
    CHECK_FALSE(reader.find("nobody"));
    CHECK_FALSE(reader.find(""));
}

TEST_CASE("reader: it is pinned to its head in everything it answers") {
    SqlLog log;
    std::vector<Event> events(2, make_event("x", "s"));
    events[1].causation_id = "id-1";
    log.append(events);
    const EventReader before = log.reader();
    log.append(events = {make_event("x", "s")});
    CHECK(before.head().seq == Sequence{2});
    CHECK(before.stream_version("s") == Version{2});
    CHECK(log.reader().stream_version("s") == Version{3});
    CHECK_FALSE(before.find(Sequence{3}));
    CHECK_FALSE(before.find("id-3"));
    CHECK_THROWS_AS(before.position_at(Sequence{3}), Error);
    CHECK(before.last_recorded_before(Timestamp{99}) == Sequence{2});
}

TEST_CASE("reader: a stream without events has version 0") {
    SqlLog log;
    CHECK(log.reader().stream_version("none") == Version{0});
}

TEST_CASE("reader: the effects of an event come in seq order, a page at a time") {
    SqlLog log;
    std::vector<Event> events(10, make_event("x"));
    for (const std::size_t i : {2U, 5U, 9U}) events[i].causation_id = "id-1";
    log.append(events);
    const EventReader reader = log.reader();
    CHECK(reader.effects_of("id-1", Sequence{0}, 2) == std::vector<Sequence>{{3}, {6}});
    CHECK(reader.effects_of("id-1", Sequence{6}, 2) == std::vector<Sequence>{{10}});
    CHECK(reader.effects_of("id-1", Sequence{10}, 2).empty());
    CHECK(reader.effects_of("id-2", Sequence{0}, 2).empty());
}

TEST_CASE("reader: a position is the digest at its seq; before the first event it is zeros") {
    SqlLog log;
    log.append(std::vector<Event>(3, make_event("x")));
    const EventReader reader = log.reader();
    CHECK(reader.position_at(Sequence{0}) == Position{test_store_id(), Sequence{0}, Digest{}});
    CHECK(reader.position_at(Sequence{2}) == Position{test_store_id(), Sequence{2}, made_up_digest(2)});
    CHECK(reader.position_at(Sequence{3}) == reader.head().position());
    CHECK_THROWS_WITH(reader.position_at(Sequence{4}), Catch::Contains("seq 4: the log ends at 3 [past_the_head]"));
}

TEST_CASE("reader: recorded time becomes a seq, exactly, at every border") {
    SqlLog log;
    std::vector<Event> events;
    for (const int time : {10, 10, 20, 20, 20, 30}) events.push_back(make_event("x", "main", 0, time));
    log.append(events);
    const EventReader reader = log.reader();
    const std::pair<std::int64_t, std::uint64_t> expected[] = {{9, 0},  {10, 0}, {11, 2}, {20, 2},
                                                               {21, 5}, {30, 5}, {31, 6}};
    for (const auto& [time, seq] : expected) {
        CAPTURE(time);
        CHECK(reader.last_recorded_before(Timestamp{time}) == Sequence{seq});
    }
}

TEST_CASE("reader: it proves that all events occurred before a time, or does not claim it") {
    SqlLog log;
    std::vector<Event> events;
    for (int i = 0; i < 3'000; ++i) events.push_back(make_event("x", "main", i));
    log.append(events);
    const EventReader reader = log.reader();
    CHECK(reader.all_occurred_before(Sequence{1'024}, Timestamp{1'024}));
    CHECK_FALSE(reader.all_occurred_before(Sequence{1'024}, Timestamp{1'023}));
    // The last block says more than the events up to the seq: those are looked at themselves.
    CHECK(reader.all_occurred_before(Sequence{1'500}, Timestamp{1'500}));
    CHECK_FALSE(reader.all_occurred_before(Sequence{1'501}, Timestamp{1'500}));
    CHECK(reader.all_occurred_before(Sequence{0}, Timestamp{0}));
    CHECK_FALSE(reader.all_occurred_before(Sequence{3'001}, Timestamp{9'999}));
    log.writer().execute("DELETE FROM occurred_blocks WHERE block = 0");
    CHECK_FALSE(reader.all_occurred_before(Sequence{2'000}, Timestamp{9'999}));
}

TEST_CASE("reader: a window on the occurred axis misses nothing when a block's row is gone") {
    SqlLog log;
    std::vector<Event> events;
    for (int i = 0; i < 4'000; ++i) events.push_back(make_event("x", "main", i));
    log.append(events);
    log.writer().execute("DELETE FROM occurred_blocks WHERE block = 1");
    EventCursor cursor = log.reader().read({.from = Timestamp{1'500}, .to = Timestamp{1'600}});
    std::size_t count = 0;
    while (cursor.next() != nullptr) ++count;
    CHECK(count == 100);
}
