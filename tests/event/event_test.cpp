#include <daybook/event/event.hpp>

#include "event/samples.hpp"
#include "event/thrown.hpp"

using namespace daybook;

namespace {

ErrorCode refused(const NewEvent& event, const Limits& limits = {}) {
    return thrown_code([&] { return checked(event, limits); });
}

std::string message(const NewEvent& event, const Limits& limits = {}) {
    return thrown([&] { return checked(event, limits); }).what();
}

}  // namespace

TEST_CASE("event: a view gives back the event it lends") {
    const Event event = sample_event();
    const std::string tags = tags_to_json(event.tags);
    CHECK(view_of(event, tags).to_event() == event);
}

TEST_CASE("event: a view of an event without correlation, cause and tags gives it back too") {
    Event event = sample_event();
    event.correlation_id.reset();
    event.causation_id.reset();
    event.tags.clear();
    CHECK(view_of(event, "{}").to_event() == event);
}

TEST_CASE("checked: only the type must be given") {
    const NewEvent event = checked({.type = "player:moved"});
    CHECK(event == NewEvent{.type = "player:moved"});
    CHECK(event.payload == "{}");
    CHECK(event.stream == "main");
    CHECK(event.source == "engine");
}

TEST_CASE("checked: payload and metadata come back minified, and nothing else is changed") {
    NewEvent event{.type = "t", .payload = " [ 1.0 ] ", .id = "x", .metadata = "{ \"a\" : 1 }"};
    event.tags = {{"k", "v"}};
    const NewEvent result = checked(event);
    CHECK(result.payload == "[1.0]");
    CHECK(result.metadata == "{\"a\":1}");
    event.payload = result.payload;
    event.metadata = result.metadata;
    CHECK(result == event);
}

TEST_CASE("checked: an empty name is refused by its field, an empty id is not") {
    CHECK(refused({.type = ""}) == ErrorCode::invalid_name);
    CHECK_THAT(message({.type = ""}), Catch::Contains("type"));
    CHECK_THAT(message({.type = "t", .stream = ""}), Catch::Contains("stream"));
    CHECK_THAT(message({.type = "t", .event_version = ""}), Catch::Contains("event_version"));
    CHECK_THAT(message({.type = "t", .source = ""}), Catch::Contains("source"));
    CHECK_THAT(message({.type = "t", .correlation_id = ""}), Catch::Contains("correlation_id"));
    CHECK_THAT(message({.type = "t", .causation_id = ""}), Catch::Contains("causation_id"));
    CHECK_THAT(message({.type = "t", .tags = {{"", "v"}}}), Catch::Contains("tag key"));
    CHECK_NOTHROW(checked({.type = "t", .id = ""}));
}

TEST_CASE("checked: names of exactly the cap pass, one byte more is refused") {
    CHECK_NOTHROW(checked({.type = std::string(255, 'a'), .stream = std::string(1024, 's')}));
    CHECK(refused({.type = std::string(256, 'a')}) == ErrorCode::too_large);
    CHECK(refused({.type = "t", .stream = std::string(1025, 's')}) == ErrorCode::too_large);
    CHECK(refused({.type = "t", .id = std::string(256, 'i')}) == ErrorCode::too_large);
    CHECK(refused({.type = "t", .source = std::string(1025, 's')}) == ErrorCode::too_large);
    CHECK(refused({.type = "t", .correlation_id = std::string(1025, 's')}) == ErrorCode::too_large);
    CHECK_THAT(message({.type = std::string(256, 'a')}), Catch::Contains("256 bytes") && Catch::Contains("255"));
}

TEST_CASE("checked: NUL, terminal escapes, DEL and C1 in a name are refused, and shown harmlessly") {
    for (const std::string& bad : {std::string("a\0b", 3), std::string("a\x1b[2J"), std::string("a\nb"),
                                   std::string("a\x7f"), std::string("a\xc2\x9b"), std::string("a\xc2\x80")}) {
        const Error error = thrown([&] { return checked({.type = bad}); });
        CHECK(error.code() == ErrorCode::invalid_name);
        const std::string_view text = error.what();
        CHECK(text.find('\x1b') == std::string_view::npos);
        CHECK(text.find('\n') == std::string_view::npos);
        CHECK(text.find("\xc2\x9b") == std::string_view::npos);
    }
    CHECK_NOTHROW(checked({.type = "a\xc2\xa0\xc3\xa4 b"}));
}

TEST_CASE("checked: a name that is not UTF-8 is refused") {
    CHECK(refused({.type = "a\xff"}) == ErrorCode::invalid_name);
    CHECK(refused({.type = "a\xc2"}) == ErrorCode::invalid_name);
    CHECK(refused({.type = "t", .stream = "\xed\xa0\x80"}) == ErrorCode::invalid_name);
}

TEST_CASE("checked: tags over their caps, or not UTF-8, are refused") {
    Tags tags;
    for (int i = 0; i < 65; ++i) tags.emplace(std::to_string(i), "v");
    CHECK(refused({.type = "t", .tags = tags}) == ErrorCode::too_large);
    CHECK(refused({.type = "t", .tags = {{"k", std::string(1025, 'v')}}}) == ErrorCode::too_large);
    CHECK(refused({.type = "t", .tags = {{"k", "\xff"}}}) == ErrorCode::invalid_utf8);
    CHECK_NOTHROW(checked({.type = "t", .tags = {{"k", ""}, {"l", "two\nlines"}}}));
}

TEST_CASE("checked: a payload that is not JSON, too deep or too large is refused as such") {
    CHECK(refused({.type = "t", .payload = "{"}) == ErrorCode::invalid_json);
    CHECK(refused({.type = "t", .payload = "\"\xff\""}) == ErrorCode::invalid_utf8);
    CHECK(refused({.type = "t", .payload = R"({"a":1,"a":2})"}) == ErrorCode::duplicate_key);
    CHECK(refused({.type = "t", .payload = "1e400"}) == ErrorCode::number_out_of_range);
    CHECK(refused({.type = "t", .payload = std::string(200, '[')}) == ErrorCode::too_deep);
    CHECK(refused({.type = "t", .payload = "\"" + std::string(1 << 20, 'a') + "\""}) == ErrorCode::too_large);
    CHECK_THAT(message({.type = "t", .payload = "{"}), Catch::Contains("payload"));
}

TEST_CASE("checked: any JSON value is a payload, but metadata is an object") {
    CHECK(checked({.type = "t", .payload = "null"}).payload == "null");
    CHECK(checked({.type = "t", .payload = "1"}).payload == "1");
    for (const char* text : {"null", "[]", "1", "\"a\""}) {
        CHECK(refused({.type = "t", .metadata = text}) == ErrorCode::invalid_json);
        CHECK_THAT(message({.type = "t", .metadata = text}), Catch::Contains("metadata"));
    }
}
