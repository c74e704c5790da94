// How the program behaves at a terminal, at a closed pipe and under signals.
#include <catch2/catch.hpp>

#include <csignal>

#include "cli/game.hpp"

using namespace daybook::clitest;

TEST_CASE("terminal: escape sequences, C1 and bidirectional controls of a payload are shown escaped") {
    if (no_terminal_here()) return;
    const Game game;
    game.emit("a", "\"\x7f \xc2\x9b \xe2\x80\xae\"");
    for (const std::string command : {"tail", "export", "show", "query"}) {
        const std::vector<std::string> arguments =
            command == "show"    ? std::vector<std::string>{"1"}
            : command == "query" ? std::vector<std::string>{"SELECT payload, char(27) || '[2J' AS evil FROM events_log"}
                                 : std::vector<std::string>{};
        const Ran ran = game.run(command, arguments, {.terminal = true});
        INFO(command << ": " << ran.out);
        CHECK(ran.exit == 0);
        CHECK(ran.out.find("\\u007f \\u009b \\u202e") != std::string::npos);
        CHECK(ran.out.find('\x1b') == std::string::npos);
        CHECK(ran.out.find("\xc2\x9b") == std::string::npos);
    }
}

TEST_CASE("terminal: into a pipe the same bytes go out untouched") {
    const Game game;
    game.emit("a", "\"\xc2\x9b\"");
    CHECK(game.out("export").find("\xc2\x9b") != std::string::npos);
}

TEST_CASE("terminal: text for people is the default there, JSON into a pipe") {
    if (no_terminal_here()) return;
    const Game game;
    game.play();
    CHECK(game.run("stats", {}, {.terminal = true}).out.find("player:joined") != std::string::npos);
    CHECK(game.run("stats", {}, {.terminal = true}).out.find('{') == std::string::npos);
    CHECK(game.out("stats").front() == '{');
    CHECK(game.run("query", {"SELECT 1 AS one"}, {.terminal = true}).out.find("───") != std::string::npos);
    CHECK(game.out("query", {"SELECT 1 AS one"}).front() == '[');
    CHECK(game.run("tail", {}, {.terminal = true}).out.front() == '{');
}

TEST_CASE("terminal: an error message that quotes what was typed is escaped") {
    if (no_terminal_here()) return;
    const Game game;
    game.play();
    const Ran ran = game.run("show", {"\x1b]0;title\x07"}, {.terminal = true});
    CHECK(ran.exit == 3);
    CHECK(ran.out.find('\x1b') == std::string::npos);
}

TEST_CASE("progress: nothing on standard error when it is not a terminal") {
    const Game game;
    std::string lines;
    for (int i = 0; i < 20000; ++i) lines += "{\"n\":" + std::to_string(i) + "}\n";
    write_file(game.path("in.jsonl"), lines);
    const Ran ran = game.run("import", {game.path("in.jsonl"), "--type", "=n"});
    CHECK(ran.exit == 0);
    CHECK(ran.err.empty());
}

TEST_CASE("progress: at a terminal a bar is drawn, and wiped before the summary") {
    if (no_terminal_here()) return;
    const Game game;
    std::string lines;
    for (int i = 0; i < 60000; ++i) lines += "{\"n\":" + std::to_string(i) + "}\n";
    write_file(game.path("in.jsonl"), lines);
    const Ran ran = game.run("import", {game.path("in.jsonl"), "--type", "=n"}, {.terminal = true});
    CHECK(ran.exit == 0);
    CHECK(ran.out.find("import ━") != std::string::npos);
    CHECK(ran.out.find("\r\x1b[K{\"read\":60000") != std::string::npos);
}

TEST_CASE("closed pipe: a reader that leaves early is a quiet 0 on every command that prints") {
    const Game game;
    std::string lines;
    for (int i = 0; i < 5000; ++i) lines += "{\"n\":" + std::to_string(i) + "}\n";
    write_file(game.path("in.jsonl"), lines);
    game.out("import", {game.path("in.jsonl"), "--type", "=n"});
    for (const std::vector<std::string>& command : {std::vector<std::string>{"export"},
                                                    {"tail", "-n", "5000"},
                                                    {"query", "SELECT * FROM events"},
                                                    {"replay"},
                                                    {"show", "1"},
                                                    {"tree", "1"},
                                                    {"stats"},
                                                    {"head"},
                                                    {"export", "--results"},
                                                    {"tail", "-f"},
                                                    {"export", "-f"}}) {
        const Ran ran = game.run(command.front(), {command.begin() + 1, command.end()}, {.reader_gone = true});
        INFO(command.front() << ": " << ran.err);
        CHECK(ran.exit == 0);
        CHECK(ran.err.empty());
    }
    CHECK(run_daybook({"--help"}, {.reader_gone = true}).exit == 0);
}

TEST_CASE("closed pipe: a follower whose reader leaves ends quietly, also when nothing more is appended") {
    const Game game;
    game.play();
    for (const std::string command : {"tail", "export"}) {
        Running follower({command, game.db(), "-f"});
        CHECK(follower.wait_for_output([](const std::string& out) { return lines_of(out).size() == 4; }));
        follower.close_output();
        const Ran ran = follower.finish();
        CHECK(ran.exit == 0);
        CHECK(ran.err.empty());
    }
}

TEST_CASE("SIGINT: an import stops cleanly with 130, and running it again completes it") {
    const Game game;
    std::string lines;
    for (int i = 0; i < 60000; ++i) lines += "{\"n\":" + std::to_string(i) + "}\n";
    write_file(game.path("in.jsonl"), lines);
    Running import({"import", game.db(), game.path("in.jsonl"), "--type", "=n"});
    while (!import.ended() && game.run("head").out.find(" seq=") == std::string::npos) continue;
    import.signal(SIGINT);
    const Ran ran = import.finish();
    CHECK((ran.exit == 130 || ran.exit == 0));  // 0: it was quicker than the signal
    if (ran.exit == 130) CHECK(ran.err.find("[cancelled]") != std::string::npos);
    CHECK(game.run("import", {game.path("in.jsonl"), "--type", "=n"}).exit == 0);
    CHECK(game.events() == 60000);
    CHECK(game.json("verify").at("ok") == true);
}
