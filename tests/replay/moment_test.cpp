#include <daybook/replay/moment.hpp>

#include <limits>

#include "replay/replay_kit.hpp"

using namespace daybook;
using namespace daybook::test;
using Catch::Matchers::Contains;

namespace {

std::vector<std::uint64_t> seqs(const EventReader& reader, const Window& window) {
    std::vector<std::uint64_t> result;
    EventCursor cursor = reader.read(window);
    while (const EventView* event = cursor.next()) result.push_back(event->seq.value);
    return result;
}

}  // namespace

TEST_CASE("moment: a seq is included; past the head is an error that names both") {
    Log log;
    log.append_numbered(3);
    CHECK(seqs(log.reader(), window_at(log.reader(), Sequence{2})) == std::vector<std::uint64_t>{1, 2});
    CHECK(seqs(log.reader(), window_at(log.reader(), Sequence{0})).empty());
    const std::string message = refusal(ErrorCode::past_the_head, [&] { (void)window_at(log.reader(), Sequence{4}); });
    CHECK_THAT(message, Contains("seq 4") && Contains("seq 3"));
}

TEST_CASE("moment: a time is included, to the nanosecond, on the axis asked for") {
    Log log;
    log.append({.type = "a", .occurred_at = Timestamp{100}});
    log.append({.type = "b", .occurred_at = Timestamp{300}});
    log.append({.type = "c", .occurred_at = Timestamp{200}});
    const EventReader reader = log.reader();
    CHECK(seqs(reader, window_at(Timestamp{199})) == std::vector<std::uint64_t>{1});
    CHECK(seqs(reader, window_at(Timestamp{200})) == std::vector<std::uint64_t>{1, 3});
    CHECK(seqs(reader, window_at(Timestamp{std::numeric_limits<std::int64_t>::max()})).size() == 3);
    const Timestamp second = reader.find(Sequence{2})->recorded_at;
    CHECK(seqs(reader, window_at(second, TimeAxis::recorded)) == std::vector<std::uint64_t>{1, 2});
    CHECK(seqs(reader, window_at(Timestamp{second.ns - 1}, TimeAxis::recorded)) == std::vector<std::uint64_t>{1});
}
