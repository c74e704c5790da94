#include <daybook/event/json_text.hpp>

#include <chrono>
#include <nlohmann/json.hpp>

#include "event/json_documents.hpp"
#include "event/thrown.hpp"

using namespace daybook;

namespace {

ErrorCode refused(std::string_view text, const Limits& limits = {}) {
    CAPTURE(std::string(text.substr(0, 80)));
    return thrown_code([&] { return minify_json(text, limits); });
}

std::string message(std::string_view text, const Limits& limits = {}) {
    return thrown([&] { return minify_json(text, limits); }).what();
}

std::string nested(std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
}

}  // namespace

TEST_CASE("minify: white space between tokens goes, inside strings it stays") {
    CHECK(minify_json(" \t\r\n{ \"a b\" : [ 1 , 2 ] , \"c\" : { } , \"d\":[ ] } \n") ==
          "{\"a b\":[1,2],\"c\":{},\"d\":[]}");
    CHECK(minify_json("\" a\\n \"") == "\" a\\n \"");
}

TEST_CASE("minify: numbers, key order and escapes are kept as they were written") {
    for (const char* text :
         {"{\"z\":1,\"a\":2}", "[1.0,1.50,1e5,1E+05,-0,0.1e-7]", "[12345678901234567890123456789]",
          "[0.10000000000000001,17.123456789012345678]", R"(["\u0041","\/","/","\ud83d\ude00","\u0000"])", "[1e-400]",
          "[0e999999999999]", "\"\xc3\xa4\xf0\x9f\x98\x80\"", "\"\x7f\""}) {
        CAPTURE(text);
        CHECK(minify_json(text) == text);
    }
}

TEST_CASE("minify: a bare number, string, true, false or null is a document") {
    for (const char* text : {"0", "-1", "\"\"", "true", "false", "null"}) CHECK(minify_json(text) == text);
}

TEST_CASE("minify: text that is not JSON is refused") {
    for (const char* text : {"",         " ",       "{",         "}",         "[",         "]",           "[1,]",
                             "[,1]",     "[1 2]",   "{,}",       "{\"a\"}",   "{\"a\":}",  "{\"a\":1,}",  "{a:1}",
                             "{'a':1}",  "{1:2}",   "{\"a\" 1}", "[1]]",      "1 2",       "tru",         "nul",
                             "True",     "nan",     "NaN",       "Infinity",  "-Infinity", "+1",          "01",
                             "-01",      "1.",      ".5",        "1e",        "1e+",       "-",           "0x10",
                             "1_0",      "\"",      "\"\\\"",    "\"\\x41\"", "\"\\u12\"", "\"\\u12g4\"", "\"a\nb\"",
                             "\"a\tb\"", "// c\n1", "[1}",       "{\"a\":1]", "\"\\",      "\"\\u",       "[\"a\",",
                             "truefalse"}) {
        CHECK(refused(text) == ErrorCode::invalid_json);
    }
    CHECK(refused(std::string_view("\0", 1)) == ErrorCode::invalid_json);
    CHECK(refused(std::string_view("\"\\\0\"", 4)) == ErrorCode::invalid_json);
    CHECK(refused(std::string_view("1\0", 2)) == ErrorCode::invalid_json);
}

TEST_CASE("minify: a byte order mark is refused by name") {
    CHECK(refused("\xef\xbb\xbf{}") == ErrorCode::invalid_json);
    CHECK_THAT(message("\xef\xbb\xbf{}"), Catch::Contains("byte order mark"));
}

TEST_CASE("minify: the message names the thing and the byte") {
    const Error error = thrown([] { return minify_json("[1,x]", {}, "metadata"); });
    CHECK_THAT(error.what(), Catch::Contains("metadata") && Catch::Contains("at byte 3"));
}

TEST_CASE("minify: bytes that are not UTF-8 are refused, with their place") {
    for (const char* bad : {"\xff", "\x80", "\xc3", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                            "\xf0\x80\x80\xaf", "\xe2\x82", "\xf0\x9f\x98"}) {
        const std::string text = "[\"ab" + std::string(bad) + "\"]";
        CHECK(refused(text) == ErrorCode::invalid_utf8);
        CHECK_THAT(message(text), Catch::Contains("at byte 4"));
    }
    CHECK(refused("{\"\xff\":1}") == ErrorCode::invalid_utf8);
}

TEST_CASE("minify: every duplicate of a key is found, however it is spelled") {
    CHECK(refused(R"({"a":1,"a":2})") == ErrorCode::duplicate_key);
    CHECK(refused(R"({"A":1,"\u0041":2})") == ErrorCode::duplicate_key);
    CHECK(refused("{\"\xf0\x9f\x98\x80\":1,\"\\uD83D\\uDE00\":2}") == ErrorCode::duplicate_key);
    CHECK(refused(R"({"a\/b":1,"a/b":2})") == ErrorCode::duplicate_key);
    CHECK(refused(R"({"":1,"":2})") == ErrorCode::duplicate_key);
    CHECK(refused(R"([{"x":{"a":1,"b":{},"a":2}}])") == ErrorCode::duplicate_key);
    CHECK_THAT(message(R"({"a":1,"\u0061":2})"), Catch::Contains("\"a\"") && Catch::Contains("at byte 7"));
}

TEST_CASE("minify: a duplicate is found among any number of keys, at any two places") {
    for (const int count : {2, 3, 15, 16, 17, 18, 40}) {
        for (int first = 0; first < count - 1; ++first) {
            std::string text = "{";
            for (int i = 0; i < count; ++i) {
                const int key = i == count - 1 ? first : i;
                text += fmt::format("{}\"{}{}\":0", i == 0 ? "" : ",",
                                    std::string(static_cast<std::size_t>(key % 5), 'k'), key);
            }
            CAPTURE(text);
            CHECK(refused(text + "}") == ErrorCode::duplicate_key);
        }
    }
}

TEST_CASE("minify: the same key in different objects is no duplicate") {
    const char* text = R"({"a":{"a":1},"b":[{"a":1},{"a":2}],"A":3})";
    CHECK(minify_json(text) == text);
}

TEST_CASE("minify: an object of 100,000 keys is checked quickly, and its one duplicate found") {
    std::string text = "{";
    for (int i = 0; i < 100'000; ++i) text += fmt::format("{}\"k{}\":0", i == 0 ? "" : ",", i);
    Limits limits;
    limits.payload_bytes_max = 16 << 20;
    const auto start = std::chrono::steady_clock::now();
    CHECK(minify_json(text + "}", limits).size() == text.size() + 1);
    CHECK(refused(text + ",\"k77\":1}", limits) == ErrorCode::duplicate_key);
    // A comparison of each pair would take minutes.
    CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(10));
}

TEST_CASE("minify: a number beyond the range of a double is refused, one that is only long is kept") {
    CHECK(refused("1e400") == ErrorCode::number_out_of_range);
    CHECK(refused("[-1.8e308]") == ErrorCode::number_out_of_range);
    CHECK(refused("1e99999999999999999999") == ErrorCode::number_out_of_range);
    CHECK(refused(std::string(400, '9')) == ErrorCode::number_out_of_range);
    CHECK(refused("0." + std::string(300, '0') + "1e700") == ErrorCode::number_out_of_range);
    CHECK_THAT(message("[1,1e400]"), Catch::Contains("at byte 3"));
    for (const std::string& kept :
         {std::string("1.7976931348623157e308"), std::string(308, '9'), std::string("1e-99999999999999999999"),
          "0." + std::string(400, '0') + "1", "1" + std::string(400, '0') + "e-400", std::string("0e400")}) {
        CHECK(minify_json(kept) == kept);
    }
}

TEST_CASE("minify: an escaped surrogate without its other half is refused") {
    for (const char* text : {R"("\ud800")", R"("\udc00")", R"("\ud800\ud800")", R"("\ud800x")", R"("\udc00\ud800")",
                             R"({"\ud800":1})", R"("\ud800\u0041")"}) {
        CHECK(refused(text) == ErrorCode::invalid_json);
        CHECK_THAT(message(text), Catch::Contains("surrogate"));
    }
}

TEST_CASE("minify: nesting up to the cap is kept, one more is refused") {
    CHECK(minify_json(nested(128)) == nested(128));
    CHECK(refused(nested(129)) == ErrorCode::too_deep);
    CHECK_THAT(message(nested(129)), Catch::Contains("128") && Catch::Contains("at byte 128"));
    CHECK(refused("[[1]]", {.nesting_max = 1}) == ErrorCode::too_deep);
}

TEST_CASE("minify: nesting of 100,000 levels is refused and not followed") {
    CHECK(refused(nested(100'000)) == ErrorCode::too_deep);
    std::string objects;
    for (int i = 0; i < 100'000; ++i) objects += "{\"a\":";
    CHECK(refused(objects) == ErrorCode::too_deep);
}

TEST_CASE("minify: brackets inside strings are not nesting") {
    const std::string text = "\"" + std::string(1000, '[') + "\\\"" + std::string(1000, '{') + "\"";
    CHECK(minify_json(text) == text);
}

TEST_CASE("minify: the cap counts the bytes of the minified text") {
    const Limits limits{.payload_bytes_max = 10};
    CHECK(minify_json("[1,2,3,45]", limits) == "[1,2,3,45]");
    CHECK(minify_json("[ 1, 2, 3, 45 ]          ", limits) == "[1,2,3,45]");
    CHECK(refused("[1,2,3,456]", limits) == ErrorCode::too_large);
    CHECK(refused("\"a\\\"      b\"", limits) == ErrorCode::too_large);
    CHECK_THAT(message("[1,2,3,456]", limits), Catch::Contains("11 bytes") && Catch::Contains("10"));
}

TEST_CASE("minify: the checks come in their order, whichever fault stands first in the text") {
    const Limits tiny{.payload_bytes_max = 4};
    CHECK(refused("[\"\xff\",]", tiny) == ErrorCode::too_large);
    CHECK(refused("[x,\"\xff\"]") == ErrorCode::invalid_utf8);
    CHECK(refused(nested(200) + "\xff") == ErrorCode::invalid_utf8);
    CHECK(refused("[x]" + nested(200)) == ErrorCode::too_deep);
    CHECK(refused(R"([{"a":1,"a":2},x])") == ErrorCode::invalid_json);
    CHECK(refused(R"([1e400,x])") == ErrorCode::invalid_json);
    CHECK(refused(R"([1e400,{"a":1,"a":2}])") == ErrorCode::duplicate_key);
    CHECK(refused(R"(["\ud800",1e400])") == ErrorCode::number_out_of_range);
}

TEST_CASE("minify: minifying twice changes nothing more") {
    CHECK(rc::check("idempotent", [] {
        const std::string once = minify_json(*json_documents());
        RC_ASSERT(minify_json(once) == once);
    }));
}

TEST_CASE("minify: the value stays what it was, says another parser") {
    CHECK(rc::check("same value", [] {
        const std::string text = *json_documents();
        RC_ASSERT(nlohmann::ordered_json::parse(minify_json(text)) == nlohmann::ordered_json::parse(text));
    }));
}

TEST_CASE("minify: what it accepts and refuses is what another parser accepts and refuses") {
    // Single bytes of a good document are changed, taken out or put in. Duplicate keys are ours alone to refuse.
    CHECK(rc::check("same verdict", [] {
        const std::string text = *damaged_json_documents();
        const bool theirs = nlohmann::json::accept(text);
        bool ours = true;
        try {
            static_cast<void>(minify_json(text));
        } catch (const Error& error) {
            ours = error.code() == ErrorCode::duplicate_key;
        }
        RC_CLASSIFY(theirs, "accepted");
        RC_ASSERT(ours == theirs);
    }));
}

TEST_CASE("quote: control characters, quotes and backslashes are escaped, the rest is kept") {
    CHECK(quote_json("") == "\"\"");
    CHECK(quote_json("a\"b\\c/\n\r\t\b\f") == R"("a\"b\\c/\n\r\t\b\f")");
    CHECK(quote_json(std::string_view("\0\x1b\x7f", 3)) == R"("\u0000\u001b\u007f")");
    CHECK(quote_json("\xc3\xa4\xf0\x9f\x98\x80") == "\"\xc3\xa4\xf0\x9f\x98\x80\"");
}

TEST_CASE("quote: the terminal's 8-bit control characters are escaped too") {
    CHECK(quote_json("\xc2\x80\xc2\x9b\xc2\x9f\xc2\xa0") == "\"\\u0080\\u009b\\u009f\xc2\xa0\"");
}

TEST_CASE("quote: any text is read back by another parser") {
    CHECK(rc::check("round trip", [](const std::string& bytes) {
        const std::string text = replace_invalid_utf8(bytes);
        RC_ASSERT(nlohmann::json::parse(quote_json(text)).get<std::string>() == text);
    }));
    std::string out = "x";
    append_quoted_json(out, "y");
    CHECK(out == "x\"y\"");
}

TEST_CASE("utf-8: the first bad byte is found, at any place") {
    CHECK(find_invalid_utf8("") == std::string_view::npos);
    CHECK(find_invalid_utf8("plain text of more than eight bytes") == std::string_view::npos);
    CHECK(find_invalid_utf8("\xf4\x8f\xbf\xbf\xee\x80\x80\xdf\xbf") == std::string_view::npos);
    for (std::size_t place = 0; place < 40; ++place) {
        CHECK(find_invalid_utf8(std::string(place, 'a') + "\xff" + "bcdefghijk") == place);
        CHECK(find_invalid_utf8(std::string(place, 'a') + "\xed\xa0\x80") == place);
    }
}

TEST_CASE("utf-8: each bad byte becomes one replacement character") {
    CHECK(replace_invalid_utf8("good \xc3\xa4") == "good \xc3\xa4");
    CHECK(replace_invalid_utf8("a\xff\xfe"
                               "b\xc3") ==
          "a\xef\xbf\xbd\xef\xbf\xbd"
          "b\xef\xbf\xbd");
}
