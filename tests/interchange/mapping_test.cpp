// Field sources, numeric times, and lines that become events.
#include <daybook/interchange/mapping.hpp>

#include <catch2/catch.hpp>

#include <daybook/event/error.hpp>

#include "interchange_kit.hpp"

namespace daybook {
namespace {

Mapping typed(std::string_view type = "/kind") {
    return {.type = FieldSource::parse(type)};
}

NewEvent mapped(const Mapping& mapping, std::string_view line) {
    return LineMapper(mapping).map(line).event;
}

Error refused(const Mapping& mapping, std::string_view line) {
    return error_of([&] { static_cast<void>(LineMapper(mapping).map(line)); });
}

TEST_CASE("field source: a pointer's tokens are unescaped, ~01 is ~1") {
    CHECK(FieldSource::parse("/a~1b/m~0n/~01/").tokens() == std::vector<std::string>{"a/b", "m~n", "~1", ""});
    CHECK(FieldSource::parse("").tokens().empty());
}

TEST_CASE("field source: a literal begins with '=', a fallback with '?='") {
    CHECK(FieldSource::parse("=a?=b").is_literal());
    CHECK(FieldSource::parse("=a?=b").fallback() == "a?=b");
    const FieldSource source = FieldSource::parse("/a?=x?=y");
    CHECK_FALSE(source.is_literal());
    CHECK(source.pointer() == "/a");
    CHECK(source.fallback() == "x?=y");
    CHECK_FALSE(FieldSource::parse("/a").fallback().has_value());
}

TEST_CASE("field source: what is no pointer is refused") {
    for (const char* text : {"a", "a/b", "/a~", "/a~2", "?x", "/\xff"}) {
        INFO(text);
        CHECK(error_of([&] { static_cast<void>(FieldSource::parse(text)); }).code() == ErrorCode::invalid_pointer);
    }
}

TEST_CASE("numeric time: every unit counts from 1970, to the nanosecond, without rounding") {
    CHECK(parse_numeric_time("12.345", TimeUnit::seconds).ns == 12'345'000'000);
    CHECK(parse_numeric_time("1530000000.123456789", TimeUnit::seconds).ns == 1'530'000'000'123'456'789);
    CHECK(parse_numeric_time("1530000000123.4567899", TimeUnit::milliseconds).ns == 1'530'000'000'123'456'789);
    CHECK(parse_numeric_time("1.5e9", TimeUnit::seconds).ns == 1'500'000'000'000'000'000);
    CHECK(parse_numeric_time("15E-1", TimeUnit::microseconds).ns == 1'500);
    CHECK(parse_numeric_time("9223372036854775807", TimeUnit::nanoseconds).ns == 9'223'372'036'854'775'807);
    CHECK(parse_numeric_time("-3", TimeUnit::seconds).ns == -3'000'000'000);
    CHECK(parse_numeric_time("0.0000000001", TimeUnit::seconds).ns == 0);
    CHECK(parse_numeric_time("0e999999999999", TimeUnit::seconds).ns == 0);
    CHECK(parse_numeric_time("1e-999999999999", TimeUnit::seconds).ns == 0);
}

TEST_CASE("numeric time: what is no number, or outside the range, is refused") {
    for (const char* text : {"", "x", "1.", ".5", "01", "1e", "+1", "1 ", "9223372037", "1e300", "0x10"}) {
        INFO(text);
        CHECK(error_of([&] { static_cast<void>(parse_numeric_time(text, TimeUnit::seconds)); }).code() ==
              ErrorCode::invalid_time);
    }
}

TEST_CASE("mapping: without more than a type, the whole line minified is the payload and the rest is by default") {
    const MappedLine line = LineMapper(typed()).map(R"( { "kind" : "a:b" , "n" : [ 1 , 2 ] } )");
    CHECK(line.event.type == "a:b");
    CHECK(line.event.payload == R"({"kind":"a:b","n":[1,2]})");
    CHECK(line.event.stream == "main");
    CHECK(line.event.source == "engine");
    CHECK(line.event.event_version == "1");
    CHECK(line.event.metadata == "{}");
    CHECK(line.event.id.empty());
    CHECK_FALSE(line.event.occurred_at.has_value());
    CHECK(line.without_time);
}

TEST_CASE("mapping: every field can come from a pointer") {
    Mapping mapping = typed();
    mapping.stream = FieldSource::parse("/s/0");
    mapping.id = FieldSource::parse("/i");
    mapping.time = FieldSource::parse("/t");
    mapping.payload = FieldSource::parse("/p");
    mapping.metadata = FieldSource::parse("/m");
    mapping.event_version = FieldSource::parse("/v");
    mapping.causation = FieldSource::parse("/c");
    mapping.correlation = FieldSource::parse("/r");
    mapping.source = FieldSource::parse("/o");
    mapping.tags = {{"k", FieldSource::parse("/g/x~1y")}, {"l", FieldSource::parse("=fixed")}};
    const NewEvent event = mapped(mapping, R"({"kind":"K","s":["lane"],"i":7,"t":"2018-06-14T15:00:00+02:00",
        "p":{ "q" : 1.50 },"m":{"w": true},"v":2,"c":"cause","r":"run","o":"src","g":{"x/y":false}})");
    CHECK(event.type == "K");
    CHECK(event.stream == "lane");
    CHECK(event.id == "7");
    CHECK(event.occurred_at == Timestamp::parse("2018-06-14T13:00:00Z"));
    CHECK(event.payload == R"({"q":1.50})");
    CHECK(event.metadata == R"({"w":true})");
    CHECK(event.event_version == "2");
    CHECK(event.causation_id == "cause");
    CHECK(event.correlation_id == "run");
    CHECK(event.source == "src");
    CHECK(event.tags == Tags{{"k", "false"}, {"l", "fixed"}});
}

TEST_CASE("mapping: numbers keep their source text, in names and in payloads") {
    Mapping mapping = typed();
    mapping.id = FieldSource::parse("/n");
    mapping.payload = FieldSource::parse("/p");
    const NewEvent event = mapped(
        mapping,
        R"({"kind":"k","n":123456789012345678901234567890,"p":[1.6562140000000003,1.0,1E5,-0,18446744073709551616]})");
    CHECK(event.id == "123456789012345678901234567890");
    CHECK(event.payload == "[1.6562140000000003,1.0,1E5,-0,18446744073709551616]");
}

TEST_CASE("mapping: strings and keys are unescaped, a payload's are not touched") {
    Mapping mapping = typed(R"(/k"y)");
    mapping.payload = FieldSource::parse("/p");
    const NewEvent event = mapped(mapping, R"({"k\u0022y":"caf\u00e9 \ud83d\ude00 \"q\" \/\\","p":"\u0041\/"})");
    CHECK(event.type == "caf\xc3\xa9 \xf0\x9f\x98\x80 \"q\" /\\");
    CHECK(event.payload == R"("\u0041\/")");
}

TEST_CASE("mapping: brackets and quotes inside strings do not mislead the search") {
    Mapping mapping = typed("/z/kind");
    const NewEvent event =
        mapped(mapping, R"({"a":"}]\"{[,","b":{"kind":"no","c":["]","\\"]},"z":{"y":[[],{}],"kind":"yes"}})");
    CHECK(event.type == "yes");
}

TEST_CASE("mapping: a pointer into an array takes an index without leading zeros, and '-' finds nothing") {
    CHECK(mapped(typed("/2"), R"(["a",{"b":1},"c"])").type == "c");
    for (const char* pointer : {"/00", "/-", "/3", "/0/x"}) {
        INFO(pointer);
        CHECK(refused(typed(pointer), R"(["a",{"b":1},"c"])").code() == ErrorCode::invalid_pointer);
    }
}

TEST_CASE("mapping: a pointer that finds nothing is an error that names field and pointer") {
    const Error error = refused(typed("/not/there"), R"({"not":1})");
    CHECK(error.code() == ErrorCode::invalid_pointer);
    CHECK_THAT(error.what(), Catch::Contains("type") && Catch::Contains("/not/there"));
}

TEST_CASE("mapping: null counts as nothing found, with and without a fallback") {
    CHECK(refused(typed(), R"({"kind":null})").code() == ErrorCode::invalid_pointer);
    CHECK(mapped(typed("/kind?=other"), R"({"kind":null})").type == "other");
    CHECK(mapped(typed("/kind?=other"), R"({})").type == "other");
    CHECK(mapped(typed("/kind?=other"), R"({"kind":"null"})").type == "null");
}

TEST_CASE("mapping: an empty fallback leaves time, cause, correlation, metadata and tags out") {
    Mapping mapping = typed();
    mapping.time = FieldSource::parse("/t?=");
    mapping.causation = FieldSource::parse("/c?=");
    mapping.correlation = FieldSource::parse("/r?=");
    mapping.metadata = FieldSource::parse("/m?=");
    mapping.tags = {{"g", FieldSource::parse("/g?=")}};
    const MappedLine line = LineMapper(mapping).map(R"({"kind":"k","t":null})");
    CHECK(line.without_time);
    CHECK_FALSE(line.event.occurred_at.has_value());
    CHECK_FALSE(line.event.causation_id.has_value());
    CHECK_FALSE(line.event.correlation_id.has_value());
    CHECK(line.event.metadata == "{}");
    CHECK(line.event.tags.empty());
}

TEST_CASE("mapping: an empty fallback is refused where something must be there, all faults at once") {
    Mapping mapping = typed("/kind?=");
    mapping.stream = FieldSource::parse("/s?=");
    mapping.id = FieldSource::parse("=");
    mapping.tags = {{"a", FieldSource::parse("/x")}, {"a", FieldSource::parse("/y")}};
    mapping.time_unit = TimeUnit::seconds;
    const Error error = error_of([&] { mapping.validate(); });
    CHECK(error.code() == ErrorCode::invalid_argument);
    CHECK_THAT(error.what(), Catch::Contains("type") && Catch::Contains("stream") && Catch::Contains("id") &&
                                 Catch::Contains("'a'") && Catch::Contains("time unit"));
    CHECK(error_of([] { Mapping{}.validate(); }).code() == ErrorCode::invalid_argument);
}

TEST_CASE("mapping: an object or array is no text") {
    CHECK(refused(typed(), R"({"kind":{"a":1}})").code() == ErrorCode::invalid_pointer);
    CHECK(refused(typed(), R"({"kind":[]})").code() == ErrorCode::invalid_pointer);
}

TEST_CASE("mapping: a numeric time needs its unit, a time as text does not") {
    Mapping mapping = typed();
    mapping.time = FieldSource::parse("/t");
    CHECK(refused(mapping, R"({"kind":"k","t":12})").code() == ErrorCode::invalid_time);
    mapping.time_unit = TimeUnit::seconds;
    CHECK(mapped(mapping, R"({"kind":"k","t":12.345})").occurred_at == Timestamp{12'345'000'000});
    CHECK(mapped(mapping, R"({"kind":"k","t":"12.345"})").occurred_at == Timestamp{12'345'000'000});
    CHECK(mapped(mapping, R"({"kind":"k","t":"2018-06-14"})").occurred_at == Timestamp::parse("2018-06-14T00:00:00Z"));
    CHECK(refused(mapping, R"({"kind":"k","t":"yesterday"})").code() == ErrorCode::invalid_time);
    CHECK(refused(mapping, R"({"kind":"k","t":true})").code() == ErrorCode::invalid_time);
}

TEST_CASE("mapping: an id that is found and empty is refused") {
    Mapping mapping = typed();
    mapping.id = FieldSource::parse("/i");
    CHECK(refused(mapping, R"({"kind":"k","i":""})").code() == ErrorCode::invalid_name);
}

TEST_CASE("mapping: a payload may be any JSON value, metadata must be an object") {
    Mapping mapping = typed("=t");
    mapping.payload = FieldSource::parse("/p");
    CHECK(mapped(mapping, R"({"p":12})").payload == "12");
    CHECK(mapped(mapping, R"({"p":"x"})").payload == R"("x")");
    mapping.payload = FieldSource::parse("/p?=null");
    CHECK(mapped(mapping, R"({})").payload == "null");
    mapping.metadata = FieldSource::parse("/m");
    CHECK_THROWS_AS(mapped(mapping, R"({"m":[1]})"), Error);
}

TEST_CASE("mapping: a payload literal that is not JSON is refused before any line is read") {
    Mapping mapping = typed("=t");
    mapping.payload = FieldSource::parse("={oops");
    CHECK(error_of([&] { LineMapper mapper(mapping); }).code() == ErrorCode::invalid_json);
}

TEST_CASE("mapping: bad lines are refused with the reason's own code") {
    const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
    CHECK(refused(typed("=t"), "{oops").code() == ErrorCode::invalid_json);
    CHECK(refused(typed("=t"), "{\"a\":\"\xff\"}").code() == ErrorCode::invalid_utf8);
    CHECK(refused(typed("=t"), deep).code() == ErrorCode::too_deep);
    CHECK(refused(typed("=t"), R"({"a":1,"\u0061":2})").code() == ErrorCode::duplicate_key);
    CHECK(refused(typed("=t"), R"({"a":1e400})").code() == ErrorCode::number_out_of_range);
    CHECK(refused(typed("=t"), "{\"a\":\"" + std::string(std::size_t{1} << 20, 'x') + "\"}").code() ==
          ErrorCode::too_large);
    CHECK(refused(typed(), R"({"kind":""})").code() == ErrorCode::invalid_name);
    CHECK(refused(typed(), R"({"kind":"a\u0000b"})").code() == ErrorCode::invalid_name);
    CHECK(refused(typed(), R"({"kind":"\u001b[31m"})").code() == ErrorCode::invalid_name);
}

TEST_CASE("mapping: a message that repeats a part of what it refuses cuts it between characters") {
    const std::string text = "/" + std::string(58, 'a') + "\xc3\xa4~";  // the cut would fall between the two bytes
    const Error error = error_of([&] { static_cast<void>(FieldSource::parse(text)); });
    CHECK_THAT(error.what(), Catch::Contains("aaa…'") && !Catch::Contains("\xef\xbf\xbd"));
}

TEST_CASE("mapping: a line may be larger than the payload cap when the payload is a small part of it") {
    Mapping mapping = typed("=t");
    mapping.payload = FieldSource::parse("/p");
    CHECK(mapped(mapping, "{\"big\":\"" + std::string(std::size_t{2} << 20, 'x') + "\",\"p\":1}").payload == "1");
}

}  // namespace
}  // namespace daybook
