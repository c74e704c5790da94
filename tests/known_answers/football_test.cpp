// 64 football matches: every line stored as it was, and the recorded scores found again by a SQL projection.
#include <catch2/catch.hpp>

#include <map>

#include <fmt/format.h>

#include <daybook/event/json_nlohmann.hpp>
#include <daybook/replay/sql_fold.hpp>

#include "data_dir.hpp"
#include "source_lines.hpp"

namespace daybook {
namespace {

constexpr std::size_t all_lines = 101'759;

// Goals by match, period and team; an own goal stands under the team that made it.
constexpr std::string_view scores_sql = R"(-- projection: scores
-- version: 1
-- @init
CREATE TABLE team(match TEXT, team INTEGER, PRIMARY KEY(match, team)) WITHOUT ROWID;
CREATE TABLE goal(match TEXT, team INTEGER, shoot_out INTEGER, own INTEGER, event TEXT);
-- @on *
INSERT INTO team SELECT :stream, :payload->>'$.teamId' WHERE true ON CONFLICT DO NOTHING;
-- @on Shot, "Free Kick"
INSERT INTO goal SELECT :stream, :payload->>'$.teamId', :payload->>'$.matchPeriod' = 'P', 0, :id
 WHERE EXISTS (SELECT 1 FROM json_each(:payload, '$.tags') WHERE value->>'$.id' = 101);
-- @on **
INSERT INTO goal SELECT :stream, :payload->>'$.teamId', 0, 1, :id
 WHERE :payload->>'$.matchPeriod' <> 'P'
   AND EXISTS (SELECT 1 FROM json_each(:payload, '$.tags') WHERE value->>'$.id' = 102);
)";

constexpr std::string_view score_query =
    "SELECT t.match, t.team, (SELECT count(*) FROM goal g WHERE g.match = t.match AND g.shoot_out = 0 "
    "AND (g.team = t.team) = (g.own = 0)) AS goals, (SELECT count(*) FROM goal g WHERE g.match = t.match "
    "AND g.team = t.team AND g.shoot_out = 1) AS penalties FROM team t";

struct Score {
    std::int64_t goals = 0;
    std::int64_t penalties = 0;
    bool operator==(const Score&) const = default;
};
using Scores = std::map<std::pair<std::string, std::int64_t>, Score>;

void read_scores(StateDatabase& state, Scores& scores) {
    StateRows rows = state.query(score_query);
    while (const auto* row = rows.next())
        scores[{std::get<std::string>(row->at(0)), std::get<std::int64_t>(row->at(1))}] = {
            std::get<std::int64_t>(row->at(2)), std::get<std::int64_t>(row->at(3))};
}

nlohmann::json matches_of(const std::filesystem::path& folder) {
    std::string text;
    for (const std::string& line : source_lines(folder / "matches.json.gz")) text += line;
    return parse_json(text);
}

TEST_CASE("football: all 101,759 lines are appended, each with its time and its id", "[football]") {
    const auto folder = data_folder("football-worldcup-2018");
    if (!folder) return;
    const Football& football = Football::in(*folder);
    CHECK(
        to_json(football.summary) ==
        R"({"read":101759,"appended":101759,"already_there":0,"skipped":0,"without_time":0,"without_id":0,"first_seq":1,"last_seq":101759})");
    CHECK(football.store.head().seq.value == all_lines);
}

TEST_CASE("football: every payload is the source's bytes without white space, under the source's id and time",
          "[football]") {
    const auto folder = data_folder("football-worldcup-2018");
    if (!folder) return;
    const Football& football = Football::in(*folder);
    std::size_t same = 0;
    std::size_t at = 0;
    each_event(football.store, [&](const EventView& event) {
        const std::string& line = football.lines.at(at);
        if (event.payload == without_white_space(line) && event.stream == value_after(line, "matchId") &&
            event.type == value_after(line, "eventName") && event.occurred_at == football.times.at(at) &&
            line.find("\"id\":" + std::string(event.id) + "}") != std::string::npos)
            ++same;
        ++at;
    });
    CHECK(same == all_lines);
}

TEST_CASE("football: the counts by type are the README's", "[football]") {
    const auto folder = data_folder("football-worldcup-2018");
    if (!folder) return;
    const Football& football = Football::in(*folder);
    std::map<std::string, int, std::less<>> counts;
    std::map<std::string, std::uint64_t, std::less<>> versions;
    each_event(football.store, [&](const EventView& event) {
        ++counts[std::string(event.type)];
        CHECK_NOFAIL(event.version.value == ++versions[std::string(event.stream)]);
    });
    CHECK(counts == std::map<std::string, int, std::less<>>{{"Pass", 56457},
                                                            {"Duel", 25927},
                                                            {"Others on the ball", 9282},
                                                            {"Free Kick", 5964},
                                                            {"Foul", 1766},
                                                            {"Shot", 1419},
                                                            {"Save attempt", 560},
                                                            {"Goalkeeper leaving line", 212},
                                                            {"Offside", 172}});
    CHECK(versions.size() == 64);
}

TEST_CASE("football: importing it a second time adds nothing", "[football]") {
    const auto folder = data_folder("football-worldcup-2018");
    if (!folder) return;
    Football& football = Football::in(*folder);
    const ImportSummary again = import_file(football.store, football.prepared, {.mapping = Football::mapping()});
    CHECK(again.already_there == all_lines);
    CHECK(again.appended == 0);
    CHECK(football.store.head().seq.value == all_lines);
}

TEST_CASE("football: a SQL projection gives 64 of 64 final scores, 4 of 4 shoot-outs and 169 goals, 12 of them own",
          "[football]") {
    const auto folder = data_folder("football-worldcup-2018");
    if (!folder) return;
    const Football& football = Football::in(*folder);
    Projected projected = project(football.store.reader(), Projection::parse(scores_sql, "scores.sql"));
    CHECK(projected.report.events == all_lines);
    Scores scores;
    read_scores(projected.state, scores);
    int right = 0;
    int shoot_outs = 0;
    for (const auto& match : matches_of(*folder)) {
        const std::string id = std::to_string(match.at("wyId").get<std::int64_t>());
        const std::string duration = match.at("duration").get<std::string>();
        bool same = true;
        bool same_penalties = true;
        for (const auto& [key, team] : match.at("teamsData").items()) {
            const Score& score = scores[{id, std::stoll(key)}];
            same = same && score.goals == team.at(duration == "Regular" ? "score" : "scoreET").get<std::int64_t>();
            same_penalties = same_penalties && score.penalties == team.at("scoreP").get<std::int64_t>();
        }
        right += same ? 1 : 0;
        shoot_outs += duration == "Penalties" && same_penalties ? 1 : 0;
    }
    CHECK(right == 64);
    CHECK(shoot_outs == 4);
    StateRows totals = projected.state.query("SELECT count(*), sum(own) FROM goal WHERE shoot_out = 0");
    const auto* row = totals.next();
    REQUIRE(row != nullptr);
    CHECK(std::get<std::int64_t>(row->at(0)) == 169);
    CHECK(std::get<std::int64_t>(row->at(1)) == 12);
}

TEST_CASE("football: a window of an hour from kick-off gives 64 of 64 half-time scores", "[football]") {
    const auto folder = data_folder("football-worldcup-2018");
    if (!folder) return;
    const Football& football = Football::in(*folder);
    const Projection projection = Projection::parse(scores_sql, "scores.sql");
    const EventReader reader = football.store.reader();
    int right = 0;
    for (const auto& match : matches_of(*folder)) {
        const std::string id = std::to_string(match.at("wyId").get<std::int64_t>());
        std::string start = match.at("dateutc").get<std::string>();
        start[10] = 'T';
        const Timestamp kick_off = Timestamp::parse(start + "Z");
        Projected half =
            project(reader, projection,
                    {.window = {.from = kick_off, .to = Timestamp{kick_off.ns + 3'600'000'000'000}, .stream = id}});
        Scores scores;
        read_scores(half.state, scores);
        bool same = scores.size() == 2;
        for (const auto& [key, team] : match.at("teamsData").items())
            same = same && scores[{id, std::stoll(key)}].goals == team.at("scoreHT").get<std::int64_t>();
        right += same ? 1 : 0;
    }
    CHECK(right == 64);
}

}  // namespace
}  // namespace daybook
