#include <daybook/replay/state_json.hpp>

#include <limits>

#include <nlohmann/json.hpp>

#include "replay/replay_kit.hpp"

using namespace daybook;
using namespace daybook::test;

namespace {

std::string json(const SqlValue& value) {
    std::string out;
    append_json(out, value);
    return out;
}

StateDatabase made(const std::string& init) {
    StateDatabase state = StateDatabase::in_memory();
    state.initialise({.projection = "p", .version = "1", .source_hash = {}, .window = "{}"}, {},
                     {{.sql = init, .file = "p.sql"}});
    return state;
}

}  // namespace

TEST_CASE("state json: each type of cell has its own form") {
    CHECK(json(std::monostate{}) == "null");
    CHECK(json(std::numeric_limits<std::int64_t>::min()) == "-9223372036854775808");
    CHECK(json(std::string("a\"\n\x1b")) == R"("a\"\n\u001b")");
    CHECK(json(SqlBlob{std::string("\0\xff\x1a", 3)}) == R"("00ff1a")");
}

TEST_CASE("state json: a real keeps its value and stays a real") {
    CHECK(json(1.0) == "1.0");
    CHECK(json(-0.1) == "-0.1");
    CHECK(json(1e300) == "1e+300");
    CHECK(json(0.1 + 0.2) == "0.30000000000000004");
    CHECK(json(std::numeric_limits<double>::infinity()) == "\"Infinity\"");
    CHECK(json(-std::numeric_limits<double>::infinity()) == "\"-Infinity\"");
}

TEST_CASE("state json: bytes of a text that are not UTF-8 are replaced") {
    CHECK(json(std::string("a\xff\xfe"
                           "b")) ==
          "\"a\xEF\xBF\xBD\xEF\xBF\xBD"
          "b\"");
}

TEST_CASE("state json: tables by name, rows by primary key, and nothing of the bookkeeping") {
    StateDatabase state =
        made("CREATE TABLE b(k PRIMARY KEY, v); CREATE TABLE a(x); INSERT INTO b VALUES(2, 'x'), (1, NULL)");
    CHECK(json_of(state) == R"({"a":[],"b":[{"k":1,"v":null},{"k":2,"v":"x"}]})");
}

TEST_CASE("state json: a state without tables is an empty object") {
    StateDatabase state = made("SELECT 1");
    CHECK(json_of(state) == "{}");
}

TEST_CASE("state json: a large state comes in many pieces that make one JSON text") {
    StateDatabase state = made(
        "CREATE TABLE t(x); WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 5000) "
        "INSERT INTO t SELECT printf('%0200d', i) FROM c");
    std::string text;
    std::size_t pieces = 0;
    std::size_t largest = 0;
    write_state_json(state, [&](std::string_view piece) {
        text += piece;
        ++pieces;
        largest = std::max(largest, piece.size());
    });
    CHECK(pieces > 50);
    CHECK(largest < 20'000);
    CHECK(nlohmann::json::parse(text)["t"].size() == 5000);
}
