// Running commands on the story's database.
#include "cli/game.hpp"

#include <catch2/catch.hpp>

namespace daybook::clitest {

Ran Game::run(const std::string& command, std::vector<std::string> arguments, RunOptions options) const {
    arguments.insert(arguments.begin(), {command, db()});
    return run_daybook(arguments, std::move(options));
}

std::string Game::out(const std::string& command, std::vector<std::string> arguments) const {
    const Ran ran = run(command, std::move(arguments));
    INFO(command << ": " << ran.err);
    REQUIRE(ran.exit == 0);
    return ran.out;
}

nlohmann::json Game::json(const std::string& command, std::vector<std::string> arguments) const {
    return nlohmann::json::parse(out(command, std::move(arguments)));
}

nlohmann::json Game::emit(const std::string& type, const std::string& payload, std::vector<std::string> options) const {
    options.insert(options.begin(), {type, payload});
    return json("emit", std::move(options));
}

void Game::play() const {
    emit("player:joined", R"({"name":"Ada"})",
         {"--stream", "player-7", "--id", "e1", "--at", "2026-01-31T12:00:00Z", "--tag", "level=1"});
    emit("player:joined", R"({"name":"Bob"})", {"--stream", "player-8", "--id", "e2", "--at", "2026-01-31T12:00:01Z"});
    emit("player:moved", R"({"x":3,"y":4})",
         {"--stream", "player-7", "--id", "e3", "--at", "2026-01-31T12:00:02Z", "--caused-by", "e1"});
    emit("player:scored", R"({"points":5})",
         {"--stream", "player-8", "--id", "e4", "--at", "2026-01-31T12:00:03.5Z", "--source", "referee"});
}

std::uint64_t Game::events() const {
    return json("query", {"SELECT count(*) AS n FROM events_log"}).at(0).at("n").get<std::uint64_t>();
}

}  // namespace daybook::clitest
