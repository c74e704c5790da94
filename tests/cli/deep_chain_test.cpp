// Known answers, group 8: every keystroke of seph-blog1, each event caused by the one before: a chain of 137,154.
#include <catch2/catch.hpp>

#include "cli/game.hpp"

using namespace daybook::clitest;

namespace {

constexpr std::size_t transactions = 137'154;

// One line for each transaction: its id, its cause, its time, its patches.
std::string chain_lines(const std::filesystem::path& path) {
    const auto trace = nlohmann::json::parse(gunzip(path));
    std::string text;
    std::size_t n = 0;
    for (const auto& transaction : trace.at("txns")) {
        const std::string cause = n == 0 ? "null" : "\"t" + std::to_string(n) + "\"";
        ++n;
        text += "{\"id\":\"t" + std::to_string(n) + "\",\"cause\":" + cause +
                ",\"time\":" + transaction.at("time").dump() + ",\"patches\":" + transaction.at("patches").dump() +
                "}\n";
    }
    REQUIRE(n == transactions);
    return text;
}

}  // namespace

TEST_CASE("known answers 8: a chain of 137,154 causes answers tree, show and verify, quickly and without recursion") {
    const auto trace = data_file("editing-traces/seph-blog1.json.gz");
    if (!trace) return;
    const Game game;
    write_file(game.path("blog.jsonl"), chain_lines(*trace));
    const auto summary =
        game.json("import", {game.path("blog.jsonl"), "--type", "=text:edited", "--stream", "=blog", "--id", "/id",
                             "--time", "/time", "--causation", "/cause?=", "--payload", "/patches"});
    REQUIRE(summary.at("appended") == transactions);

    // A stack of 256 KiB: a call for each of 137,154 levels could not fit.
    const RunOptions small_stack{.stack_bytes_max = 256 * 1024};
    const std::string last = "t" + std::to_string(transactions);
    const auto run = [&](const std::string& command, const std::vector<std::string>& arguments) {
        const Ran ran = game.run(command, arguments, small_stack);
        INFO(command << " computed for " << ran.cpu_seconds << " s: " << ran.err);
        CHECK(ran.exit == 0);
        CHECK(ran.cpu_seconds < 20);  // about 1 s without, 2 s with debug checks
        return ran.out;
    };

    {  // show
        CHECK(nlohmann::json::parse(run("show", {last})).at("event").at("seq") == transactions);
    }
    {  // tree of the first event: 64 levels, the rest counted
        auto tree = nlohmann::json::parse(run("tree", {"t1"}));
        CHECK(tree.at("causes").empty());
        const nlohmann::json* node = &tree;
        for (int level = 0; level < 64; ++level) node = &node->at("children").at(0);
        CHECK(node->at("event").at("id") == "t65");
        CHECK(node->at("more") == transactions - 65);
        CHECK(node->at("children").empty());
    }
    {  // tree of the last event: 64 causes, the rest counted
        const auto tree = nlohmann::json::parse(run("tree", {last}));
        CHECK(tree.at("causes").size() == 64);
        CHECK(tree.at("causes").at(0).at("id") == "t" + std::to_string(transactions - 1));
        CHECK(tree.at("more_causes") == transactions - 65);
        CHECK(tree.at("children").empty());
    }
    {  // tree with no limit: nested 137,154 deep
        const std::string text = run("tree", {"t1", "--depth", "200000"});
        std::size_t opened = 0;
        for (std::size_t at = 0; (at = text.find(",\"children\":[", at)) != std::string::npos; ++at) ++opened;
        CHECK(opened == transactions);
        CHECK(text.find("\"more\"") == std::string::npos);
        std::size_t closed = 0;
        for (std::size_t at = text.size() - 1; at > 0 && (text[at] == '\n' || text[at] == ']' || text[at] == '}'); --at)
            closed += text[at] == ']' ? 1 : 0;
        CHECK(closed >= transactions);
    }
    {  // tree as text, with no limit
        const std::string text = run("tree", {"t136000", "--depth", "200000", "--format", "table"});
        CHECK(text.find(std::to_string(transactions) + "  text:edited  blog@") != std::string::npos);
    }
    {  // verify
        const auto report = nlohmann::json::parse(run("verify", {}));
        CHECK(report.at("ok") == true);
        CHECK(report.at("events") == transactions);
    }
}
