// Tests of escaping and measuring text.
#include <catch2/catch.hpp>

#include "cli/escape.hpp"

using namespace daybook::cli;

TEST_CASE("escape: an escape sequence is shown, not obeyed") {
    CHECK(escape_for_terminal("\x1b[2J") == "\\u001b[2J");
    CHECK(escape_for_terminal("\x07 \x7f") == "\\u0007 \\u007f");
}

TEST_CASE("escape: C1 controls are escaped although they are valid UTF-8") {
    CHECK(escape_for_terminal("a\xc2\x9b"
                              "b") == "a\\u009bb");
}

TEST_CASE("escape: bidirectional controls cannot turn a line around") {
    CHECK(escape_for_terminal("\xe2\x80\xae"
                              "cod.exe") == "\\u202ecod.exe");
    CHECK(escape_for_terminal("\xe2\x81\xa6") == "\\u2066");
}

TEST_CASE("escape: text of any script passes") {
    CHECK(escape_for_terminal("Ada, Ådá, 日本, 🎲") == "Ada, Ådá, 日本, 🎲");
}

TEST_CASE("escape: a byte that is not UTF-8 is shown as itself") {
    CHECK(escape_for_terminal("\xff\xc0\x80") == "\\xff\\xc0\\x80");
}

TEST_CASE("escape: only cells escape the newline") {
    CHECK(escape_for_terminal("a\nb") == "a\nb");
    CHECK(escape_cell("a\nb") == "a\\nb");
}

TEST_CASE("escape: bytes that are not UTF-8 become U+FFFD where JSON is written") {
    CHECK(valid_utf8("a\xff") == "a\xEF\xBF\xBD");
    CHECK(valid_utf8("\xed\xa0\x80") == "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST_CASE("escape: wide characters take two columns, combining ones none") {
    CHECK(display_width("Ada") == 3);
    CHECK(display_width("日本") == 4);
    CHECK(display_width("e\xcc\x81") == 1);
}
