// A projection in SQL, and the state as it was: at a sequence, at a moment, from a snapshot.
#include <fmt/format.h>

#include <exception>

#include <daybook/replay/moment.hpp>
#include <daybook/replay/sql_fold.hpp>
#include <daybook/store/event_store.hpp>

namespace {

using namespace daybook;

constexpr std::string_view scoreboard = R"sql(-- projection: scoreboard
-- version: 1
-- @init
CREATE TABLE score (player TEXT PRIMARY KEY, points INTEGER NOT NULL);
-- @on player:scored
INSERT INTO score VALUES (:stream, :payload->>'$.points')
ON CONFLICT DO UPDATE SET points = points + excluded.points;
)sql";

std::int64_t points_of(StateDatabase& state, const std::string& player) {
    StateRows rows = state.query("SELECT points FROM score WHERE player = :player", {{"player", player}});
    const auto* row = rows.next();
    return row == nullptr ? 0 : std::get<std::int64_t>(row->at(0));
}

}  // namespace

int main(int argc, char** argv) try {
    const std::string path = argc > 1 ? argv[1] : "scores.db";
    EventStore store = EventStore::open(path, {.access = Access::create});
    for (int minute = 1; minute <= 5; ++minute)
        store.append({.type = "player:scored",
                      .payload = R"({"points":10})",
                      .stream = "ada",
                      .occurred_at = Timestamp::parse(fmt::format("2026-01-31T12:0{}:00Z", minute))});

    const Projection projection = Projection::parse(scoreboard, "scoreboard.sql");
    const EventReader reader = store.reader();

    Projected now = project(reader, projection);
    Projected third = project(reader, projection, {.window = window_at(reader, Sequence{3})});
    Projected noon = project(reader, projection, {.window = window_at(Timestamp::parse("2026-01-31T12:02:30Z"))});
    fmt::print("now {}, after the third event {}, at 12:02:30 {}\n", points_of(now.state, "ada"),
               points_of(third.state, "ada"), points_of(noon.state, "ada"));

    // A snapshot makes the next replay shorter and changes nothing else.
    SnapshotFile snapshots(path);
    (void)project(reader, projection,
                  {.window = window_at(reader, Sequence{4}), .snapshots = &snapshots, .save_snapshot = true});
    Projected fast = project(reader, projection, {.snapshots = &snapshots});
    fmt::print("with the snapshot at seq {}: {} event replayed, {} points\n", fast.report.from_snapshot->value,
               fast.report.events, points_of(fast.state, "ada"));
    return points_of(now.state, "ada") == 50 && points_of(third.state, "ada") == 30 &&
                   points_of(noon.state, "ada") == 20 && points_of(fast.state, "ada") == 50
               ? 0
               : 1;
} catch (const std::exception& error) {
    fmt::print(stderr, "time_travel: {}\n", error.what());
    return 1;
}
