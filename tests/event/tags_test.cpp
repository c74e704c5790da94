#include <daybook/event/tags.hpp>

#include "event/thrown.hpp"

using namespace daybook;

TEST_CASE("tags: the text has its keys in the order of their bytes") {
    CHECK(tags_to_json({}) == "{}");
    CHECK(tags_to_json({{"b", "2"}, {"a", "1"}, {"B", "3"}, {"\xc3\xa4", "4"}}) ==
          "{\"B\":\"3\",\"a\":\"1\",\"b\":\"2\",\"\xc3\xa4\":\"4\"}");
}

TEST_CASE("tags: quotes, backslashes and control characters survive the way there and back") {
    const Tags tags = {{"a\"b", "c\\d"}, {"tab", "x\ty\nz"}, {"nul", std::string("\0", 1)}, {"empty", ""}};
    CHECK(tags_from_json(tags_to_json(tags)) == tags);
}

TEST_CASE("tags: escapes and white space in what is read do not matter") {
    CHECK(tags_from_json(" { \"\\u0061\" : \"\\ud83d\\ude00\" } ") == Tags{{"a", "\xf0\x9f\x98\x80"}});
}

TEST_CASE("tags: anything but an object of strings is refused, with its place") {
    for (const char* text : {"[]", "null", "\"a\"", "{\"a\":1}", "{\"a\":null}", "{\"a\":{}}"}) {
        CAPTURE(text);
        CHECK(thrown_code([&] { return tags_from_json(text); }) == ErrorCode::invalid_json);
    }
    CHECK_THAT(thrown([] { return tags_from_json("{\"a\":\"1\",\"b\":2}"); }).what(), Catch::Contains("byte 13"));
}

TEST_CASE("tags: a key named twice is refused, also when it is spelled differently") {
    CHECK(thrown_code([] { return tags_from_json("{\"a\":\"1\",\"\\u0061\":\"2\"}"); }) == ErrorCode::duplicate_key);
}

TEST_CASE("tags: more of them, or longer ones, than the caps are refused") {
    Limits limits;
    limits.tags_max = 2;
    limits.stream_bytes_max = 4;
    CHECK(tags_from_json(R"({"a":"1234","b":"2"})", limits).size() == 2);
    CHECK(thrown_code([&] { return tags_from_json(R"({"a":"1","b":"2","c":"3"})", limits); }) == ErrorCode::too_large);
    CHECK(thrown_code([&] { return tags_from_json(R"({"a":"12345"})", limits); }) == ErrorCode::too_large);
    CHECK(thrown_code([&] { return tags_from_json(R"({"abcde":""})", limits); }) == ErrorCode::too_large);
}
