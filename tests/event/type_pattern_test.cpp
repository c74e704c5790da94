#include <daybook/event/type_pattern.hpp>

#include "event/thrown.hpp"

using namespace daybook;

namespace {

bool matches(std::string_view pattern, std::string_view type) {
    return TypePattern(pattern).matches(type);
}

std::string refusal(std::string_view pattern) {
    const Error error = thrown([&] { return TypePattern(pattern); });
    CHECK(error.code() == ErrorCode::invalid_pattern);
    return error.what();
}

std::vector<std::string> texts(std::string_view list) {
    std::vector<std::string> all;
    for (const TypePattern& pattern : parse_pattern_list(list)) all.emplace_back(pattern.text());
    return all;
}

std::string list_refusal(std::string_view list) {
    const Error error = thrown([&] { return parse_pattern_list(list); });
    CHECK(error.code() == ErrorCode::invalid_pattern);
    return error.what();
}

}  // namespace

TEST_CASE("pattern: '*' alone matches every type, of any number of segments") {
    CHECK(matches("*", "Shot"));
    CHECK(matches("*", "player:move"));
    CHECK(matches("*", "a.b:c.d"));
    CHECK(TypePattern("*").matches_all());
    CHECK(TypePattern().matches_all());
    CHECK(TypePattern("**").matches_all());
}

TEST_CASE("pattern: a pattern without asterisks matches exactly its type") {
    CHECK(matches("player:move", "player:move"));
    CHECK_FALSE(matches("player:move", "player:moved"));
    CHECK_FALSE(matches("player:move", "player"));
    CHECK(matches("Free Kick", "Free Kick"));
}

TEST_CASE("pattern: a '*' segment stands for exactly one segment") {
    CHECK(matches("player:*", "player:move"));
    CHECK_FALSE(matches("player:*", "player"));
    CHECK_FALSE(matches("player:*", "player:move:fast"));
    CHECK(matches("*:finish", "run:finish"));
    CHECK_FALSE(matches("*:finish", "run:phase:finish"));
    CHECK(matches("a.*.c", "a.b.c"));
    CHECK_FALSE(matches("a.*.c", "a.c"));
}

TEST_CASE("pattern: a final '**' stands for one segment or more") {
    CHECK(matches("phase.**", "phase.complete"));
    CHECK(matches("phase.**", "phase.complete.now:really"));
    CHECK_FALSE(matches("phase.**", "phase"));
    CHECK_FALSE(matches("phase.**", "phases.complete"));
}

TEST_CASE("pattern: ':' and '.' are not the same separator") {
    CHECK_FALSE(matches("a:b", "a.b"));
    CHECK_FALSE(matches("a:*", "a.b"));
    CHECK_FALSE(matches("a:**", "a.b"));
    CHECK_FALSE(matches("*.b", "a:b"));
    CHECK_FALSE(matches("a:*.c", "a.b:c"));
}

TEST_CASE("pattern: empty segments count as segments") {
    CHECK(matches("a:*", "a:"));
    CHECK(matches("*:b", ":b"));
    CHECK(matches("a::b", "a::b"));
    CHECK_FALSE(matches("a:*", "a::"));
}

TEST_CASE("pattern: an escaped asterisk or backslash is a literal one") {
    CHECK(matches("a:\\*", "a:*"));
    CHECK_FALSE(matches("a:\\*", "a:b"));
    CHECK(matches("5\\*3", "5*3"));
    CHECK(matches("a\\\\b", "a\\b"));
}

TEST_CASE("pattern: a pattern that only one type can match says which") {
    const TypePattern literal("a:\\*.b");
    CHECK(literal.is_literal());
    CHECK(literal.literal() == "a:*.b");
    CHECK(literal.text() == "a:\\*.b");
    CHECK_FALSE(TypePattern("a:*").is_literal());
    CHECK_FALSE(TypePattern("*").is_literal());
    CHECK_FALSE(TypePattern("a.b").matches_all());
}

TEST_CASE("pattern: patterns are equal when they are written alike") {
    CHECK(TypePattern("a:*") == TypePattern("a:*"));
    CHECK_FALSE(TypePattern("*") == TypePattern("**"));
}

TEST_CASE("pattern: what cannot be read is refused, with the reason and the column") {
    CHECK_THAT(refusal(""), Catch::Contains("empty"));
    CHECK_THAT(refusal("pla*er"), Catch::Contains("inside a word") && Catch::Contains("column 1"));
    CHECK_THAT(refusal("a:*b"), Catch::Contains("inside a word") && Catch::Contains("column 3"));
    CHECK_THAT(refusal("\\**"), Catch::Contains("inside a word"));
    CHECK_THAT(refusal("a:b*"), Catch::Contains("inside a word"));
    CHECK_THAT(refusal("a:**.b"), Catch::Contains("not the last"));
    CHECK_THAT(refusal("***"), Catch::Contains("more than two"));
    CHECK_THAT(refusal("a\\b"), Catch::Contains("backslash") && Catch::Contains("column 2"));
    CHECK_THAT(refusal("a\\"), Catch::Contains("backslash"));
    CHECK_THAT(refusal("a\xff"), Catch::Contains("UTF-8"));
}

TEST_CASE("pattern list: commas separate, blanks around patterns do not count") {
    CHECK(texts("Shot") == std::vector<std::string>{"Shot"});
    CHECK(texts(" Shot ,player:*,\tphase.** ") == std::vector<std::string>{"Shot", "player:*", "phase.**"});
}

TEST_CASE("pattern list: quotes hold spaces, commas and doubled quotes") {
    CHECK(texts("Shot, \"Free Kick\"") == std::vector<std::string>{"Shot", "Free Kick"});
    CHECK(texts("\"a,b\",\"say \"\"hi\"\"\"") == std::vector<std::string>{"a,b", "say \"hi\""});
}

TEST_CASE("pattern list: a malformed one is refused and the column is named") {
    CHECK_THAT(list_refusal(""), Catch::Contains("missing at column 1"));
    CHECK_THAT(list_refusal("Shot,"), Catch::Contains("missing at column 6"));
    CHECK_THAT(list_refusal("Shot,,Pass"), Catch::Contains("missing at column 6"));
    CHECK_THAT(list_refusal("Free Kick"), Catch::Contains("comma") && Catch::Contains("column 6"));
    CHECK_THAT(list_refusal("Shot, \"Free"), Catch::Contains("not closed at column 7"));
    CHECK_THAT(list_refusal("\"a\"b"), Catch::Contains("column 4"));
    CHECK_THAT(list_refusal("a\"b"), Catch::Contains("double quote") && Catch::Contains("column 2"));
    CHECK_THAT(list_refusal("Shot, a*b"), Catch::Contains("column 7") && Catch::Contains("inside a word"));
    CHECK_THAT(list_refusal("Shot, a*b"), !Catch::Contains("asterisk [invalid_pattern]"));  // one code, at the end
    CHECK_THAT(list_refusal("\"\""), Catch::Contains("missing at column 1"));
}
