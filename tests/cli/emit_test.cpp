// Tests of `daybook emit` and `daybook init`.
#include <catch2/catch.hpp>

#include "cli/game.hpp"

using namespace daybook::clitest;

TEST_CASE("emit: makes the file and prints the committed event as one JSON line") {
    const Game game;
    const Ran ran = game.run("emit", {"player:joined", R"({"name": "Ada"})", "--stream", "player-7"});
    CHECK(ran.exit == 0);
    CHECK(ran.err.empty());
    REQUIRE(lines_of(ran.out).size() == 1);
    const auto event = nlohmann::json::parse(ran.out);
    CHECK(event.at("seq") == 1);
    CHECK(event.at("version") == 1);
    CHECK(event.at("type") == "player:joined");
    CHECK(event.at("payload") == nlohmann::json{{"name", "Ada"}});
    CHECK(event.at("occurred_at") == event.at("recorded_at"));
    CHECK(event.at("id").get<std::string>().size() == 36);
}

TEST_CASE("emit: every option reaches the event") {
    const Game game;
    const auto event = game.emit("player:moved", "[1]",
                                 {"--stream",
                                  "player-7",
                                  "--source",
                                  "server",
                                  "--id",
                                  "m1",
                                  "--at",
                                  "2018-06-14T17:00:00.5+02:00",
                                  "--caused-by",
                                  "c0",
                                  "--correlation",
                                  "run-1",
                                  "--event-version",
                                  "2",
                                  "--metadata",
                                  R"({"ip":"::1"})",
                                  "--tag",
                                  "b=2",
                                  "--tag",
                                  "a=x=y"});
    CHECK(event.at("source") == "server");
    CHECK(event.at("id") == "m1");
    CHECK(event.at("occurred_at") == "2018-06-14T15:00:00.500000000Z");
    CHECK(event.at("causation_id") == "c0");
    CHECK(event.at("correlation_id") == "run-1");
    CHECK(event.at("event_version") == "2");
    CHECK(event.at("metadata") == nlohmann::json{{"ip", "::1"}});
    CHECK(event.at("tags") == nlohmann::json{{"a", "x=y"}, {"b", "2"}});
}

TEST_CASE("emit: without a payload it is an empty object, with '-' it is standard input") {
    const Game game;
    CHECK(nlohmann::json::parse(game.out("emit", {"a"})).at("payload") == nlohmann::json::object());
    const Ran ran = game.run("emit", {"a", "-"}, {.input = " {\"x\": 1}\n"});
    CHECK(ran.exit == 0);
    CHECK(ran.out.find("\"payload\":{\"x\":1}") != std::string::npos);
}

TEST_CASE("emit: a bare number and null are payloads") {
    const Game game;
    CHECK(game.emit("a", "42").at("payload") == 42);
    CHECK(game.emit("a", "null").at("payload").is_null());
    CHECK(game.emit("a", "\"text\"").at("payload") == "text");
}

TEST_CASE("emit: integers beyond 64 bits and 17-digit floats are kept as written") {
    const Game game;
    const std::string payload = R"({"i":123456789012345678901234567890,"f":0.12345678901234567,"z":1.0,"e":1E+2})";
    CHECK(game.run("emit", {"a", payload}).out.find("\"payload\":" + payload) != std::string::npos);
    CHECK(game.out("show", {"1"}).find("\"payload\":" + payload) != std::string::npos);
    CHECK(game.out("export").find("\"payload\":" + payload) != std::string::npos);
}

TEST_CASE("emit: --caused-by joins the run of the cause, or begins one with the cause's id") {
    const Game game;
    game.emit("a", "{}", {"--id", "root"});
    game.emit("b", "{}", {"--id", "in-run", "--correlation", "run-1"});
    CHECK(game.emit("c", "{}", {"--caused-by", "root"}).at("correlation_id") == "root");
    CHECK(game.emit("c", "{}", {"--caused-by", "in-run"}).at("correlation_id") == "run-1");
    CHECK(game.emit("c", "{}", {"--caused-by", "elsewhere"}).at("correlation_id") == "elsewhere");
    CHECK(game.emit("c", "{}", {"--caused-by", "root", "--correlation", "mine"}).at("correlation_id") == "mine");
}

TEST_CASE("emit: the same id with the same content answers with the first event") {
    const Game game;
    const auto first = game.emit("a", R"({"x":1})", {"--id", "e1"});
    const auto again = game.emit("a", R"({ "x": 1 })", {"--id", "e1"});
    CHECK(first == again);
    CHECK(game.events() == 1);
}

TEST_CASE("emit: an id seen before with other content is a conflict and nothing is written") {
    const Game game;
    game.emit("a", R"({"x":1})", {"--id", "e1"});
    const Ran ran = game.run("emit", {"a", R"({"x":2})", "--id", "e1"});
    CHECK(ran.exit == 4);
    CHECK(ran.out.empty());
    CHECK(ran.err.find("daybook emit: ") == 0);
    CHECK(ran.err.find("'e1'") != std::string::npos);
    CHECK(ran.err.find("[idempotency_conflict]") != std::string::npos);
    CHECK(game.events() == 1);
}

TEST_CASE("emit: a wrong expected version is a conflict that names both versions") {
    const Game game;
    game.emit("a", "{}", {"--stream", "s"});
    const Ran ran = game.run("emit", {"a", "{}", "--stream", "s", "--expect", "7"});
    CHECK(ran.exit == 4);
    CHECK(ran.err.find("'s'") != std::string::npos);
    CHECK(ran.err.find("7") != std::string::npos);
    CHECK(ran.err.find("at 1") != std::string::npos);
    CHECK(ran.err.find("[version_conflict]") != std::string::npos);
    CHECK(game.events() == 1);
}

TEST_CASE("emit: --expect takes any, none, exists and N, and 0 is none") {
    const Game game;
    CHECK(game.run("emit", {"a", "{}", "--stream", "s", "--expect", "0"}).exit == 0);
    CHECK(game.run("emit", {"a", "{}", "--stream", "s", "--expect", "none"}).exit == 4);
    CHECK(game.run("emit", {"a", "{}", "--stream", "s", "--expect", "exists"}).exit == 0);
    CHECK(game.run("emit", {"a", "{}", "--stream", "s", "--expect", "2"}).exit == 0);
    CHECK(game.run("emit", {"a", "{}", "--stream", "t", "--expect", "exists"}).exit == 4);
    CHECK(game.run("emit", {"a", "{}", "--stream", "t", "--expect", "any"}).exit == 0);
    CHECK(game.run("emit", {"a", "{}", "--expect", "often"}).exit == 2);
    CHECK(game.events() == 4);
}

TEST_CASE("emit: an expectation that a new file cannot meet makes no file") {
    const Game game;
    const Ran ran = game.run("emit", {"a", "{}", "--expect", "exists"});
    CHECK(ran.exit == 4);
    CHECK(game.fingerprint().empty());
}

TEST_CASE("emit: a tag key given twice, or without a value's sign, is a usage error") {
    const Game game;
    const Ran twice = game.run("emit", {"a", "{}", "--tag", "k=1", "--tag", "k=1"});
    CHECK(twice.exit == 2);
    CHECK(twice.err.find("--tag k: this key is given twice") != std::string::npos);
    CHECK(game.run("emit", {"a", "{}", "--tag", "k"}).exit == 2);
    CHECK(game.fingerprint().empty());
}

TEST_CASE("emit: a tag whose value looks like a list stays one text") {
    const Game game;
    CHECK(game.emit("a", "{}", {"--tag", "k=[1,2]"}).at("tags").at("k") == "[1,2]");
}

TEST_CASE("emit: --durability normal is remembered by the file, another word is a usage error") {
    const Game game;
    game.emit("a");
    CHECK(game.json("stats", {"--format", "json"}).at("normal_durability_since").is_null());
    game.emit("a", "{}", {"--durability", "normal"});
    CHECK(game.json("stats", {"--format", "json"}).at("normal_durability_since").is_string());
    CHECK(game.run("emit", {"a", "{}", "--durability", "none"}).exit == 2);
}

TEST_CASE("init: makes the file, and leaves a daybook as it is") {
    const Game game;
    const auto made = game.json("init", {"--format", "json"});
    CHECK(made.at("created") == true);
    const auto again = game.json("init", {"--format", "json"});
    CHECK(again.at("created") == false);
    CHECK(again.at("store_id") == made.at("store_id"));
    CHECK(game.out("init", {"--format", "table"}).find("is a daybook already") != std::string::npos);
}
