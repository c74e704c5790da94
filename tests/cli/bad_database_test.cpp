// What DB may turn out to be: every command refuses it with 5, says why, and leaves it as it was.
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>
#include <catch2/catch.hpp>

#include "cli/game.hpp"

using namespace daybook::clitest;

namespace {

const std::vector<std::vector<std::string>> reading_commands{
    {"tail"},   {"export"},    {"show", "1"}, {"tree", "1"}, {"head"}, {"stats"}, {"query", "SELECT 1"},
    {"replay"}, {"unfinished"}};
const std::vector<std::vector<std::string>> writing_commands{{"emit", "a"}, {"init"}};

void run_sql(const std::string& path, const std::string& sql) {
    sqlite3* db = nullptr;
    REQUIRE(sqlite3_open(path.c_str(), &db) == SQLITE_OK);
    char* message = nullptr;
    const int code = sqlite3_exec(db, sql.c_str(), nullptr, nullptr, &message);
    INFO((message != nullptr ? message : ""));
    sqlite3_close(db);
    REQUIRE(code == SQLITE_OK);
}

void check_refused(const Game& game, const std::vector<std::vector<std::string>>& commands, const std::string& code) {
    const std::string before = game.fingerprint();
    for (const std::vector<std::string>& command : commands) {
        const Ran ran = game.run(command.front(), {command.begin() + 1, command.end()});
        INFO(command.front() << ": exit " << ran.exit << ": " << ran.err);
        CHECK(ran.exit == 5);
        CHECK(ran.out.empty());
        CHECK(ran.err.find("daybook " + command.front() + ": ") == 0);
        CHECK(ran.err.find("game.db") != std::string::npos);
        CHECK(ran.err.find("[" + code + "]") != std::string::npos);
        CHECK(game.fingerprint() == before);
    }
}

}  // namespace

TEST_CASE("bad database: a file that is not there is 5 for commands that read, and is not made") {
    const Game game;
    check_refused(game, reading_commands, "no_such_file");
    check_refused(game, {{"verify"}, {"doctor"}, {"backup", game.path("copy.db")}}, "no_such_file");
}

TEST_CASE("bad database: a file cut short is 5, named, and its reader is told what replaces it") {
    const Game game;
    game.play();
    std::filesystem::resize_file(game.db(), 30'000);
    check_refused(game, {{"tail"}, {"export"}, {"head"}, {"query", "SELECT 1"}}, "corrupt");
    CHECK(game.run("tail").err.find("restore it from a backup") != std::string::npos);
    CHECK(game.run("verify").exit == 1);
}

TEST_CASE("bad database: a directory is 5") {
    const Game game;
    std::filesystem::create_directory(game.db());
    check_refused(game, reading_commands, "unsupported_path");
    check_refused(game, writing_commands, "unsupported_path");
}

TEST_CASE("bad database: a text file is 5 and stays as it was") {
    const Game game;
    write_file(game.db(), "this is my diary, and nothing that a program should write to\n");
    check_refused(game, reading_commands, "not_a_daybook");
    check_refused(game, writing_commands, "not_a_daybook");
}

TEST_CASE("bad database: another program's SQLite file is 5 and stays as it was") {
    const Game game;
    run_sql(game.db(), "CREATE TABLE notes(text); INSERT INTO notes VALUES('mine');");
    check_refused(game, reading_commands, "not_a_daybook");
    check_refused(game, writing_commands, "not_a_daybook");
}

TEST_CASE("bad database: another program's SQLite file with an application_id is 5") {
    const Game game;
    run_sql(game.db(), "PRAGMA application_id = 1196444487; PRAGMA user_version = 1;");
    check_refused(game, reading_commands, "not_a_daybook");
    check_refused(game, writing_commands, "not_a_daybook");
}

TEST_CASE("bad database: a newer Daybook's file is 5 and says so") {
    const Game game;
    game.emit("a");
    run_sql(game.db(), "PRAGMA user_version = 4711; PRAGMA wal_checkpoint(TRUNCATE);");
    check_refused(game, reading_commands, "schema_too_new");
    check_refused(game, writing_commands, "schema_too_new");
}

TEST_CASE("bad database: names that SQLite would take for something else are 5") {
    for (const std::string name : {":memory:", "file:game.db", ""}) {
        const Game game;
        for (const std::string command : {"init", "head"}) {
            const Ran ran = run_daybook({command, name}, {.directory = game.directory()});
            INFO(name << ": " << ran.err);
            CHECK(ran.exit == 5);
            CHECK(ran.err.find("[unsupported_path]") != std::string::npos);
            CHECK(game.fingerprint().empty());
        }
    }
}

TEST_CASE("bad database: a file left by a kill at creation is new: reading is 5 and says init, init makes it") {
    const auto left = GENERATE(as<std::string>{}, "0 bytes", "no tables");
    const Game game;
    if (left == "0 bytes")
        write_file(game.db(), "");
    else
        run_sql(game.db(), "PRAGMA user_version = 0; CREATE TABLE t(x); DROP TABLE t;");
    const std::string before = game.fingerprint();
    for (const std::vector<std::string>& command : reading_commands) {
        const Ran ran = game.run(command.front(), {command.begin() + 1, command.end()});
        INFO(left << ": " << command.front() << ": " << ran.err);
        CHECK(ran.exit == 5);
        CHECK(ran.err.find("init") != std::string::npos);
        CHECK(game.fingerprint() == before);
    }
    CHECK(game.run("init").exit == 0);
    game.emit("a");
    CHECK(game.events() == 1);
}

TEST_CASE("bad database: a read-only file can be read, and writing to it is 5") {
    if (::geteuid() != 0) {
        WARN("skipped: needs root to become somebody else");
        return;
    }
    const Game game;
    game.emit("a");
    // For somebody who may look into the directory and read the file, and nothing more.
    ::chmod(game.directory().c_str(), 0755);
    for (const auto& entry : std::filesystem::directory_iterator(game.directory())) ::chmod(entry.path().c_str(), 0444);
    const std::string before = game.fingerprint();
    const Ran read = game.run("tail", {}, {.unprivileged = true});
    INFO(read.err);
    CHECK(read.exit == 0);
    CHECK(lines_of(read.out).size() == 1);
    const Ran write = game.run("emit", {"b"}, {.unprivileged = true});
    INFO(write.err);
    CHECK(write.exit == 5);
    CHECK((write.err.find("[permission_denied]") != std::string::npos ||
           write.err.find("[read_only]") != std::string::npos));
    CHECK(game.fingerprint() == before);
    CHECK(game.events() == 1);
}

TEST_CASE("bad database: on a full disk emit is 5, what was acknowledged stays, and the next emit goes on") {
    const Game game;
    for (int i = 0; i < 3; ++i) game.emit("a", "{\"n\":" + std::to_string(i) + "}");
    const auto size = std::filesystem::file_size(game.db());
    const Ran ran =
        game.run("emit", {"a", "-"}, {.input = "\"" + std::string(900'000, 'x') + "\"", .file_bytes_max = size + 8192});
    INFO(ran.err);
    CHECK(ran.exit == 5);
    CHECK(ran.out.empty());
    CHECK((ran.err.find("[disk_full]") != std::string::npos || ran.err.find("[io_error]") != std::string::npos ||
           ran.err.find("[commit_in_doubt]") != std::string::npos));
    CHECK(game.events() == 3);
    CHECK(game.emit("a").at("seq") == 4);
    CHECK(game.json("verify", {"--format", "json"}).at("ok") == true);
}

TEST_CASE("bad database: on a full disk init is 5 and can be run again") {
    const Game game;
    const Ran ran = game.run("init", {}, {.file_bytes_max = 8192});
    INFO(ran.err);
    CHECK(ran.exit == 5);
    CHECK(game.run("init").exit == 0);
    CHECK(game.json("verify", {"--format", "json"}).at("ok") == true);
}
