#include "middleware/log_text.hpp"

#include <catch2/catch.hpp>

namespace daybook {

namespace {

std::string escaped(std::string_view text) {
    std::string out;
    append_escaped(out, text);
    return out;
}

std::string field(std::string_view value) {
    std::string out;
    append_field(out, "k", value);
    return out;
}

}  // namespace

TEST_CASE("log text: what could end a line, repaint a terminal or turn text round is escaped") {
    CHECK(escaped("a\nb\r\tc") == "a\\nb\\r\\tc");
    CHECK(escaped(std::string_view("\0\x1b[2J\x7f", 6)) == "\\u{0}\\u{1b}[2J\\u{7f}");
    CHECK(escaped("\xc2\x85\xc2\x9b") == "\\u{85}\\u{9b}");              // C1: next line, CSI
    CHECK(escaped("\xe2\x80\xae\xe2\x81\xa6") == "\\u{202e}\\u{2066}");  // overrides, isolates
    CHECK(escaped("\xe2\x80\xa8\xe2\x80\xa9") == "\\u{2028}\\u{2029}");  // line separators
    CHECK(escaped("\xef\xbb\xbf\xe2\x80\x8b") == "\\u{feff}\\u{200b}");  // byte order mark, zero width space
    CHECK(escaped("\xf3\xa0\x81\x81") == "\\u{e0041}");                  // invisible tag letters
}

TEST_CASE("log text: bytes that are not UTF-8 are shown as such") {
    CHECK(escaped("a\xff\xc3") == "a\\xff\\xc3");
    CHECK(escaped("\xed\xa0\x80") == "\\xed\\xa0\\x80");  // a surrogate
    CHECK(escaped("\xc0\x8a") == "\\xc0\\x8a");           // an overlong newline
}

TEST_CASE("log text: letters of any script stay as they are") {
    CHECK(escaped("größe 東京 🎉") == "größe 東京 🎉");
}

TEST_CASE("log text: a value with anything but plain characters stands in quotes") {
    CHECK(field("player:moved") == " k=player:moved");
    CHECK(field("") == " k=\"\"");
    CHECK(field("a b") == " k=\"a b\"");
    CHECK(field("x status=completed") == " k=\"x status=completed\"");
    CHECK(field("say \"hi\"") == " k=\"say \\\"hi\\\"\"");
    CHECK(field("back\\slash") == " k=\"back\\\\slash\"");
}

TEST_CASE("log text: a prefix never cuts a character") {
    CHECK(utf8_prefix("äb", 1).empty());
    CHECK(utf8_prefix("äb", 2) == "ä");
    CHECK(utf8_prefix("ab", 9) == "ab");
}

}  // namespace daybook
