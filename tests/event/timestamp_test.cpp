#include <daybook/event/timestamp.hpp>

#include <rapidcheck.h>

#include <limits>

#include "event/thrown.hpp"

using namespace daybook;

namespace {

constexpr std::int64_t ns_min = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t ns_max = std::numeric_limits<std::int64_t>::max();

void check_refused(std::string_view text, std::string_view reason) {
    CAPTURE(std::string(text));
    const Error error = thrown([&] { return Timestamp::parse(text); });
    CHECK(error.code() == ErrorCode::invalid_time);
    CHECK_THAT(error.what(), Catch::Contains(std::string(reason)));
}

}  // namespace

TEST_CASE("timestamp: text is RFC 3339 with nine fraction digits, always 30 characters") {
    CHECK(Timestamp{0}.to_string() == "1970-01-01T00:00:00.000000000Z");
    CHECK(Timestamp{1'769'860'800'000'123'456}.to_string() == "2026-01-31T12:00:00.000123456Z");
    CHECK(Timestamp{951'782'400'000'000'000}.to_string() == "2000-02-29T00:00:00.000000000Z");
}

TEST_CASE("timestamp: times before 1970 are written as they were") {
    CHECK(Timestamp{-1}.to_string() == "1969-12-31T23:59:59.999999999Z");
    CHECK(Timestamp{-86'400'000'000'000}.to_string() == "1969-12-31T00:00:00.000000000Z");
}

TEST_CASE("timestamp: both ends of the range are written and read") {
    CHECK(Timestamp{ns_min}.to_string() == "1677-09-21T00:12:43.145224192Z");
    CHECK(Timestamp{ns_max}.to_string() == "2262-04-11T23:47:16.854775807Z");
    CHECK(Timestamp::parse("1677-09-21T00:12:43.145224192Z").ns == ns_min);
    CHECK(Timestamp::parse("2262-04-11T23:47:16.854775807Z").ns == ns_max);
}

TEST_CASE("timestamp: one nanosecond beyond the range is refused") {
    check_refused("1677-09-21T00:12:43.145224191Z", "outside");
    check_refused("2262-04-11T23:47:16.854775808Z", "outside");
    check_refused("0000-01-01", "outside");
    check_refused("9999-12-31T23:59:59Z", "outside");
}

TEST_CASE("timestamp: every instant is read back from its text") {
    const bool held = rc::check("parse(to_string(t)) == t", [](std::int64_t ns) {
        RC_ASSERT(Timestamp::parse(Timestamp{ns}.to_string()).ns == ns);
    });
    const bool spread = rc::check("over the whole range", [] {
        const auto ns = *rc::gen::inRange(ns_min, ns_max);
        const Timestamp time{ns};
        RC_ASSERT(Timestamp::parse(time.to_string()) == time);
        RC_ASSERT(time.to_string().size() == 30);
    });
    CHECK(held);
    CHECK(spread);
}

TEST_CASE("timestamp: offsets are taken off") {
    const Timestamp noon = Timestamp::parse("2018-06-14T15:00:00Z");
    CHECK(noon.ns == 1'528'988'400'000'000'000);
    CHECK(Timestamp::parse("2018-06-14T17:00:00+02:00") == noon);
    CHECK(Timestamp::parse("2018-06-14T09:30:00-05:30") == noon);
    CHECK(Timestamp::parse("2018-06-15T14:59:00+23:59") == noon);
    CHECK(Timestamp::parse("2018-06-14T15:00:00-00:00") == noon);
    CHECK(Timestamp::parse("2018-06-14t15:00:00z") == noon);
}

TEST_CASE("timestamp: one to nine fraction digits are read") {
    const std::int64_t base = Timestamp::parse("2018-06-14T15:00:00Z").ns;
    CHECK(Timestamp::parse("2018-06-14T15:00:00.5Z").ns == base + 500'000'000);
    CHECK(Timestamp::parse("2018-06-14T15:00:00.000000001Z").ns == base + 1);
    CHECK(Timestamp::parse("1969-12-31T23:59:59.25Z").ns == -750'000'000);
}

TEST_CASE("timestamp: a date alone is its midnight in UTC") {
    CHECK(Timestamp::parse("2018-06-14").to_string() == "2018-06-14T00:00:00.000000000Z");
}

TEST_CASE("timestamp: second 60 is the next second") {
    CHECK(Timestamp::parse("2016-12-31T23:59:60Z") == Timestamp::parse("2017-01-01T00:00:00Z"));
    CHECK(Timestamp::parse("2016-12-31T15:59:60.5-08:00") == Timestamp::parse("2017-01-01T00:00:00.5Z"));
}

TEST_CASE("timestamp: a day that does not exist is refused, saying how many there are") {
    check_refused("2018-02-30", "2018-02, which has 28 days");
    check_refused("2018-02-29T00:00:00Z", "28 days");
    check_refused("2018-04-31", "30 days");
    check_refused("1900-02-29", "28 days");
    CHECK(Timestamp::parse("2000-02-29").to_string() == "2000-02-29T00:00:00.000000000Z");
}

TEST_CASE("timestamp: text that is no time is refused, with the reason and the place") {
    check_refused("", "the year needs 4 digits at byte 0");
    check_refused("yesterday", "at byte 0");
    check_refused("2018-6-14", "the month needs 2 digits");
    check_refused("2018-13-01", "the month is 13");
    check_refused("2018-00-01", "the month is 0");
    check_refused("2018-06-00", "the day is 0");
    check_refused("2018/06/14", "'-' is missing after the year");
    check_refused("2018-06-14 15:00:00Z", "'T' is missing");
    check_refused("2018-06-14T15:00:00", "the offset is missing");
    check_refused("2018-06-14T15:00Z", "':' is missing after the minute");
    check_refused("2018-06-14T24:00:00Z", "the hour is 24");
    check_refused("2018-06-14T15:60:00Z", "the minute is 60");
    check_refused("2018-06-14T15:00:61Z", "the second is 61");
    check_refused("2018-06-14T15:00:00.Z", "no digit after the point");
    check_refused("2018-06-14T15:00:00.1234567890Z", "more than 9 fraction digits");
    check_refused("2018-06-14T15:00:00+2:00", "the offset's hour needs 2 digits");
    check_refused("2018-06-14T15:00:00+0200", "':' is missing in the offset");
    check_refused("2018-06-14T15:00:00+24:00", "the offset's hour is 24");
    check_refused("2018-06-14T15:00:00Zulu", "something follows");
    check_refused("2018-06-14T", "the hour needs 2 digits");
    check_refused(std::string_view("2018-06-14\0", 11), "'T' is missing");
    check_refused("+2018-06-14", "at byte 0");
}

TEST_CASE("timestamp: a relative time counts back from now") {
    const Timestamp now = Timestamp::parse("2018-06-14T15:00:00Z");
    CHECK(Timestamp::parse_relative("-15m", now) == Timestamp::parse("2018-06-14T14:45:00Z"));
    CHECK(Timestamp::parse_relative("-2h30m", now) == Timestamp::parse("2018-06-14T12:30:00Z"));
    CHECK(Timestamp::parse_relative("-1d", now) == Timestamp::parse("2018-06-13T15:00:00Z"));
    CHECK(Timestamp::parse_relative("-1ns", now).ns == now.ns - 1);
    CHECK(Timestamp::parse_relative("2018-06-14", now) == Timestamp::parse("2018-06-14"));
}

TEST_CASE("timestamp: a relative time that is none is refused") {
    const Timestamp now = Timestamp::parse("2018-06-14T15:00:00Z");
    for (const char* text : {"-", "-15", "-m", "-15x", "--15m", "15m", "-999999999d"}) {
        CAPTURE(text);
        CHECK(thrown_code([&] { return Timestamp::parse_relative(text, now); }) == ErrorCode::invalid_time);
    }
}

TEST_CASE("timestamp: a relative time from before the range is refused") {
    const Timestamp now = Timestamp::parse("1700-01-01");
    CHECK(Timestamp::parse_relative("-8000d", now) == Timestamp::parse("1678-02-05"));
    CHECK(thrown_code([&] { return Timestamp::parse_relative("-9000d", now); }) == ErrorCode::invalid_time);
}

TEST_CASE("timestamp: what a message repeats of a time is short and harmless") {
    const Error error = thrown([] { return Timestamp::parse("\x1b[2J" + std::string(1000, '9')); });
    const std::string_view text = error.what();
    CHECK(text.find('\x1b') == std::string_view::npos);
    CHECK(text.size() < 300);
}

TEST_CASE("duration: numbers with units add up") {
    using namespace std::chrono_literals;
    CHECK(parse_duration("2s") == 2s);
    CHECK(parse_duration("1m30s") == 90s);
    CHECK(parse_duration("250ms") == 250ms);
    CHECK(parse_duration("1d2h3m4s5ms6us7ns") == 26h + 3min + 4s + 5ms + 6us + 7ns);
    CHECK(parse_duration("0s") == 0s);
}

TEST_CASE("duration: what is none is refused, with the reason") {
    const auto message = [](std::string_view text) {
        const Error error = thrown([&] { return parse_duration(text); });
        CHECK(error.code() == ErrorCode::invalid_time);
        return std::string(error.what());
    };
    CHECK_THAT(message(""), Catch::Contains("it is empty"));
    CHECK_THAT(message("12"), Catch::Contains("no unit"));
    CHECK_THAT(message("s"), Catch::Contains("a number is missing"));
    CHECK_THAT(message("-1s"), Catch::Contains("a number is missing"));
    CHECK_THAT(message("1 s"), Catch::Contains("no unit that is known at byte 1"));
    CHECK_THAT(message("1fortnight"), Catch::Contains("no unit that is known"));
    CHECK_THAT(message("107000d"), Catch::Contains("longer than 292 years"));
    CHECK_THAT(message("99999999999999999999s"), Catch::Contains("longer than 292 years"));
}
