#include <daybook/replay/projection.hpp>

#include <fstream>

#include <daybook/event/sha256.hpp>

#include "replay/replay_kit.hpp"

using namespace daybook;
using namespace daybook::test;
using Catch::Matchers::Contains;

namespace {

const std::string head = "-- projection: p\n-- version: 1\n";

std::string refused(const std::string& text) {
    return refusal(ErrorCode::invalid_projection, [&] { (void)Projection::parse(text, "p.sql"); });
}

}  // namespace

TEST_CASE("projection: name, version, parts and their lines are read") {
    const std::string text =
        "-- A scoreboard.\n"
        "-- projection: score board\n"
        "--version: 2.1\n"
        "-- @init\n"
        "CREATE TABLE t(x);\n"
        "-- @on Shot, \"Free Kick\"\n"
        "-- a remark\n"
        "INSERT INTO t VALUES(1);\n"
        "-- @on goal:**\n"
        "DELETE FROM t;";
    const Projection projection = Projection::parse(text, "p.sql");
    CHECK(projection.name() == "score board");
    CHECK(projection.version() == "2.1");
    CHECK(projection.source_hash() == sha256(text));
    REQUIRE(projection.init().size() == 1);
    CHECK(projection.init()[0].sql == "CREATE TABLE t(x);\n");
    CHECK(projection.init()[0].first_line == 5);
    CHECK(projection.init()[0].file == "p.sql");
    REQUIRE(projection.reactions().size() == 2);
    CHECK(projection.reactions()[0].script.first_line == 7);
    CHECK(projection.reactions()[0].script.sql == "-- a remark\nINSERT INTO t VALUES(1);\n");
    CHECK(projection.reactions()[0].matches("Shot"));
    CHECK(projection.reactions()[0].matches("Free Kick"));
    CHECK_FALSE(projection.reactions()[0].matches("Free"));
    CHECK(projection.reactions()[1].script.sql == "DELETE FROM t;");
    CHECK(projection.reactions()[1].matches("goal:a:b"));
}

TEST_CASE("projection: a header inside a string, an identifier or a block comment is not a header") {
    const Projection projection =
        Projection::parse(head +
                              "-- @on *\n"
                              "SELECT '\n-- @on never\n', \"a\n-- @bad\n\", [b\n-- @bad\n], 'it''s\n-- @bad';\n"
                              "/*\n-- @on never\n*/ SELECT 2; SELECT 1 -- @on never\n;\n"
                              "-- @on second\nSELECT 3;",
                          "p.sql");
    REQUIRE(projection.reactions().size() == 2);
    CHECK(projection.reactions()[1].script.first_line == 17);
    CHECK(projection.reactions()[1].matches("second"));
}

TEST_CASE("projection: lines may end as Windows ends them, and the file may begin with a byte order mark") {
    const Projection projection =
        Projection::parse("\xEF\xBB\xBF-- projection: p\r\n-- version: 1\r\n  -- @on a, b\r\nSELECT 1;\r\n", "p.sql");
    CHECK(projection.name() == "p");
    CHECK(projection.version() == "1");
    CHECK(projection.reactions()[0].matches("b"));
}

TEST_CASE("projection: a missing or doubled header is an error that names it") {
    CHECK_THAT(refused("-- version: 1\n-- @on *\nSELECT 1"), Contains("p.sql:2") && Contains("-- projection: NAME"));
    CHECK_THAT(refused("-- projection: p\n-- @on *\nSELECT 1"), Contains("p.sql:2") && Contains("-- version: N"));
    CHECK_THAT(refused(""), Contains("-- projection: NAME"));
    CHECK_THAT(refused(head), Contains("-- @on PATTERN"));
    CHECK_THAT(refused("-- projection: p\n-- projection: q\n"), Contains("p.sql:2") && Contains("second"));
    CHECK_THAT(refused("-- projection:\n"), Contains("says nothing"));
}

TEST_CASE("projection: a part that is misspelt, empty or without patterns is an error with its line") {
    CHECK_THAT(refused(head + "-- @onn *\nSELECT 1"), Contains("p.sql:3") && Contains("@onn"));
    CHECK_THAT(refused(head + "-- @on\nSELECT 1"), Contains("p.sql:3") && Contains("type patterns"));
    CHECK_THAT(refused(head + "-- @on a b\nSELECT 1"), Contains("p.sql:3"));
    CHECK_THAT(refused(head + "-- @on x*\nSELECT 1"), Contains("p.sql:3"));
    CHECK_THAT(refused(head + "-- @init now\nSELECT 1"), Contains("takes nothing"));
    CHECK_THAT(refused(head + "-- @on *\n -- nothing\n"), Contains("p.sql:3") && Contains("no statement"));
}

TEST_CASE("projection: a statement before the first part is an error with its line") {
    CHECK_THAT(refused(head + "\n/* why */\nCREATE TABLE t(x);\n-- @on *\nSELECT 1"), Contains("p.sql:5"));
}

TEST_CASE("projection: text that is not UTF-8 or holds NUL is refused") {
    refusal(ErrorCode::invalid_utf8, [] { (void)Projection::parse(head + "-- @on *\nSELECT '\xff'", "p.sql"); });
    CHECK_THAT(refused(head + std::string("-- @on *\nSELECT '\0'", 19)), Contains("NUL"));
}

TEST_CASE("projection: a file is read whole; one that is missing, a directory or too large is refused") {
    const testkit::TempDirectory directory;
    std::ofstream(directory / "p.sql") << head << "-- @on *\nSELECT 1;";
    CHECK(Projection::load(directory / "p.sql").source_hash() == sha256(head + "-- @on *\nSELECT 1;"));
    refusal(ErrorCode::no_such_file, [&] { (void)Projection::load(directory / "q.sql"); });
    refusal(ErrorCode::unsupported_path, [&] { (void)Projection::load(directory.path()); });
    std::ofstream(directory / "large.sql") << head << std::string((1 << 20) + 1, ' ');
    refusal(ErrorCode::too_large, [&] { (void)Projection::load(directory / "large.sql"); });
}
