#include <daybook/event/event_line.hpp>

#include <daybook/event/json_text.hpp>

#include "event/json_documents.hpp"
#include "event/samples.hpp"
#include "event/thrown.hpp"

using namespace daybook;

namespace {

const std::string event_text =
    R"({"seq":42,"id":"0190163d-8694-739b-aea5-966c26f8ad91","type":"player:move","event_version":"2",)"
    R"("stream":"player-7","version":3,"source":"arena","correlation_id":"run-1",)"
    R"("causation_id":"0190163d-8694-739b-aea5-966c26f8ad90","occurred_at":"2026-01-31T12:00:00.000000000Z",)"
    R"("recorded_at":"2026-01-31T12:00:00.000123456Z","tags":{"arena":"n\"orth","level":"9"},)"
    R"("payload":{"z":1.0,"a":[12345678901234567890,"\u0041"]},"metadata":{"host":"a"}})";

const std::string result_text =
    R"({"result_seq":7,"event_seq":42,"event_id":"0190163d-8694-739b-aea5-966c26f8ad91","bus":"main",)"
    R"("handler":"score","attempt":2,"status":"completed","owner":"host/77/1","result":{"goals":2.50},)"
    R"("error_type":"std::runtime_error","error_message":"it \"broke\"",)"
    R"("started_at":"2026-01-31T12:00:01.000000000Z","finished_at":"2026-01-31T12:00:01.500000000Z",)"
    R"("emitted":["e-1","e-2"],"note":"a re-run that differed","imported":true,"events_head":44,)"
    R"("recorded_at":"2026-01-31T12:00:02.000000000Z","duration_ns":500000000})";

// As the line holds it: without the digest.
Event without_digest(Event event) {
    event.digest = {};
    return event;
}

Event parsed_event(std::string_view line) {
    return std::get<Event>(parse_line(line));
}

std::string with(std::string_view key_and_value) {
    return R"({"id":"i","type":"t","occurred_at":"2026-01-31","payload":{})" +
           (key_and_value.empty() ? "" : "," + std::string(key_and_value)) + "}";
}

std::string refusal(std::string_view line) {
    const Error error = thrown([&] { return parse_line(line); });
    CHECK(error.code() == ErrorCode::invalid_line);
    return error.what();
}

}  // namespace

TEST_CASE("event line: the keys, their order and their forms are those of the manual") {
    CHECK(to_line(sample_event()) == event_text);
}

TEST_CASE("event line: no correlation and no cause are null, no tags an empty object") {
    Event event = sample_event();
    event.correlation_id.reset();
    event.causation_id.reset();
    event.tags.clear();
    CHECK_THAT(to_line(event),
               Catch::Contains(R"("correlation_id":null,"causation_id":null,)") && Catch::Contains(R"("tags":{},)"));
    CHECK(parsed_event(to_line(event)) == without_digest(event));
}

TEST_CASE("event line: a view writes what its event writes, after what is there") {
    const Event event = sample_event();
    const std::string tags = tags_to_json(event.tags);
    std::string out = "x";
    append_line(out, view_of(event, tags));
    CHECK(out == "x" + to_line(event));
}

TEST_CASE("event line: an event is read back, payload and metadata byte for byte") {
    CHECK(parsed_event(event_text) == without_digest(sample_event()));
}

TEST_CASE("event line: any payload survives, byte for byte") {
    CHECK(rc::check("round trip", [] {
        Event event = without_digest(sample_event());
        event.payload = minify_json(*json_documents());
        event.type = "t" + quote_json(*rc::gen::element<std::string>("", "\"", "\\", "\xc3\xa4"));
        RC_ASSERT(parsed_event(to_line(event)) == event);
    }));
}

TEST_CASE("event line: white space that somebody added is taken out of payload, metadata and result") {
    const Event event = parsed_event(
        " { \"id\" : \"i\" , \"type\":\"t\", \"occurred_at\": \"2026-01-31\",\"payload\" : { \"a\" : [ 1.0 ] } ,"
        "\"metadata\": { } , \"tags\": { \"a\" : \"b\" } } \r\n");
    CHECK(event.payload == "{\"a\":[1.0]}");
    CHECK(event.metadata == "{}");
    CHECK(event.tags == Tags{{"a", "b"}});
}

TEST_CASE("event line: what the store gives anew may be missing, the rest has its defaults") {
    const Event event = parsed_event(with(""));
    CHECK(event.seq == Sequence{0});
    CHECK(event.version == Version{0});
    CHECK(event.recorded_at == Timestamp{0});
    CHECK(event.stream == "main");
    CHECK(event.source == "engine");
    CHECK(event.event_version == "1");
    CHECK(event.metadata == "{}");
    CHECK_FALSE(event.correlation_id);
}

TEST_CASE("event line: unknown keys are passed over, and a key may be written with escapes") {
    const Event event = parsed_event(with(R"("later":[{"id":"no"}],"\u0073tream":"s-1")"));
    CHECK(event.stream == "s-1");
    CHECK(event.id == "i");
}

TEST_CASE("event line: a missing id, type, time or payload is refused by name") {
    CHECK_THAT(refusal(R"({"type":"t","occurred_at":"2026-01-31","payload":{}})"), Catch::Contains("\"id\""));
    CHECK_THAT(refusal(R"({"id":"i","occurred_at":"2026-01-31","payload":{}})"), Catch::Contains("\"type\""));
    CHECK_THAT(refusal(R"({"id":"i","type":"t","payload":{}})"), Catch::Contains("\"occurred_at\""));
    CHECK_THAT(refusal(R"({"id":"i","type":"t","occurred_at":"2026-01-31"})"), Catch::Contains("\"payload\""));
}

TEST_CASE("event line: a field of the wrong kind is refused, with its name and its byte") {
    CHECK_THAT(refusal(R"({"id":5})"), Catch::Contains("\"id\" is not a string at byte 6"));
    CHECK_THAT(refusal(with(R"("seq":-1)")), Catch::Contains("\"seq\""));
    CHECK_THAT(refusal(with(R"("seq":1.5)")), Catch::Contains("\"seq\""));
    CHECK_THAT(refusal(with(R"("seq":9223372036854775808)")), Catch::Contains("\"seq\""));
    CHECK_THAT(refusal(with(R"("version":"3")")), Catch::Contains("\"version\""));
    CHECK_THAT(refusal(with(R"("recorded_at":"noon")")), Catch::Contains("\"recorded_at\""));
    CHECK_THAT(refusal(with(R"("metadata":[])")), Catch::Contains("\"metadata\" is not an object"));
    CHECK_THAT(refusal(with(R"("causation_id":7)")), Catch::Contains("\"causation_id\""));
    CHECK(thrown_code([] { return parse_line(with(R"("tags":{"a":1})")); }) == ErrorCode::invalid_json);
}

TEST_CASE("event line: a line that is not a JSON object is refused as a line") {
    for (const char* line : {"", "[]", "1", "null", "{\"id\":", "not JSON", "{}{}"}) {
        CAPTURE(line);
        CHECK(thrown_code([&] { return parse_line(line); }) == ErrorCode::invalid_line);
    }
}

TEST_CASE("event line: a torn line is refused wherever it was torn") {
    for (std::size_t bytes = 0; bytes < event_text.size(); ++bytes) {
        CHECK_THROWS_AS(parse_line(std::string_view(event_text).substr(0, bytes)), Error);
    }
}

TEST_CASE("event line: not UTF-8, a key twice, and numbers beyond a double keep their own codes") {
    CHECK(thrown_code([] { return parse_line(with("\"x\":\"\xff\"")); }) == ErrorCode::invalid_utf8);
    CHECK(thrown_code([] { return parse_line(with(R"("id":"i")")); }) == ErrorCode::duplicate_key);
    CHECK(thrown_code([] { return parse_line(with(R"("x":1e400)")); }) == ErrorCode::number_out_of_range);
}

TEST_CASE("event line: the line itself is not counted into the payload's nesting") {
    Event event = without_digest(sample_event());
    event.payload = std::string(128, '[') + std::string(128, ']');
    CHECK(parsed_event(to_line(event)) == event);
    event.payload = "[" + event.payload + "]";
    CHECK(thrown_code([&] { return parse_line(to_line(event)); }) == ErrorCode::too_deep);
}

TEST_CASE("event line: a payload over its cap is refused, and so is a line that nothing could fill") {
    const Limits limits{.payload_bytes_max = 100};
    Event event = without_digest(sample_event());
    event.payload = "\"" + std::string(98, 'a') + "\"";
    CHECK_NOTHROW(parse_line(to_line(event), limits));
    event.payload = "\"" + std::string(99, 'a') + "\"";
    CHECK(thrown_code([&] { return parse_line(to_line(event), limits); }) == ErrorCode::too_large);
    CHECK(thrown_code([] { return parse_line(with("\"x\":\"" + std::string(64 << 20, 'a') + "\"")); }) ==
          ErrorCode::too_large);
}

TEST_CASE("result line: every field is written, and the duration derived") {
    CHECK(to_line(sample_result()) == result_text);
    std::string out;
    append_line(out, sample_result());
    CHECK(out == result_text);
}

TEST_CASE("result line: a result is read back, what was returned byte for byte") {
    EventResult result = sample_result();
    result.digest = {};
    CHECK(std::get<EventResult>(parse_line(result_text)) == result);
}

TEST_CASE("result line: a pending row, with nothing yet, is read back") {
    EventResult result;
    result.result_seq = {1};
    result.event_seq = {1};
    result.event_id = "e";
    result.bus = "b";
    result.handler = "h";
    result.owner = "o";
    const std::string line = to_line(result);
    CHECK(line.find("duration_ns") == std::string::npos);
    CHECK(std::get<EventResult>(parse_line(line)) == result);
}

TEST_CASE("result line: having returned null is not having returned nothing") {
    EventResult result = sample_result();
    result.digest = {};
    result.result = "null";
    CHECK(std::get<EventResult>(parse_line(to_line(result))).result == "null");
    result.result.reset();
    CHECK(to_line(result).find("\"result\"") == std::string::npos);
    CHECK_FALSE(std::get<EventResult>(parse_line(to_line(result))).result);
}

TEST_CASE("result line: a clock that stepped back gives a negative duration, not nonsense") {
    EventResult result = sample_result();
    result.finished_at = Timestamp{result.started_at->ns - 1};
    CHECK_THAT(to_line(result), Catch::Contains("\"duration_ns\":-1}"));
}

TEST_CASE("result line: wrong or missing fields are refused by name") {
    const auto changed = [](std::string_view from, std::string_view to) {
        std::string line = result_text;
        return line.replace(line.find(from), from.size(), to);
    };
    CHECK_THAT(refusal(changed("completed", "done")), Catch::Contains("\"status\""));
    CHECK_THAT(refusal(changed("\"attempt\":2", "\"attempt\":0")), Catch::Contains("\"attempt\""));
    CHECK_THAT(refusal(changed("\"attempt\":2", "\"attempt\":4294967296")), Catch::Contains("\"attempt\""));
    CHECK_THAT(refusal(changed("\"imported\":true", "\"imported\":1")), Catch::Contains("\"imported\""));
    CHECK_THAT(refusal(changed("[\"e-1\",\"e-2\"]", "[\"e-1\",2]")), Catch::Contains("\"emitted\""));
    CHECK_THAT(refusal(changed("[\"e-1\",\"e-2\"]", "null")), Catch::Contains("\"emitted\""));
    CHECK_THAT(refusal(changed("\"handler\"", "\"handled\"")), Catch::Contains("no \"handler\""));
}
