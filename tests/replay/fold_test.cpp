#include <daybook/replay/fold.hpp>

#include <sys/resource.h>

#include <unistd.h>

#include <fstream>

#include <daybook/replay/moment.hpp>

#include "replay/replay_kit.hpp"

using namespace daybook;
using namespace daybook::test;
using Catch::Matchers::Contains;

namespace {

void concatenate(std::string& state, const EventView& event) {
    state += std::to_string(event.seq.value) + " ";
}

SnapshotCodec<std::string> text_codec() {
    return {.projection = "seqs",
            .version = "1",
            .encode = [](const std::string& state) { return state; },
            .decode = [](std::string_view bytes) { return std::string(bytes); }};
}

// Bytes of this process that are in memory now.
std::size_t resident_bytes() {
    std::ifstream statm("/proc/self/statm");
    std::size_t pages = 0;
    std::size_t resident = 0;
    statm >> pages >> resident;
    return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace

TEST_CASE("fold: the events of a window go into the state in seq order") {
    Log log;
    log.append_numbered(5);
    const auto folded =
        fold(log.reader(), {.from_seq = Sequence{2}, .to_seq = Sequence{4}}, std::string(), concatenate);
    CHECK(folded.state == "2 3 4 ");
    CHECK(folded.events == 3);
    CHECK(folded.position == log.reader().position_at(Sequence{4}));
}

TEST_CASE("fold: the position of a filtered or limited fold is as far as it has looked") {
    Log log;
    log.append_numbered(3).append({.type = "x"});
    CHECK(fold(log.reader(), {.types = {TypePattern("Counted")}}, std::string(), concatenate).position.seq ==
          Sequence{4});
    CHECK(fold(log.reader(), {.limit = 2}, std::string(), concatenate).position.seq == Sequence{2});
}

TEST_CASE("fold: reverse is refused") {
    Log log;
    refusal(ErrorCode::invalid_argument,
            [&] { (void)fold(log.reader(), {.reverse = true}, std::string(), concatenate); });
}

TEST_CASE("fold: it is cancelled between two events") {
    Log log;
    log.append_numbered(5);
    int asked = 0;
    int applied = 0;
    FoldOptions<int> options;
    options.hooks.cancelled = [&asked] { return ++asked > 2; };
    refusal(ErrorCode::cancelled, [&] {
        (void)fold(
            log.reader(), {}, 0, [&applied](int&, const EventView&) { ++applied; }, options);
    });
    CHECK(applied == 2);
}

TEST_CASE("fold: what the function throws passes through") {
    Log log;
    log.append_numbered(1);
    CHECK_THROWS_AS((void)fold(log.reader(), {}, 0, [](int&, const EventView&) { throw std::runtime_error("no"); }),
                    std::runtime_error);
}

TEST_CASE("fold: from a snapshot it gives the same state as from scratch") {
    Log log;
    log.append_numbered(8);
    SnapshotFile snapshots(log.path());
    FoldOptions<std::string> options{.snapshots = &snapshots, .codec = text_codec(), .save_snapshot = true};
    CHECK(fold(log.reader(), {.to_seq = Sequence{5}}, std::string(), concatenate, options).snapshot_saved);
    const auto folded = fold(log.reader(), {}, std::string(), concatenate, options);
    CHECK(folded.from_snapshot == Sequence{5});
    CHECK(folded.events == 3);
    CHECK(folded.state == fold(log.reader(), {}, std::string(), concatenate).state);
    CHECK(snapshots.find(text_codec().key(), log.store().store_id(), Sequence{8}, [](const Position&) { return true; })
              ->events == 8);
}

TEST_CASE("fold: another version or source of a fold has snapshots of its own") {
    Log log;
    log.append_numbered(3);
    SnapshotFile snapshots(log.path());
    FoldOptions<std::string> options{.snapshots = &snapshots, .codec = text_codec(), .save_snapshot = true};
    (void)fold(log.reader(), {}, std::string(), concatenate, options);
    options.codec->version = "2";
    CHECK_FALSE(fold(log.reader(), {}, std::string(), concatenate, options).from_snapshot);
    options.codec->version = "1";
    options.codec->source = "changed";
    CHECK_FALSE(fold(log.reader(), {}, std::string(), concatenate, options).from_snapshot);
}

TEST_CASE("fold: a snapshot that cannot be decoded is ignored with a note") {
    Log log;
    log.append_numbered(3);
    SnapshotFile snapshots(log.path());
    FoldOptions<std::string> options{.snapshots = &snapshots, .codec = text_codec(), .save_snapshot = true};
    (void)fold(log.reader(), {}, std::string(), concatenate, options);
    options.codec->decode = [](std::string_view) -> std::string { throw std::runtime_error("not my bytes"); };
    std::vector<std::string> notes;
    options.hooks.note = [&notes](const std::string& note) { notes.push_back(note); };
    const auto folded = fold(log.reader(), {}, std::string(), concatenate, options);
    CHECK(folded.state == "1 2 3 ");
    CHECK_FALSE(folded.from_snapshot);
    REQUIRE(notes.size() == 1);
    CHECK_THAT(notes[0], Contains("not my bytes"));
}

TEST_CASE("fold: 100,000 events are folded in flat memory") {
    Log log;
    std::vector<NewEvent> batch;
    const std::string payload = R"({"text":")" + std::string(400, 'x') + "\"}";
    for (int i = 0; i < 100; ++i) {
        batch.assign(1000, NewEvent{.type = "filled", .payload = payload});
        log.store().append({.events = batch});
    }
    const EventReader reader = log.reader();
    const auto count = [](std::uint64_t& bytes, const EventView& event) { bytes += event.payload.size(); };
    // The first thousand fill the caches of the connection.
    (void)fold(reader, {.to_seq = Sequence{1000}}, std::uint64_t{0}, count);
    const std::size_t before = resident_bytes();
    std::size_t most = before;
    FoldOptions<std::uint64_t> options;
    options.hooks.progress = [&most](const ReplayProgress&) { most = std::max(most, resident_bytes()); };
    const auto folded = fold(reader, {}, std::uint64_t{0}, count, options);
    CHECK(folded.state == 100'000 * payload.size());
    // The log holds 41 MB of payloads; page caches are allowed 24 MB. ThreadSanitizer keeps what it knows of each byte in
    // resident memory too.
#if !defined(__SANITIZE_THREAD__)
    CHECK(most - before < std::size_t{24} << 20);
#endif
}
