#include <daybook/event/json_nlohmann.hpp>

#include <limits>

#include "event/samples.hpp"
#include "event/thrown.hpp"

using namespace daybook;

TEST_CASE("nlohmann: a payload is read as a value") {
    const Event event = sample_event();
    CHECK(payload_of(event)["z"] == 1.0);
    CHECK(payload_of(view_of(event, "{}"))["a"][1] == "A");
}

TEST_CASE("nlohmann: text that is not JSON is our error, not another library's") {
    CHECK(thrown_code([] { return parse_json("{"); }) == ErrorCode::invalid_json);
}

TEST_CASE("nlohmann: a value becomes text for a new event") {
    CHECK(json_text({{"a", {1, 2.5, nullptr}}}) == R"({"a":[1,2.5,null]})");
    CHECK(json_text("\xc3\xa4") == "\"\xc3\xa4\"");
}

TEST_CASE("nlohmann: NaN and infinity are refused, not written as null") {
    CHECK(thrown_code([] {
              return json_text({{"a", {std::numeric_limits<double>::quiet_NaN()}}});
          }) == ErrorCode::number_out_of_range);
    CHECK(thrown_code([] { return json_text(std::numeric_limits<double>::infinity()); }) ==
          ErrorCode::number_out_of_range);
}

TEST_CASE("nlohmann: text that is not UTF-8 is refused, in values and in keys") {
    CHECK(thrown_code([] { return json_text("\xff"); }) == ErrorCode::invalid_utf8);
    CHECK(thrown_code([] { return json_text({{"\xff", 1}}); }) == ErrorCode::invalid_utf8);
}

TEST_CASE("nlohmann: nesting is measured before the library's writer would recurse") {
    const std::string deepest = std::string(128, '[') + std::string(128, ']');
    CHECK(json_text(parse_json(deepest)) == deepest);
    const nlohmann::json deeper = parse_json(std::string(129, '[') + std::string(129, ']'));
    CHECK(thrown_code([&] { return json_text(deeper); }) == ErrorCode::too_deep);
}

TEST_CASE("nlohmann: binary values have no JSON text") {
    CHECK(thrown_code([] { return json_text(nlohmann::json::binary({1, 2})); }) == ErrorCode::invalid_json);
}

TEST_CASE("nlohmann: an event and a result become the objects that their lines are") {
    const nlohmann::json event = sample_event();
    CHECK(event["seq"] == 42);
    CHECK(event["tags"]["level"] == "9");
    CHECK(event["payload"]["z"] == 1.0);
    CHECK(event.size() == 14);
    const nlohmann::json result = sample_result();
    CHECK(result["status"] == "completed");
    CHECK(result["duration_ns"] == 500'000'000);
}
