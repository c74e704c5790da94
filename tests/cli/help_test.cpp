// Tests of help, version, and what the parser refuses.
#include <catch2/catch.hpp>

#include "cli/run_daybook.hpp"

using namespace daybook::clitest;

namespace {

const std::vector<std::string> commands{"init",       "emit",  "import", "export", "query",  "tail",
                                        "show",       "tree",  "replay", "state",  "verify", "head",
                                        "unfinished", "stats", "doctor", "backup"};

}  // namespace

TEST_CASE("help: daybook alone prints help and leaves with 0") {
    const Ran ran = run_daybook({});
    CHECK(ran.exit == 0);
    CHECK(ran.err.empty());
    for (const std::string& command : commands) CHECK(ran.out.find("  " + command + " ") != std::string::npos);
}

TEST_CASE("help: every command explains itself with an example that begins with its name") {
    for (const std::string& command : commands) {
        const Ran ran = run_daybook({command, "--help"});
        INFO(command << "\n" << ran.out << ran.err);
        CHECK(ran.exit == 0);
        CHECK(ran.out.find("Usage: daybook " + command + " DB") != std::string::npos);
        CHECK(ran.out.find("Example:\n  daybook " + command + " ") != std::string::npos);
    }
}

TEST_CASE("help: daybook help COMMAND is COMMAND --help") {
    CHECK(run_daybook({"help", "emit"}).out == run_daybook({"emit", "--help"}).out);
    CHECK(run_daybook({"help"}).out == run_daybook({}).out);
}

TEST_CASE("help: --version names the program and a version") {
    const Ran ran = run_daybook({"--version"});
    CHECK(ran.exit == 0);
    CHECK(ran.out.rfind("daybook ", 0) == 0);
    CHECK(lines_of(ran.out).size() == 1);
}

TEST_CASE("usage: an unknown command is 2 and the nearest is named") {
    const Ran ran = run_daybook({"emti", "game.db"});
    CHECK(ran.exit == 2);
    CHECK(ran.out.empty());
    CHECK(ran.err == "daybook: 'emti': no such command; did you mean `daybook emit`? [usage]\n");
}

TEST_CASE("usage: an unknown option is 2 and the nearest is named") {
    const Ran ran = run_daybook({"tail", "game.db", "--strem", "x"});
    CHECK(ran.exit == 2);
    CHECK(ran.err.find("daybook tail: '--strem': no such option; did you mean --stream?") == 0);
}

TEST_CASE("usage: a missing argument, one too many and a value left out are 2") {
    CHECK(run_daybook({"emit"}).exit == 2);
    CHECK(run_daybook({"emit", "game.db"}).err.find("TYPE is required") != std::string::npos);
    CHECK(run_daybook({"head", "game.db", "extra"}).err.find("'extra': one argument too many") != std::string::npos);
    CHECK(run_daybook({"tail", "game.db", "--stream"}).err.find("--stream: its value is missing") != std::string::npos);
}

TEST_CASE("usage: a format outside the list is 2 and the list is named") {
    const Ran ran = run_daybook({"stats", "game.db", "--format", "xml"});
    CHECK(ran.exit == 2);
    CHECK(ran.err.find("--format 'xml': this command knows table|json") != std::string::npos);
}

TEST_CASE("usage: a number that is none is 2") {
    for (const std::string text : {"x", "-1", "1e3", "0x10", "99999999999999999999", ""}) {
        const Ran ran = run_daybook({"tail", "game.db", "-n", text});
        INFO(text << ": " << ran.err);
        CHECK(ran.exit == 2);
    }
}
