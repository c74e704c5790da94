// What representative commands print, to the byte. DAYBOOK_UPDATE_GOLDEN=1 records anew; then read the difference.
#include <catch2/catch.hpp>

#include "cli/game.hpp"
#include "cli/golden.hpp"

using namespace daybook::clitest;

namespace {

struct GoldenCase {
    std::string name;
    std::string command;
    std::vector<std::string> arguments;
};

}  // namespace

TEST_CASE("golden: what people see is what was agreed") {
    const Game game;
    game.play();
    const auto golden = GENERATE(values<GoldenCase>({
        {"export.jsonl", "export", {}},
        {"tail.txt", "tail", {"--format", "table"}},
        {"tail.csv", "tail", {"--format", "csv"}},
        {"show.json", "show", {"1"}},
        {"show.txt", "show", {"1", "--format", "table"}},
        {"tree.json", "tree", {"e1"}},
        {"tree.txt", "tree", {"e1", "--format", "table"}},
        {"tree_up.txt", "tree", {"e3", "--format", "table"}},
        {"stats.json", "stats", {}},
        {"stats.txt", "stats", {"--format", "table"}},
        {"verify.json", "verify", {}},
        {"verify.txt", "verify", {"--format", "table"}},
        {"head.txt", "head", {}},
        {"unfinished.txt", "unfinished", {"--format", "table"}},
        {"query.json", "query", {"SELECT seq, type, payload->>'$.name' AS name FROM events_log"}},
        {"query.txt", "query", {"SELECT seq, type, payload->>'$.name' AS name FROM events_log", "--format", "table"}},
        {"query.csv", "query", {"SELECT seq, type, payload FROM events_log", "--format", "csv"}},
    }));
    INFO(golden.name);
    const Ran ran = game.run(golden.command, golden.arguments);
    CHECK(ran.exit == 0);
    CHECK(ran.err.empty());
    check_golden(golden.name, normalised(ran.out, game.directory().string()));
}

TEST_CASE("golden: the messages of refusals are what was agreed") {
    const Game game;
    game.play();
    const auto golden = GENERATE(values<GoldenCase>({
        {"refused_version.txt", "emit", {"player:moved", "{}", "--stream", "player-7", "--expect", "7"}},
        {"refused_id.txt", "emit", {"player:moved", "{}", "--id", "e1"}},
        {"refused_json.txt", "emit", {"player:moved", "{\"x\":}"}},
        {"refused_time.txt", "tail", {"--from", "yesterday"}},
        {"refused_pattern.txt", "tail", {"--type", "play*er"}},
        {"refused_window.txt", "tail", {"--from-seq", "3", "--to-seq", "2"}},
        {"refused_reference.txt", "show", {"99"}},
        {"refused_option.txt", "tail", {"--strem", "x"}},
        {"refused_sql.txt", "query", {"DELETE FROM events_log"}},
    }));
    INFO(golden.name);
    const Ran ran = game.run(golden.command, golden.arguments);
    CHECK(ran.exit != 0);
    CHECK(ran.out.empty());
    check_golden(golden.name, normalised(ran.err, game.directory().string()));
}
