#include <daybook/replay/snapshot_use.hpp>

#include <daybook/replay/moment.hpp>

#include "replay/replay_kit.hpp"

using namespace daybook;
using namespace daybook::test;
using Catch::Matchers::Contains;

namespace {

const SnapshotKey key{.projection = "p", .version = "1", .source_hash = {}};

// Recorded in this order, occurred at 100, 300, 200.
Log& out_of_order(Log& log) {
    for (const std::int64_t at : {100, 300, 200}) log.append({.type = "a", .occurred_at = Timestamp{at}});
    return log;
}

}  // namespace

TEST_CASE("snapshot use: the end of a window is the head, to_seq, or the last recorded before its time") {
    Log log;
    log.append_numbered(5);
    const EventReader reader = log.reader();
    CHECK(last_seq_of(reader, {}) == Sequence{5});
    CHECK(last_seq_of(reader, {.to_seq = Sequence{3}}) == Sequence{3});
    CHECK(last_seq_of(reader, {.to_seq = Sequence{9}}) == Sequence{5});
    CHECK(last_seq_of(reader, window_at(reader.find(Sequence{2})->recorded_at, TimeAxis::recorded)) == Sequence{2});
    CHECK(last_seq_of(reader, window_at(Timestamp{0})) == Sequence{5});
}

TEST_CASE("snapshot use: only an unfiltered window from the beginning is a prefix") {
    CHECK(is_prefix({}));
    CHECK(is_prefix({.from_seq = Sequence{1}, .to_seq = Sequence{5}}));
    CHECK(is_prefix({.to = Timestamp{5}}));
    CHECK_FALSE(is_prefix({.from_seq = Sequence{2}}));
    CHECK_FALSE(is_prefix({.from = Timestamp{5}}));
    CHECK_FALSE(is_prefix({.types = {TypePattern("a")}}));
    CHECK_FALSE(is_prefix({.stream = "a"}));
    CHECK_FALSE(is_prefix({.source = "a"}));
    CHECK_FALSE(is_prefix({.correlation_id = "a"}));
    CHECK_FALSE(is_prefix({.causation_id = "a"}));
    CHECK_FALSE(is_prefix({.tags = {{"a", "b"}}}));
    CHECK_FALSE(is_prefix({.limit = 5}));
    CHECK_FALSE(is_prefix({.reverse = true}));
}

TEST_CASE("snapshot use: on the occurred axis one serves only if nothing in it is later") {
    Log log;
    const EventReader reader = out_of_order(log).reader();
    const auto serves = [&](std::uint64_t seq, std::int64_t at) {
        return snapshot_serves(reader, window_at(Timestamp{at}), reader.position_at(Sequence{seq}));
    };
    CHECK(serves(3, 300));
    CHECK_FALSE(serves(3, 299));
    CHECK_FALSE(serves(2, 250));
    CHECK_FALSE(serves(1, 99));
}

TEST_CASE("snapshot use: on the recorded axis one serves up to its seq") {
    Log log;
    const EventReader reader = out_of_order(log).reader();
    const Window window = window_at(reader.find(Sequence{2})->recorded_at, TimeAxis::recorded);
    CHECK(snapshot_serves(reader, window, reader.position_at(Sequence{2})));
    CHECK_FALSE(snapshot_serves(reader, window, reader.position_at(Sequence{3})));
}

TEST_CASE("snapshot use: a position of another history or store, or past the head, never serves") {
    Log log;
    log.append_numbered(3);
    const EventReader reader = log.reader();
    Position position = reader.position_at(Sequence{2});
    CHECK(snapshot_serves(reader, {}, position));
    Position other = position;
    other.digest.bytes[0] ^= std::byte{1};
    CHECK_FALSE(snapshot_serves(reader, {}, other));
    other = position;
    other.store_id.bytes[0] ^= std::byte{1};
    CHECK_FALSE(snapshot_serves(reader, {}, other));
    other = position;
    other.seq = Sequence{4};
    CHECK_FALSE(snapshot_serves(reader, {}, other));
    CHECK_FALSE(snapshot_serves(reader, {}, reader.position_at(Sequence{0})));
}

TEST_CASE("snapshot use: a diverged snapshot is ignored with a note, and an older one serves") {
    Log log;
    log.append_numbered(5);
    const EventReader reader = log.reader();
    SnapshotFile snapshots(log.path());
    REQUIRE(snapshots.save(key, {reader.position_at(Sequence{2}), 2, "two"}));
    Position diverged = reader.position_at(Sequence{4});
    diverged.digest.bytes[5] ^= std::byte{1};
    REQUIRE(snapshots.save(key, {diverged, 4, "four of another history"}));
    std::vector<std::string> notes;
    const ReplayHooks hooks{.note = [&notes](const std::string& note) { notes.push_back(note); }};
    const auto found = find_snapshot(reader, {}, snapshots, key, hooks);
    REQUIRE(found);
    CHECK(found->state == "two");
    REQUIRE(notes.size() == 1);
    CHECK_THAT(notes[0], Contains("seq 4 belongs to another history"));
}

TEST_CASE("snapshot use: a filtered fold gets none") {
    Log log;
    log.append_numbered(2);
    const EventReader reader = log.reader();
    SnapshotFile snapshots(log.path());
    REQUIRE(snapshots.save(key, {reader.position_at(Sequence{2}), 2, "two"}));
    CHECK_FALSE(find_snapshot(reader, {.stream = "main"}, snapshots, key));
    CHECK(find_snapshot(reader, {}, snapshots, key));
}
