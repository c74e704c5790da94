// Bad input on the command line: each is a clear error with the right exit code, and nothing is written.
#include <catch2/catch.hpp>

#include "cli/game.hpp"

using namespace daybook::clitest;

namespace {

// Runs a command on a log of four events and checks that it changed nothing.
struct Refused {
    Game game;
    Ran ran;
    Refused(const std::string& command, const std::vector<std::string>& arguments, RunOptions options = {}) {
        game.play();
        const std::string before = game.fingerprint();
        ran = game.run(command, arguments, std::move(options));
        INFO(ran.err);
        CHECK(ran.out.empty());
        CHECK(ran.err.find("daybook") == 0);
        CHECK(game.fingerprint() == before);
        CHECK(game.events() == 4);
    }
    [[nodiscard]] bool says(const std::string& text) const {
        UNSCOPED_INFO(ran.err);
        return ran.err.find(text) != std::string::npos;
    }
};

}  // namespace

TEST_CASE("bad input: a payload that is not JSON is 3 and nothing is written") {
    const Refused refused("emit", {"a", "{x:1}"});
    CHECK(refused.ran.exit == 3);
    CHECK(refused.says("[invalid_json]"));
}

TEST_CASE("bad input: an empty payload from standard input is 3") {
    const Refused refused("emit", {"a", "-"}, {.input = ""});
    CHECK(refused.ran.exit == 3);
    CHECK(refused.says("[invalid_json]"));
}

TEST_CASE("bad input: a payload that is not UTF-8 is 3") {
    const Refused refused("emit", {"a", "\"\xff\""});
    CHECK(refused.ran.exit == 3);
    CHECK(refused.says("[invalid_utf8]"));
}

TEST_CASE("bad input: a payload nested 100,000 deep is 3") {
    const Refused refused("emit", {"a", "-"}, {.input = std::string(100000, '[') + std::string(100000, ']')});
    CHECK(refused.ran.exit == 3);
    CHECK(refused.says("[too_deep]"));
    CHECK(refused.says("128"));
}

TEST_CASE("bad input: a payload with a duplicate key is 3") {
    const Refused refused("emit", {"a", R"({"k":1,"k":2})"});
    CHECK(refused.ran.exit == 3);
    CHECK(refused.says("[duplicate_key]"));
}

TEST_CASE("bad input: a payload over the cap is 3 and the cap is named") {
    const Refused refused("emit", {"a", "-"}, {.input = "\"" + std::string(1 << 20, 'x') + "\""});
    CHECK(refused.ran.exit == 3);
    CHECK(refused.says("[too_large]"));
    CHECK(refused.says("1048576"));
}

TEST_CASE("bad input: a number beyond double range is 3") {
    const Refused refused("emit", {"a", "1e400"});
    CHECK(refused.ran.exit == 3);
    CHECK(refused.says("[number_out_of_range]"));
}

TEST_CASE("bad input: an empty type, stream, source or id is 3") {
    CHECK(Refused("emit", {"", "{}"}).ran.exit == 3);
    CHECK(Refused("emit", {"a", "{}", "--stream", ""}).ran.exit == 3);
    CHECK(Refused("emit", {"a", "{}", "--source", ""}).ran.exit == 3);
    CHECK(Refused("emit", {"a", "{}", "--id", ""}).ran.exit == 3);
}

TEST_CASE("bad input: terminal escapes in a name are 3, and the message does not repeat them raw") {
    for (const std::string name : {"a\x1b[2Jb", "a\x7f", "a\xc2\x9b", "a\nb"}) {
        const Refused refused("emit", {name, "{}"});
        CHECK(refused.ran.exit == 3);
        CHECK(refused.says("[invalid_name]"));
        CHECK(refused.ran.err.find('\x1b') == std::string::npos);
        CHECK(lines_of(refused.ran.err).size() == 1);
    }
}

TEST_CASE("bad input: a NUL in the payload's text is an escape and is kept; a raw one is 3") {
    const Game game;
    CHECK(game.run("emit", {"a", R"({"t":"\u0000"})"}).out.find(R"("payload":{"t":"\u0000"})") != std::string::npos);
    const Refused refused("emit", {"a", "-"}, {.input = std::string("\"a\0b\"", 5)});
    CHECK(refused.ran.exit == 3);
}

TEST_CASE("bad input: metadata that is no object is 3") {
    CHECK(Refused("emit", {"a", "{}", "--metadata", "[1]"}).ran.exit == 3);
}

TEST_CASE("bad input: a time that cannot be read is 3 and shows how to write one") {
    for (const std::string command : {"emit", "tail", "export", "replay", "stats"}) {
        const Refused refused(command, command == "emit" ? std::vector<std::string>{"a", "{}", "--at", "2018-13-01"}
                                                         : std::vector<std::string>{"--from", "2018-13-01"});
        CHECK(refused.ran.exit == 3);
        CHECK(refused.says("2018-13-01"));
        CHECK(refused.says("-15m"));
        CHECK(refused.says("[invalid_time]"));
    }
}

TEST_CASE("bad input: a bad pattern is 3") {
    for (const std::string command : {"tail", "export", "replay", "stats"}) {
        const Refused refused(command, {"--type", "play*er"});
        CHECK(refused.ran.exit == 3);
        CHECK(refused.says("[invalid_pattern]"));
    }
}

TEST_CASE("bad input: a window with from > to is 2 on every command that takes one") {
    for (const std::string command : {"tail", "export", "replay", "stats"}) {
        CHECK(Refused(command, {"--from-seq", "3", "--to-seq", "2"}).ran.exit == 2);
        const Refused refused(command, {"--from", "2026-02-01", "--to", "2026-01-01"});
        CHECK(refused.ran.exit == 2);
        CHECK(refused.says("2026-02-01"));
        CHECK(refused.says("2026-01-01"));
    }
}

TEST_CASE("bad input: an unknown option is 2") {
    const Refused refused("tail", {"--frobnicate"});
    CHECK(refused.ran.exit == 2);
    CHECK(refused.says("'--frobnicate': no such option"));
}

TEST_CASE("bad input: --axis outside its list is 2") {
    CHECK(Refused("tail", {"--axis", "both"}).ran.exit == 2);
}

TEST_CASE("bad input: --reverse with a fold is 2") {
    const Refused refused("replay", {"--reverse", "--projection", "p.sql", "--into", "s.sqlite"});
    CHECK(refused.ran.exit == 2);
    CHECK(refused.says("--reverse"));
}

TEST_CASE("bad input: show and tree of an event that is not there are 3") {
    for (const std::string command : {"show", "tree"})
        for (const std::string reference : {"5", "0", "nobody", "id:5", "99999999999999999999"}) {
            const Refused refused(command, {reference});
            CHECK(refused.ran.exit == 3);
            CHECK(refused.says("[not_found]"));
        }
}

TEST_CASE("bad input: standard input that is closed is 3 and says so") {
    const Refused emit("emit", {"a", "-"}, {.close_stdin = true});
    CHECK(emit.ran.exit == 3);
    CHECK(emit.says("standard input is closed"));
    const Refused import("import", {"-", "--type", "=a", "--import-name", "x"}, {.close_stdin = true});
    CHECK(import.ran.exit == 3);
    CHECK(import.says("standard input is closed"));
    CHECK(Refused("replay", {"--step"}, {.close_stdin = true}).ran.exit == 3);
}

TEST_CASE("bad input: standard output that is closed is 5 before anything is written") {
    const Refused refused("emit", {"a", "{}"}, {.close_stdout = true});
    CHECK(refused.ran.exit == 5);
    CHECK(refused.says("standard output is closed"));
}
