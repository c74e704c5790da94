// Tests of show, tree, tail and export.
#include <catch2/catch.hpp>

#include <csignal>
#include <thread>

#include "cli/game.hpp"
#include "event/json_schema.hpp"

using namespace daybook;
using namespace daybook::clitest;

namespace {

std::vector<std::uint64_t> seqs_of(const std::string& lines) {
    std::vector<std::uint64_t> seqs;
    for (const std::string& line : lines_of(lines))
        seqs.push_back(nlohmann::json::parse(line).at("seq").get<std::uint64_t>());
    return seqs;
}

using Seqs = std::vector<std::uint64_t>;

}  // namespace

TEST_CASE("show: a seq, an id and id:… find the same event") {
    const Game game;
    game.play();
    const std::string by_seq = game.out("show", {"3"});
    CHECK(schema_faults("show", by_seq) == "");
    CHECK(by_seq == game.out("show", {"e3"}));
    CHECK(by_seq == game.out("show", {"id:e3"}));
}

TEST_CASE("show: digits are a seq unless id: says otherwise") {
    const Game game;
    game.emit("first");
    game.emit("second", "{}", {"--id", "1"});
    CHECK(game.json("show", {"1"}).at("event").at("type") == "first");
    CHECK(game.json("show", {"id:1"}).at("event").at("type") == "second");
}

TEST_CASE("tree: causes nearest first, children nested, and valid by its schema") {
    const Game game;
    game.emit("a", "{}", {"--id", "a"});
    game.emit("b", "{}", {"--id", "b", "--caused-by", "a"});
    game.emit("c", "{}", {"--id", "c", "--caused-by", "b"});
    game.emit("d", "{}", {"--id", "d", "--caused-by", "c"});
    game.emit("d2", "{}", {"--id", "d2", "--caused-by", "c"});
    const std::string text = game.out("tree", {"c"});
    CHECK(schema_faults("tree", text) == "");
    const auto tree = nlohmann::json::parse(text);
    CHECK(tree.at("causes").at(0).at("id") == "b");
    CHECK(tree.at("causes").at(1).at("id") == "a");
    CHECK(tree.at("event").at("id") == "c");
    REQUIRE(tree.at("children").size() == 2);
    CHECK(tree.at("children").at(1).at("event").at("id") == "d2");
}

TEST_CASE("tree: --depth cuts both ways and counts what is deeper") {
    const Game game;
    for (int i = 0; i < 9; ++i)
        game.emit("n", "{}",
                  i == 0 ? std::vector<std::string>{"--id", "n0"}
                         : std::vector<std::string>{"--id", "n" + std::to_string(i), "--caused-by",
                                                    "n" + std::to_string(i - 1)});
    const auto tree = game.json("tree", {"n4", "--depth", "1"});
    CHECK(tree.at("causes").size() == 1);
    CHECK(tree.at("more_causes") == 3);
    CHECK(tree.at("children").at(0).at("children").empty());
    CHECK(tree.at("children").at(0).at("more") == 3);
    const auto root = game.json("tree", {"n4", "--depth", "0"});
    CHECK(root.at("more") == 4);
    CHECK(root.at("more_causes") == 4);
}

TEST_CASE("tree: a cycle is cut and marked") {
    const Game game;
    game.emit("a", "{}", {"--id", "a", "--caused-by", "c"});
    game.emit("b", "{}", {"--id", "b", "--caused-by", "a"});
    game.emit("c", "{}", {"--id", "c", "--caused-by", "b"});
    const std::string text = game.out("tree", {"a"});
    CHECK(schema_faults("tree", text) == "");
    const auto tree = nlohmann::json::parse(text);
    CHECK(tree.at("causes").size() == 2);
    CHECK(tree.at("cycle") == true);
    const auto& again = tree.at("children").at(0).at("children").at(0).at("children").at(0);
    CHECK(again.at("event").at("id") == "a");
    CHECK(again.at("cycle") == true);
    CHECK(again.at("children").empty());
}

TEST_CASE("tree: an event that names itself as its cause is a cycle of one") {
    const Game game;
    game.emit("a", "{}", {"--id", "a", "--caused-by", "a"});
    const auto tree = game.json("tree", {"a"});
    CHECK(tree.at("cycle") == true);
    CHECK(tree.at("causes").empty());
    CHECK(tree.at("children").at(0).at("cycle") == true);
}

TEST_CASE("tail: the last events in seq order, as export writes them") {
    const Game game;
    game.play();
    CHECK(seqs_of(game.out("tail", {"-n", "2"})) == Seqs{3, 4});
    CHECK(seqs_of(game.out("tail")) == Seqs{1, 2, 3, 4});
    CHECK(game.out("tail", {"-n", "0"}).empty());
    CHECK(game.out("tail", {"-n", "9"}) == game.out("export"));
}

TEST_CASE("tail: window options filter before the last are taken") {
    const Game game;
    game.play();
    CHECK(seqs_of(game.out("tail", {"-n", "1", "--stream", "player-7"})) == Seqs{3});
    CHECK(seqs_of(game.out("tail", {"--reverse", "-n", "3"})) == Seqs{4, 3, 2});
}

TEST_CASE("export: every window option selects") {
    const Game game;
    game.play();
    const auto exported = [&](const std::vector<std::string>& options) { return seqs_of(game.out("export", options)); };
    CHECK(exported({"--from-seq", "2", "--to-seq", "3"}) == Seqs{2, 3});
    CHECK(exported({"--from", "2026-01-31T12:00:01Z", "--to", "2026-01-31T12:00:03.5Z"}) == Seqs{2, 3});
    CHECK(exported({"--from", "2026-01-31T13:00:01+01:00"}) == Seqs{2, 3, 4});
    CHECK(exported({"--to", "2026-02-01", "--axis", "recorded"}).empty());
    CHECK(exported({"--from", "-15m", "--axis", "recorded"}) == Seqs{1, 2, 3, 4});
    CHECK(exported({"--type", "player:joined"}) == Seqs{1, 2});
    CHECK(exported({"--type", "*:moved", "--type", "*:scored"}) == Seqs{3, 4});
    CHECK(exported({"--stream", "player-8"}) == Seqs{2, 4});
    CHECK(exported({"--source", "referee"}) == Seqs{4});
    CHECK(exported({"--correlation", "e1"}) == Seqs{3});
    CHECK(exported({"--causation", "e1"}) == Seqs{3});
    CHECK(exported({"--tag", "level=1"}) == Seqs{1});
    CHECK(exported({"--limit", "2"}) == Seqs{1, 2});
    CHECK(exported({"--limit", "2", "--reverse"}) == Seqs{4, 3});
}

TEST_CASE("export: an existing target is refused without --force, and stays as it was") {
    const Game game;
    game.play();
    write_file(game.path("out.jsonl"), "mine\n");
    const Ran refused = game.run("export", {game.path("out.jsonl")});
    CHECK(refused.exit == 5);
    CHECK(refused.err.find("[target_exists]") != std::string::npos);
    CHECK(read_file(game.path("out.jsonl")) == "mine\n");
    CHECK(game.run("export", {game.path("out.jsonl"), "--force"}).exit == 0);
    CHECK(read_file(game.path("out.jsonl")) == game.out("export"));
}

TEST_CASE("export: into a directory that is not there is 5 and names the directory, not a temporary file") {
    const Game game;
    game.play();
    const Ran ran = game.run("export", {game.path("nowhere/out.jsonl")});
    CHECK(ran.exit == 5);
    CHECK(ran.err.find("there is no directory " + game.path("nowhere")) != std::string::npos);
    CHECK(ran.err.find(".tmp") == std::string::npos);
}

TEST_CASE("export: onto the log's own files is refused, --force or not") {
    const Game game;
    game.play();
    const std::string before = game.fingerprint();
    for (const std::string& name : {game.db(), game.db() + "-wal", game.db() + ".lock", game.path("./game.db.wake")}) {
        const Ran ran = game.run("export", {name, "--force"});
        INFO(ran.err);
        CHECK(ran.exit == 5);
        CHECK(ran.err.find("[unsupported_path]") != std::string::npos);
    }
    CHECK(game.fingerprint() == before);
}

TEST_CASE("export: combinations that mean nothing are 2") {
    const Game game;
    game.play();
    const std::vector<std::vector<std::string>> all{{"-f", "--to-seq", "3"},
                                                    {"-f", "--limit", "1"},
                                                    {"-f", "--reverse"},
                                                    {game.path("x"), "-f"},
                                                    {"--force"},
                                                    {game.path("x"), "--format", "csv"},
                                                    {"--results", "--format", "json"}};
    for (const auto& options : all) CHECK(game.run("export", options).exit == 2);
    CHECK(game.run("tail", {"-f", "--to", "2026-02-01"}).exit == 2);
    CHECK(game.run("tail", {"-f", "--format", "json"}).exit == 2);
}

TEST_CASE("events: JSON is an array, CSV has a heading and quotes its JSON") {
    const Game game;
    game.play();
    const auto array = game.json("tail", {"--format", "json"});
    REQUIRE(array.size() == 4);
    for (const auto& event : array) CHECK(schema_faults("event", event.dump()) == "");
    const auto csv = lines_of(game.out("export", {"--format", "csv"}));
    REQUIRE(csv.size() == 5);
    CHECK(csv[0].rfind("seq,id,type,", 0) == 0);
    CHECK(csv[1].find(R"("{""name"":""Ada""}")") != std::string::npos);
}

TEST_CASE("following: what another process appends arrives, and SIGINT ends it with 130") {
    const Game game;
    game.play();
    for (const std::string command : {"tail", "export"}) {
        Running follower({command, game.db(), "-f", "--type", "late:*"});
        const auto before = std::to_string(game.emit("late:" + command).at("seq").get<std::uint64_t>());
        game.emit("other:type");
        CHECK(follower.wait_for_output(
            [&](const std::string& out) { return out.find("{\"seq\":" + before) != std::string::npos; }));
        game.emit("late:" + command, "{\"second\":true}");
        CHECK(follower.wait_for_output([](const std::string& out) { return out.find("second") != std::string::npos; }));
        follower.signal(SIGINT);
        const Ran ran = follower.finish();
        CHECK(ran.exit == 130);
        CHECK(ran.err.empty());
        CHECK(ran.out.find("other:type") == std::string::npos);
    }
}
