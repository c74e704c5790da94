// Tests of `daybook query`: values, formats, parameters, and the SQL that is not let through.
#include <catch2/catch.hpp>

#include "cli/game.hpp"
#include "event/json_schema.hpp"

using namespace daybook;
using namespace daybook::clitest;

TEST_CASE("query: rows are objects; TEXT stays a string, BLOB is lower-case hex, REAL reads back") {
    const Game game;
    game.play();
    const std::string text =
        game.out("query", {"SELECT 1 AS i, 0.1 AS r, '7' AS t, x'00FF' AS b, NULL AS n, '{\"a\":1}' AS j"});
    CHECK(schema_faults("rows", text) == "");
    const auto row = nlohmann::json::parse(text).at(0);
    CHECK(row.at("i") == 1);
    CHECK(row.at("r").get<double>() == 0.1);
    CHECK(row.at("t") == "7");
    CHECK(row.at("b") == "00ff");
    CHECK(row.at("n").is_null());
    CHECK(row.at("j") == "{\"a\":1}");
}

TEST_CASE("query: the real tables and the views for people answer") {
    const Game game;
    game.play();
    CHECK(game.json("query", {"SELECT count(*) AS n FROM events_log"}).at(0).at("n") == 4);
    CHECK(game.json("query", {"SELECT occurred_at FROM events WHERE seq = 4"}).at(0).at("occurred_at") ==
          "2026-01-31T12:00:03.500000000Z");
    CHECK(game.json("query", {"SELECT count(*) AS n FROM event_results_log"}).at(0).at("n") == 0);
    CHECK(
        game.json("query", {"SELECT payload->>'$.name' AS name FROM events_log WHERE type = 'player:joined'"}).size() ==
        2);
}

TEST_CASE("query: parameters are bound, a number as a number") {
    const Game game;
    game.play();
    const std::string sql = "SELECT seq FROM events_log WHERE stream = :stream AND seq > :after";
    CHECK(game.json("query", {sql, "--param", "stream=player-7", "--param", "after=1"}).at(0).at("seq") == 3);
    CHECK(game.json("query", {"SELECT typeof(:a) AS a, typeof(:b) AS b", "--param", "a=7", "--param", ":b=07"}).at(0) ==
          nlohmann::json{{"a", "integer"}, {"b", "text"}});
}

TEST_CASE("query: a parameter that is missing or unknown is 3, one without '=' or twice is 2") {
    const Game game;
    game.play();
    CHECK(game.run("query", {"SELECT :a"}).exit == 3);
    CHECK(game.run("query", {"SELECT 1", "--param", "a=1"}).exit == 3);
    CHECK(game.run("query", {"SELECT :a", "--param", "a"}).exit == 2);
    CHECK(game.run("query", {"SELECT :a", "--param", "a=1", "--param", "a=2"}).exit == 2);
}

TEST_CASE("query: the same rows as a table, CSV and JSON Lines") {
    const Game game;
    game.play();
    const std::string sql = "SELECT seq, stream FROM events_log ORDER BY seq LIMIT 2";
    CHECK(game.out("query", {sql, "--format", "table"}) ==
          "seq  stream\n───  ────────\n  1  player-7\n  2  player-8\n");
    CHECK(game.out("query", {sql, "--format", "csv"}) == "seq,stream\r\n1,player-7\r\n2,player-8\r\n");
    CHECK(game.out("query", {sql, "--format", "jsonl"}) ==
          "{\"seq\":1,\"stream\":\"player-7\"}\n{\"seq\":2,\"stream\":\"player-8\"}\n");
}

TEST_CASE("query: SQL that writes, attaches, loads or copies is 3 and nothing is written") {
    const Game game;
    game.play();
    const std::string before = game.fingerprint();
    for (const std::string& sql : {std::string("DELETE FROM events_log"),
                                   std::string("INSERT INTO checkpoints VALUES('x',1,x'00',1,x'00',1)"),
                                   std::string("UPDATE events_log SET type = 'x'"),
                                   std::string("CREATE TABLE t(x)"),
                                   std::string("CREATE TEMP TABLE t(x)"),
                                   std::string("DROP TRIGGER events_log_no_delete"),
                                   std::string("PRAGMA journal_mode=DELETE"),
                                   std::string("PRAGMA user_version=9"),
                                   "ATTACH '" + game.path("other.db") + "' AS other",
                                   "VACUUM INTO '" + game.path("copy.db") + "'",
                                   std::string("VACUUM"),
                                   std::string("SELECT load_extension('/tmp/x.so')"),
                                   std::string("BEGIN IMMEDIATE"),
                                   std::string("SELECT 1; SELECT 2"),
                                   std::string("SELECT 1; DELETE FROM events_log"),
                                   std::string("SELEC 1"),
                                   std::string(""),
                                   std::string("-- nothing"),
                                   std::string("SELECT fts3_tokenizer('simple')"),
                                   std::string("SELECT * FROM nowhere")}) {
        const Ran ran = game.run("query", {sql});
        INFO(sql << ": " << ran.err);
        CHECK(ran.exit == 3);
        CHECK(ran.out.empty());
        CHECK(ran.err.find("daybook query: ") == 0);
        CHECK(ran.err.find("[invalid_sql]") != std::string::npos);
        CHECK(game.fingerprint() == before);
    }
    CHECK(game.events() == 4);
}

TEST_CASE("query: SQL that never ends is 3 after --timeout") {
    const Game game;
    game.play();
    const Ran ran =
        game.run("query", {"WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n",
                           "--timeout", "200ms"});
    INFO(ran.err);
    CHECK(ran.exit == 3);
    CHECK(ran.err.find("[time_limit]") != std::string::npos);
}

TEST_CASE("query: a --timeout that is no duration is 3, and one of nothing is 2") {
    const Game game;
    game.play();
    CHECK(game.run("query", {"SELECT 1", "--timeout", "soon"}).exit == 3);
    CHECK(game.run("query", {"SELECT 1", "--timeout", "0s"}).exit == 2);
}

TEST_CASE("query: SIGINT stops a statement that never ends with 130") {
    const Game game;
    game.play();
    Running query(
        {"query", game.db(),
         "SELECT 'begun' UNION ALL SELECT x FROM (WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) "
         "SELECT x FROM n) LIMIT 100000000",
         "--format", "jsonl"});
    CHECK(query.wait_for_output([](const std::string& out) { return out.find("begun") != std::string::npos; }));
    query.signal(2);
    CHECK(query.finish().exit == 130);
}
