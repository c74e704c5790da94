#include <daybook/replay/paced_replay.hpp>

#include <cmath>

#include "replay/replay_kit.hpp"

using namespace daybook;
using namespace daybook::test;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

namespace {

// Occurred at 0 s, 10 s, 4 s, 5 s.
Log& sample(Log& log) {
    for (const std::int64_t at : {0, 10, 4, 5}) log.append({.type = "a", .occurred_at = Timestamp{at * 1'000'000'000}});
    return log;
}

struct Played {
    std::vector<std::uint64_t> seqs;
    std::vector<nanoseconds> at;  // since the beginning
    PacedReplayReport report;
};

Played play(const Log& log, const PacedReplayOptions& options, nanoseconds delivery = {}) {
    testkit::FakeClock clock;
    Played played;
    played.report = replay_paced(log.reader(), clock, options, [&](const EventView& event) {
        played.seqs.push_back(event.seq.value);
        played.at.push_back(clock.steady());
        clock.advance(delivery);
    });
    return played;
}

using Times = std::vector<nanoseconds>;

}  // namespace

TEST_CASE("paced replay: events come at the gaps at which they occurred; a gap that goes back is none") {
    Log log;
    const Played played = play(sample(log), {});
    CHECK(played.seqs == std::vector<std::uint64_t>{1, 2, 3, 4});
    CHECK(played.at == Times{seconds(0), seconds(10), seconds(10), seconds(11)});
    CHECK(played.report.events == 4);
    CHECK(played.report.waited == seconds(11));
    CHECK(played.report.last_seq == Sequence{4});
    CHECK_FALSE(played.report.stopped);
}

TEST_CASE("paced replay: speed scales the gaps, and max means no gap") {
    Log log;
    sample(log);
    CHECK(play(log, {.speed = 4}).at == Times{seconds(0), milliseconds(2500), milliseconds(2500), milliseconds(2750)});
    CHECK(play(log, {.speed = 0.5}).at.back() == seconds(22));
    CHECK(play(log, {.speed = PacedReplayOptions::max_speed}).at.back() == seconds(0));
}

TEST_CASE("paced replay: no gap is longer than max_gap, after scaling") {
    Log log;
    sample(log);
    CHECK(play(log, {.max_gap = seconds(2)}).at == Times{seconds(0), seconds(2), seconds(2), seconds(3)});
    CHECK(play(log, {.speed = 10, .max_gap = seconds(2)}).at.back() == milliseconds(1100));
}

TEST_CASE("paced replay: gaps may be those of the recorded axis") {
    Log log;
    CHECK(play(sample(log), {.axis = TimeAxis::recorded}).at == Times{seconds(0), seconds(1), seconds(2), seconds(3)});
}

TEST_CASE("paced replay: the time a delivery takes is not added to the gap, and is never made up for in a burst") {
    Log log;
    for (const std::int64_t at : {0, 10, 20, 21, 22})
        log.append({.type = "a", .occurred_at = Timestamp{at * 1'000'000'000}});
    CHECK(play(log, {}, seconds(3)).at == Times{seconds(0), seconds(10), seconds(20), seconds(23), seconds(26)});
}

TEST_CASE("paced replay: the widest gap there can be is waited for in slices, and can be stopped") {
    Log log;
    log.append({.type = "a", .occurred_at = Timestamp{std::numeric_limits<std::int64_t>::min()}});
    log.append({.type = "a", .occurred_at = Timestamp{std::numeric_limits<std::int64_t>::max()}});
    int asked = 0;
    const Played played = play(log, {.stopped = [&asked] { return ++asked > 12; }});
    CHECK(played.report.stopped);
    CHECK(played.report.events == 1);
    CHECK(played.report.waited == milliseconds(1100));
}

TEST_CASE("paced replay: step mode asks before each event instead of waiting, and stops when told to") {
    Log log;
    std::vector<std::uint64_t> asked;
    const Played played = play(sample(log), {.step = [&asked](const EventView& next) {
                                   asked.push_back(next.seq.value);
                                   return next.seq.value < 3;
                               }});
    CHECK(asked == std::vector<std::uint64_t>{1, 2, 3});
    CHECK(played.seqs == std::vector<std::uint64_t>{1, 2});
    CHECK(played.report.stopped);
    CHECK(played.report.waited == nanoseconds(0));
}

TEST_CASE("paced replay: a window is a window, also in reverse") {
    Log log;
    sample(log);
    CHECK(play(log, {.window = {.from_seq = Sequence{2}, .limit = 2}}).seqs == std::vector<std::uint64_t>{2, 3});
    const Played back = play(log, {.window = {.reverse = true}});
    CHECK(back.seqs == std::vector<std::uint64_t>{4, 3, 2, 1});
    CHECK(back.at == Times{seconds(0), seconds(1), seconds(1), seconds(11)});
}

TEST_CASE("paced replay: a speed of 0, a negative one or none, and a negative gap are refused") {
    Log log;
    for (const double speed : {0.0, -1.0, std::nan("")})
        refusal(ErrorCode::invalid_argument, [&] { (void)play(log, {.speed = speed}); });
    refusal(ErrorCode::invalid_argument, [&] { (void)play(log, {.max_gap = nanoseconds(-1)}); });
}

TEST_CASE("paced replay: what the receiver throws ends it and passes through") {
    Log log;
    sample(log);
    testkit::FakeClock clock;
    CHECK_THROWS_AS(replay_paced(log.reader(), clock, {}, [](const EventView&) { throw std::runtime_error("no"); }),
                    std::runtime_error);
}
