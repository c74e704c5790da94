// Known answers, group 6: an import killed with -9 at random moments and run again gives the log of an undisturbed run.
#include <catch2/catch.hpp>

#include <chrono>
#include <csignal>
#include <random>
#include <thread>

#include "cli/game.hpp"

using namespace daybook::clitest;

namespace {

constexpr int rounds = 20;

const std::vector<std::string> mapping{"--type", "=text:edited", "--stream",  "/stream",
                                       "--time", "/time",        "--payload", "/patches"};

// The keystrokes of sveltecomponent, dealt to seven streams.
std::string trace_lines(const std::filesystem::path& path) {
    const auto trace = nlohmann::json::parse(gunzip(path));
    std::string text;
    std::size_t n = 0;
    for (const auto& transaction : trace.at("txns"))
        text += "{\"stream\":\"part-" + std::to_string(n++ % 7) + "\",\"time\":" + transaction.at("time").dump() +
                ",\"patches\":" + transaction.at("patches").dump() + "}\n";
    REQUIRE(n == 18'335);
    return text;
}

// Everything that must be equal: ids, payload bytes, order, streams and versions.
std::string content(const Game& game) {
    return game.out("query", {"SELECT seq, event_id, type, stream, version, occurred_at, tags, metadata, payload FROM "
                              "events_log ORDER BY seq",
                              "--format", "jsonl"});
}

std::vector<std::string> import_arguments(const Game& game, const std::string& file) {
    std::vector<std::string> arguments{"import", game.db(), file, "--import-name", "svelte"};
    arguments.insert(arguments.end(), mapping.begin(), mapping.end());
    return arguments;
}

}  // namespace

TEST_CASE("known answers 6: an import killed at a random moment and run again equals an undisturbed one, 20 rounds") {
    const auto trace = data_file("editing-traces/sveltecomponent.json.gz");
    if (!trace) return;
    const Game undisturbed;
    const std::string file = undisturbed.path("svelte.jsonl");
    write_file(file, trace_lines(*trace));
    const auto begun = std::chrono::steady_clock::now();
    REQUIRE(run_daybook(import_arguments(undisturbed, file)).exit == 0);
    const auto whole = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begun);
    const std::string expected = content(undisturbed);
    REQUIRE(lines_of(expected).size() == 18'335);

    const unsigned seed = 20260131;
    std::mt19937 random(seed);
    int killed_at_work = 0;
    for (int round = 0; round < rounds; ++round) {
        const Game game;
        // One to three kills before it may finish. The moment is a share of the undisturbed time: sleeping is what is meant.
        const auto kills = 1 + random() % 3;
        for (unsigned kill = 0; kill < kills; ++kill) {
            Running import(import_arguments(game, file));
            std::this_thread::sleep_for(whole * (random() % 1000) / 1000);
            import.signal(SIGKILL);
            const Ran ran = import.finish();
            if (ran.exit == 128 + SIGKILL) ++killed_at_work;
            const Ran looked = game.run("verify");
            INFO("round " << round << ", kill " << kill << ", seed " << seed << ": " << looked.out << looked.err);
            // What a kill leaves is a whole log, or no log yet.
            CHECK((looked.exit == 0 || (looked.exit == 5 && looked.err.find("init") != std::string::npos)));
        }
        const Ran finished = run_daybook(import_arguments(game, file));
        INFO("round " << round << ", seed " << seed << ": " << finished.err);
        REQUIRE(finished.exit == 0);
        const auto summary = nlohmann::json::parse(finished.out);
        CHECK(summary.at("appended").get<int>() + summary.at("already_there").get<int>() == 18'335);
        CHECK((content(game) == expected));  // not shown: it is megabytes
        CHECK(game.json("verify").at("ok") == true);
    }
    CHECK(killed_at_work >= rounds / 2);
}
