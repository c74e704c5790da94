// Tests of `daybook import`: mapping, repetition, bad lines. The lines themselves are tested in tests/interchange.
#include <catch2/catch.hpp>

#include "cli/game.hpp"

using namespace daybook::clitest;

namespace {

const std::string good_lines = R"({"kind":"moved","who":"p1","at":"2018-06-14T15:00:00Z","n":1})"
                               "\n"
                               R"({"kind":"scored","who":"p2","at":"2018-06-14T15:00:01Z","n":2})"
                               "\n\n"
                               R"({"kind":"moved","who":"p1","at":"2018-06-14T15:00:02Z","n":3})"
                               "\n";
const std::vector<std::string> mapping{"--type", "/kind", "--stream", "/who", "--time", "/at"};

std::vector<std::string> with(std::vector<std::string> first, const std::vector<std::string>& more) {
    first.insert(first.end(), more.begin(), more.end());
    return first;
}

// Imports `line` between two good ones; the log holds one event before.
struct BadLine {
    Game game;
    Ran ran;
    explicit BadLine(const std::string& line, const std::vector<std::string>& options = mapping) {
        game.emit("before");
        write_file(game.path("in.jsonl"),
                   lines_of(good_lines)[0] + "\n" + line + "\n" + lines_of(good_lines)[1] + "\n");
        ran = game.run("import", with({game.path("in.jsonl")}, options));
        INFO(ran.err);
        CHECK(ran.out.empty());
        CHECK(ran.err.find("daybook import: ") == 0);
        CHECK(ran.err.find("in.jsonl") != std::string::npos);
        CHECK(game.events() == 1);
    }
    [[nodiscard]] bool says(const std::string& text) const {
        INFO(ran.err);
        return ran.err.find(text) != std::string::npos;
    }
};

}  // namespace

TEST_CASE("import: maps lines by pointers and prints a summary") {
    const Game game;
    write_file(game.path("in.jsonl"), good_lines);
    const auto summary = game.json("import", with({game.path("in.jsonl")}, mapping));
    CHECK(summary.at("read") == 3);
    CHECK(summary.at("appended") == 3);
    CHECK(summary.at("without_id") == 3);
    CHECK(summary.at("without_time") == 0);
    CHECK(summary.at("first_seq") == 1);
    CHECK(summary.at("last_seq") == 3);
    CHECK(game.json("show", {"3"}).at("event").at("stream") == "p1");
}

TEST_CASE("import: again adds nothing twice") {
    const Game game;
    write_file(game.path("in.jsonl"), good_lines);
    game.json("import", with({game.path("in.jsonl")}, mapping));
    const auto again = game.json("import", with({game.path("in.jsonl")}, mapping));
    CHECK(again.at("appended") == 0);
    CHECK(again.at("already_there") == 3);
    CHECK(game.events() == 3);
}

TEST_CASE("import: standard input needs a name, or ids of its own") {
    const Game game;
    const Ran nameless = game.run("import", with({"-"}, mapping), {.input = good_lines});
    CHECK(nameless.exit == 2);
    CHECK(nameless.err.find("--import-name") != std::string::npos);
    CHECK(game.fingerprint().empty());
    CHECK(game.run("import", with({"-", "--import-name", "game"}, mapping), {.input = good_lines}).exit == 0);
    CHECK(game.events() == 3);
}

TEST_CASE("import: an export imported into an empty file gives equal events") {
    const Game game;
    game.play();
    game.out("export", {game.path("out.jsonl.gz")});
    const Game copy;
    CHECK(copy.json("import", {game.path("out.jsonl.gz")}).at("appended") == 4);
    auto before = lines_of(game.out("export"));
    auto after = lines_of(copy.out("export"));
    REQUIRE(before.size() == after.size());
    for (std::size_t i = 0; i < before.size(); ++i) {
        auto a = nlohmann::json::parse(before[i]);
        auto b = nlohmann::json::parse(after[i]);
        a.erase("recorded_at");
        b.erase("recorded_at");
        CHECK(a == b);
    }
}

TEST_CASE("import: lines whose format cannot be told are a usage error that asks for --type") {
    const Game game;
    write_file(game.path("in.jsonl"), good_lines);
    const Ran ran = game.run("import", {game.path("in.jsonl")});
    CHECK(ran.exit == 2);
    CHECK(ran.err.find("--type") != std::string::npos);
}

TEST_CASE("import: combinations that mean nothing are usage errors and make no file") {
    const Game game;
    write_file(game.path("in.jsonl"), good_lines);
    const auto before = game.fingerprint();
    const std::string file = game.path("in.jsonl");
    CHECK(game.run("import", {file, "--as", "daybook", "--type", "/kind"}).exit == 2);
    CHECK(game.run("import", {file, "--as", "xml"}).exit == 2);
    CHECK(game.run("import", {file, "--as", "json"}).exit == 2);
    CHECK(game.run("import", {file, "--type", "/kind", "--on-error", "ignore"}).exit == 2);
    CHECK(game.run("import", {file, "--type", "/kind", "--time", "/n", "--time-unit", "h"}).exit == 2);
    CHECK(game.run("import", {file, "--type", "/kind", "--time-unit", "s"}).exit == 2);
    CHECK(game.run("import", {file, "--type", "/kind", "--tag", "a=/n", "--tag", "a=/n"}).exit == 2);
    CHECK(game.fingerprint() == before);
}

TEST_CASE("import: the same name from another file is a usage error that asks for --import-name") {
    const Game game;
    write_file(game.path("in.jsonl"), good_lines);
    std::filesystem::create_directory(game.path("other"));
    write_file(game.path("other/in.jsonl"), good_lines);
    CHECK(game.run("import", with({game.path("in.jsonl")}, mapping)).exit == 0);
    const Ran ran = game.run("import", with({game.path("other/in.jsonl")}, mapping));
    CHECK(ran.exit == 2);
    CHECK(ran.err.find("--import-name") != std::string::npos);
    CHECK(game.events() == 3);
}

TEST_CASE("import: a file that is not there is 5 and makes no database") {
    const Game game;
    const Ran ran = game.run("import", with({game.path("none.jsonl")}, mapping));
    CHECK(ran.exit == 5);
    CHECK(ran.err.find("none.jsonl") != std::string::npos);
    CHECK(game.fingerprint().empty());
}

TEST_CASE("import: --on-error skip leaves bad lines out and names each") {
    const Game game;
    write_file(game.path("in.jsonl"),
               lines_of(good_lines)[0] + "\nnot json\n" + lines_of(good_lines)[1] + "\n{\"kind\":1}\n");
    const Ran ran = game.run("import", with({game.path("in.jsonl"), "--on-error", "skip"}, mapping));
    CHECK(ran.exit == 0);
    CHECK(nlohmann::json::parse(ran.out).at("skipped") == 2);
    REQUIRE(lines_of(ran.err).size() == 2);
    CHECK(ran.err.find("in.jsonl:2") != std::string::npos);
    CHECK(ran.err.find("in.jsonl:4") != std::string::npos);
    CHECK(game.events() == 2);
}

TEST_CASE("import: a line that is not JSON is 3 with file and line, and its batch is not written") {
    const BadLine bad("not json");
    CHECK(bad.ran.exit == 3);
    CHECK(bad.says("in.jsonl:2"));
    CHECK(bad.says("[invalid_json]"));
}

TEST_CASE("import: a line that is not UTF-8 is 3 with file and line") {
    const BadLine bad("{\"kind\":\"a\",\"who\":\"\xff\xfe\",\"at\":\"2018-06-14\"}");
    CHECK(bad.ran.exit == 3);
    CHECK(bad.says("in.jsonl:2"));
    CHECK(bad.says("[invalid_utf8]"));
}

TEST_CASE("import: a line nested 100,000 deep is 3 and does not overflow the stack") {
    const BadLine bad(R"({"kind":"a","who":"b","at":"2018-06-14","x":)" + std::string(100000, '[') +
                      std::string(100000, ']') + "}");
    CHECK(bad.ran.exit == 3);
    CHECK(bad.says("in.jsonl:2"));
    CHECK(bad.says("[too_deep]"));
}

TEST_CASE("import: a line with a duplicate key is 3, also one spelled with an escape") {
    const BadLine bad(R"({"kind":"a","who":"b","at":"2018-06-14","x":{"k":1,"\u006b":2}})");
    CHECK(bad.ran.exit == 3);
    CHECK(bad.says("[duplicate_key]"));
    CHECK(bad.says("\"k\""));
}

TEST_CASE("import: a payload larger than the cap is 3 and names the cap") {
    const BadLine bad(R"({"kind":"a","who":"b","at":"2018-06-14","x":")" + std::string(1 << 20, 'x') + "\"}");
    CHECK(bad.ran.exit == 3);
    CHECK(bad.says("1048576"));
    CHECK(bad.says("[too_large]"));
}

TEST_CASE("import: an empty type is 3") {
    const BadLine bad(R"({"kind":"","who":"b","at":"2018-06-14"})");
    CHECK(bad.ran.exit == 3);
    CHECK(bad.says("[invalid_name]"));
}

TEST_CASE("import: a pointer that finds nothing is 3 and is named") {
    const BadLine bad(R"({"kind":"a","at":"2018-06-14"})");
    CHECK(bad.ran.exit == 3);
    CHECK(bad.says("/who"));
    CHECK(bad.says("[invalid_pointer]"));
}

TEST_CASE("import: a time that cannot be read is 3") {
    const BadLine bad(R"({"kind":"a","who":"b","at":"yesterday"})");
    CHECK(bad.ran.exit == 3);
    CHECK(bad.says("yesterday"));
    CHECK(bad.says("[invalid_time]"));
}

TEST_CASE("import: an id seen before with other content is 4") {
    const Game game;
    game.emit("a", "{}", {"--id", "7"});
    write_file(game.path("in.jsonl"), R"({"id":7,"x":2})"
                                      "\n");
    const Ran ran = game.run("import", {game.path("in.jsonl"), "--type", "=a", "--id", "/id"});
    CHECK(ran.exit == 4);
    CHECK(ran.err.find("in.jsonl:1") != std::string::npos);
    CHECK(ran.err.find("[idempotency_conflict]") != std::string::npos);
    CHECK(game.events() == 1);
}

TEST_CASE("import: NUL and terminal escapes in a name are 3") {
    for (const std::string name : {"a\\u0000b", "a\\u001b[2J", "a\\u009b", "a\\u007f"}) {
        const BadLine bad(R"({"kind":")" + name + R"(","who":"b","at":"2018-06-14"})");
        CHECK(bad.ran.exit == 3);
        CHECK(bad.says("[invalid_name]"));
        CHECK(bad.ran.err.find('\x1b') == std::string::npos);
    }
}

TEST_CASE("import: a malformed pointer is 3 before anything is opened") {
    const Game game;
    write_file(game.path("in.jsonl"), good_lines);
    const auto before = game.fingerprint();
    const Ran ran = game.run("import", {game.path("in.jsonl"), "--type", "kind"});
    CHECK(ran.exit == 3);
    CHECK(ran.err.find("--type") != std::string::npos);
    CHECK(ran.err.find("[invalid_pointer]") != std::string::npos);
    CHECK(game.fingerprint() == before);
}

TEST_CASE("import: integers beyond 64 bits and 17-digit floats are kept as written") {
    const Game game;
    const std::string line = R"({"kind":"a","big":98765432109876543210987654321,"f":0.10000000000000001})";
    write_file(game.path("in.jsonl"), line + "\n");
    game.out("import", {game.path("in.jsonl"), "--type", "/kind"});
    CHECK(game.out("export").find("\"payload\":" + line) != std::string::npos);
}

TEST_CASE("import: batches before the bad line stay, and the message names the last line committed") {
    const Game game;
    std::string text;
    for (int i = 0; i < 2500; ++i) text += "{\"n\":" + std::to_string(i) + "}\n";
    write_file(game.path("in.jsonl"), text + "broken\n");
    const Ran ran = game.run("import", {game.path("in.jsonl"), "--type", "=a"});
    CHECK(ran.exit == 3);
    CHECK(ran.err.find("in.jsonl:2501") != std::string::npos);
    CHECK(ran.err.find("2000") != std::string::npos);
    CHECK(game.events() == 2000);
}
