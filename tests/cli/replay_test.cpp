// Tests of replay and state.
#include <catch2/catch.hpp>

#include <chrono>
#include <csignal>

#include "cli/game.hpp"
#include "event/json_schema.hpp"

using namespace daybook;
using namespace daybook::clitest;

namespace {

const std::string players_sql = R"(-- projection: players
-- version: 1
-- @init
CREATE TABLE player(name TEXT PRIMARY KEY, events INTEGER NOT NULL);
-- @on **
INSERT INTO player VALUES(:stream, 1) ON CONFLICT DO UPDATE SET events = events + 1;
)";

struct Played : Game {
    Played() {
        play();
        write_file(path("players.sql"), players_sql);
    }
    [[nodiscard]] std::vector<std::string> projection(std::vector<std::string> more = {}) const {
        more.insert(more.begin(), {"--projection", path("players.sql")});
        return more;
    }
};

}  // namespace

TEST_CASE("replay: the events of a window, in order, as export writes them") {
    const Played game;
    CHECK(game.out("replay") == game.out("export"));
    CHECK(game.out("replay", {"--stream", "player-7", "--speed", "max"}) ==
          game.out("export", {"--stream", "player-7"}));
    CHECK(game.out("replay", {"--reverse"}) == game.out("export", {"--reverse"}));
}

TEST_CASE("replay: in a table, rows that come one by one stay aligned with the widest before them") {
    const Game game;
    for (const std::string stream : {"a", "a-long-stream", "b"}) game.emit("t", "{}", {"--stream", stream});
    const auto rows = lines_of(game.out("replay", {"--speed", "1000", "--format", "table"}));
    REQUIRE(rows.size() == 5);
    CHECK(rows[4].find("  1  t") == rows[3].find("  1  t"));
}

TEST_CASE("replay: --snapshot of a window that is no prefix is 2, not a fold without its snapshot") {
    const Played game;
    for (const std::vector<std::string>& window :
         {std::vector<std::string>{"--type", "**"}, {"--stream", "player-7"}, {"--from-seq", "2"}, {"--limit", "1"}}) {
        std::vector<std::string> arguments = game.projection({"--snapshot"});
        arguments.insert(arguments.end(), window.begin(), window.end());
        const Ran ran = game.run("replay", arguments);
        INFO(window.front() << ": " << ran.err);
        CHECK(ran.exit == 2);
        CHECK(ran.err.find("--snapshot") != std::string::npos);
    }
    CHECK_FALSE(std::filesystem::exists(game.db() + ".snapshots"));
    CHECK(game.json("replay", game.projection({"--snapshot", "--to-seq", "2"}))["snapshot_saved"] == true);
}

TEST_CASE("replay: --into a directory that is not there is 5 and names the directory") {
    const Played game;
    const Ran ran = game.run("replay", game.projection({"--into", game.path("nowhere/state.sqlite")}));
    CHECK(ran.exit == 5);
    CHECK(ran.err.find("there is no directory " + game.path("nowhere")) != std::string::npos);
}

TEST_CASE("replay: --speed keeps the gaps, divided by it") {
    const Played game;
    const auto begun = std::chrono::steady_clock::now();
    game.out("replay", {"--speed", "10"});
    CHECK(std::chrono::steady_clock::now() - begun >= std::chrono::milliseconds(350));
}

TEST_CASE("replay: --max-gap shortens the waits, and SIGINT ends one with 130") {
    const Played game;
    game.emit("later", "{}", {"--at", "2027-01-31T12:00:00Z"});
    CHECK(lines_of(game.out("replay", {"--speed", "1", "--max-gap", "1ms"})).size() == 5);
    Running replay({"replay", game.db(), "--speed", "0.001"});
    CHECK(replay.wait_for_output([](const std::string& out) { return !out.empty(); }));
    replay.signal(SIGINT);
    CHECK(replay.finish().exit == 130);
}

TEST_CASE("replay: --step goes on line by line, and stops at q or at the end of the input") {
    const Played game;
    CHECK(lines_of(game.run("replay", {"--step"}, {.input = "\n\n"}).out).size() == 2);
    CHECK(lines_of(game.run("replay", {"--step"}, {.input = "\nq\n\n\n"}).out).size() == 1);
}

TEST_CASE("replay: combinations that mean nothing are 2") {
    const Played game;
    const std::vector<std::vector<std::string>> all{{"--speed", "0"},
                                                    {"--speed", "fast"},
                                                    {"--step", "--speed", "2"},
                                                    {"--max-gap", "2s"},
                                                    {"--into", "s"},
                                                    {"--replace"},
                                                    {"--snapshot"},
                                                    game.projection(),
                                                    game.projection({"--into", "s", "--speed", "2"}),
                                                    game.projection({"--into", "s", "--format", "json"}),
                                                    game.projection({"--snapshot", "--replace"}),
                                                    game.projection({"--into", "s", "--reverse"})};
    for (const auto& options : all) {
        const Ran ran = game.run("replay", options);
        INFO(ran.err);
        CHECK(ran.exit == 2);
    }
}

TEST_CASE("replay: --into makes a state that goes on from where it is") {
    const Played game;
    const std::string into = game.path("state.sqlite");
    const std::string first = game.out("replay", game.projection({"--into", into}));
    CHECK(schema_faults("replay", first) == "");
    CHECK(nlohmann::json::parse(first).at("events") == 4);
    game.emit("x", "{}", {"--stream", "player-7"});
    const auto next = game.json("replay", game.projection({"--into", into}));
    CHECK(next.at("events") == 1);
    CHECK(next.at("continued_from") == 4);
    CHECK(next.at("seq") == 5);
}

TEST_CASE("replay: --into something else is 5 without --replace, and it stays as it was") {
    const Played game;
    write_file(game.path("state.sqlite"), "mine");
    const Ran ran = game.run("replay", game.projection({"--into", game.path("state.sqlite")}));
    CHECK(ran.exit == 5);
    CHECK(ran.err.find("[target_exists]") != std::string::npos);
    CHECK(read_file(game.path("state.sqlite")) == "mine");
    CHECK(game.run("replay", game.projection({"--into", game.path("state.sqlite"), "--replace"})).exit == 0);
}

TEST_CASE("replay: --into the log itself is 5, --replace or not") {
    const Played game;
    const std::string before = game.fingerprint();
    CHECK(game.run("replay", game.projection({"--into", game.db(), "--replace"})).exit == 5);
    CHECK(game.fingerprint() == before);
}

TEST_CASE("state: the tables as JSON, at the head, at a seq and at a time") {
    const Played game;
    const std::string text = game.out("state", game.projection());
    CHECK(schema_faults("state", text) == "");
    const auto row = [](const std::string& name, int events) {
        return nlohmann::json{{"name", name}, {"events", events}};
    };
    CHECK(nlohmann::json::parse(text) == nlohmann::json{{"player", {row("player-7", 2), row("player-8", 2)}}});
    CHECK(game.json("state", game.projection({"--at-seq", "1"})) == nlohmann::json{{"player", {row("player-7", 1)}}});
    CHECK(game.json("state", game.projection({"--at", "2026-01-31T12:00:02Z"})) ==
          nlohmann::json{{"player", {row("player-7", 2), row("player-8", 1)}}});
    CHECK(game.json("state", game.projection({"--at", "2026-01-31", "--axis", "recorded"})) ==
          nlohmann::json{{"player", nlohmann::json::array()}});
}

TEST_CASE("state: --query gives an array of rows, and takes parameters") {
    const Played game;
    const auto rows = game.json(
        "state", game.projection({"--query", "SELECT events FROM player WHERE name = :n", "--param", "n=player-8"}));
    CHECK(rows == nlohmann::json::array({{{"events", 2}}}));
    CHECK(game.out("state", game.projection({"--query", "SELECT name FROM player", "--format", "csv"})) ==
          "name\r\nplayer-7\r\nplayer-8\r\n");
}

TEST_CASE("state: past the head is 3 and names the head") {
    const Played game;
    const Ran ran = game.run("state", game.projection({"--at-seq", "5"}));
    CHECK(ran.exit == 3);
    CHECK(ran.err.find("4") != std::string::npos);
    CHECK(ran.err.find("[past_the_head]") != std::string::npos);
}

TEST_CASE("state: a snapshot changes nothing but the speed") {
    const Played game;
    const std::string without = game.out("state", game.projection());
    CHECK(game.json("replay", game.projection({"--snapshot"})).at("snapshot_saved") == true);
    CHECK(game.out("state", game.projection()) == without);
    game.emit("x", "{}", {"--stream", "player-9"});
    CHECK(game.json("state", game.projection()).at("player").size() == 3);
    CHECK(game.json("state", game.projection({"--at-seq", "1"})).at("player").size() == 1);
}

TEST_CASE("state: combinations that mean nothing are 2") {
    const Played game;
    CHECK(game.run("state", game.projection({"--at-seq", "1", "--at", "2026-02-01"})).exit == 2);
    CHECK(game.run("state", game.projection({"--axis", "recorded"})).exit == 2);
    CHECK(game.run("state", game.projection({"--format", "csv"})).exit == 2);
    CHECK(game.run("state", game.projection({"--param", "a=1"})).exit == 2);
    CHECK(game.run("state", {}).exit == 2);
}

TEST_CASE("projection: one that calls random() is 3 and names file and line") {
    const Played game;
    write_file(
        game.path("players.sql"),
        "-- projection: p\n-- version: 1\n-- @init\nCREATE TABLE t(x);\n-- @on *\nINSERT INTO t VALUES(random());\n");
    for (const auto& arguments : {game.projection(), game.projection({"--into", game.path("s.sqlite")})}) {
        const Ran ran = game.run(arguments.size() == 2 ? "state" : "replay", arguments);
        INFO(ran.err);
        CHECK(ran.exit == 3);
        CHECK(ran.err.find("players.sql:6") != std::string::npos);
        CHECK(ran.err.find("[invalid_projection]") != std::string::npos);
    }
    CHECK_FALSE(std::filesystem::exists(game.path("s.sqlite")));
}

TEST_CASE("projection: one that fails half-way is 3, names the event, and leaves no half-applied event") {
    const Played game;
    write_file(
        game.path("players.sql"),
        "-- projection: p\n-- version: 1\n-- @init\nCREATE TABLE a(x);\nCREATE TABLE b(x CHECK (x < 3));\n-- @on *\n"
        "INSERT INTO a VALUES(:seq);\nINSERT INTO b VALUES(:seq);\n");
    const Ran ran = game.run("replay", game.projection({"--into", game.path("s.sqlite")}));
    INFO(ran.err);
    CHECK(ran.exit == 3);
    CHECK(ran.err.find("players.sql:8") != std::string::npos);
    CHECK(ran.err.find("3") != std::string::npos);
    CHECK(ran.err.find("[invalid_projection]") != std::string::npos);
    CHECK(game.run("state", game.projection()).exit == 3);
    CHECK(game.json("state", game.projection({"--at-seq", "2"})).at("a").size() == 2);
}

TEST_CASE("projection: a file that is not there is 5, one that is no projection 3") {
    const Played game;
    CHECK(game.run("state", {"--projection", game.path("none.sql")}).exit == 5);
    write_file(game.path("players.sql"), "SELECT 1;\n");
    CHECK(game.run("state", game.projection()).exit == 3);
}
