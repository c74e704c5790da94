// Times, durations, ids, digests and heads: what is read is written back as it was, and every number is checked by
// arithmetic of another kind (the C library's calendar, 128 bits).
//
// Input: a byte that says what the text is (`d` a duration, `n` a numeric time, `i` an id, else a time), eight bytes that
// are an instant, the text.
#include <ctime>
#include <limits>
#include <string>

#include <daybook/event/position.hpp>
#include <daybook/event/timestamp.hpp>
#include <daybook/event/uuid.hpp>
#include <daybook/interchange/mapping.hpp>

#include "fuzz/fuzz.hpp"

namespace daybook::fuzz {
namespace {

__extension__ using Wide = __int128;

constexpr Wide ns_per_second = 1'000'000'000;

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool fits(Wide ns) {
    return ns >= std::numeric_limits<std::int64_t>::min() && ns <= std::numeric_limits<std::int64_t>::max();
}

// Days since 1970, by counting years and months.
std::int64_t days_before(int year, int month, int day) {
    const auto leap = [](int y) { return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0; };
    const auto leaps_before = [](int y) { return y <= 0 ? 0 : (y - 1) / 4 - (y - 1) / 100 + (y - 1) / 400 + 1; };
    constexpr int before_month[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    const std::int64_t days = std::int64_t{365} * year + leaps_before(year);
    constexpr std::int64_t days_1970 = 719'528;  // of the years 0 to 1969
    return days - days_1970 + before_month[month - 1] + (month > 2 && leap(year) ? 1 : 0) + day - 1;
}

int days_in(int year, int month) {
    constexpr int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap ? 1 : 0);
}

// RFC 3339 by its picture: where the digits stand. Empty when the text is not one, or outside the range.
std::optional<std::int64_t> reference_time(std::string_view text) {
    const auto fits_picture = [text](std::size_t at, std::string_view picture) {
        if (text.size() < at + picture.size()) return false;
        for (std::size_t i = 0; i < picture.size(); ++i) {
            if (picture[i] == '0' ? !is_digit(text[at + i]) : text[at + i] != picture[i]) return false;
        }
        return true;
    };
    const auto number = [text](std::size_t at, std::size_t digits) {
        int value = 0;
        for (std::size_t i = at; i < at + digits; ++i) value = value * 10 + (text[i] - '0');
        return value;
    };
    if (!fits_picture(0, "0000-00-00")) return std::nullopt;
    const int year = number(0, 4);
    const int month = number(5, 2);
    const int day = number(8, 2);
    if (month < 1 || month > 12 || day < 1 || day > days_in(year, month)) return std::nullopt;
    Wide seconds = Wide{days_before(year, month, day)} * 86'400;
    Wide fraction = 0;
    if (text.size() > 10) {
        if ((text[10] != 'T' && text[10] != 't') || !fits_picture(11, "00:00:00")) return std::nullopt;
        if (number(11, 2) > 23 || number(14, 2) > 59 || number(17, 2) > 60) return std::nullopt;
        seconds += number(11, 2) * 3600 + number(14, 2) * 60 + number(17, 2);
        std::size_t at = 19;
        if (at < text.size() && text[at] == '.') {
            std::size_t digits = 0;
            for (++at; at < text.size() && is_digit(text[at]); ++at) {
                if (++digits > 9) return std::nullopt;
                fraction = fraction * 10 + (text[at] - '0');
            }
            if (digits < 1) return std::nullopt;
            for (; digits < 9; ++digits) fraction *= 10;
        }
        if (at == text.size()) return std::nullopt;
        if (text[at] == 'Z' || text[at] == 'z') {
            if (at + 1 != text.size()) return std::nullopt;
        } else {
            if ((text[at] != '+' && text[at] != '-') || at + 6 != text.size() || !fits_picture(at + 1, "00:00"))
                return std::nullopt;
            if (number(at + 1, 2) > 23 || number(at + 4, 2) > 59) return std::nullopt;
            const int offset = (number(at + 1, 2) * 60 + number(at + 4, 2)) * 60;
            seconds += text[at] == '+' ? -offset : offset;
        }
    }
    const Wide ns = seconds * ns_per_second + fraction;
    if (!fits(ns)) return std::nullopt;
    return static_cast<std::int64_t>(ns);
}

void require_instant(Timestamp time) {
    const std::string text = time.to_string();
    require(text.size() == 30, "a time has 30 characters");
    require(Timestamp::parse(text) == time, "a time written is the time read");
    Wide second = time.ns / ns_per_second;
    Wide fraction = time.ns % ns_per_second;
    if (fraction < 0) {
        fraction += ns_per_second;
        --second;
    }
    const auto seconds = static_cast<std::time_t>(second);
    std::tm parts{};
    require(::gmtime_r(&seconds, &parts) != nullptr, "the C library knows the time");
    require_equal(
        text,
        fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:09}Z", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
                    parts.tm_hour, parts.tm_min, parts.tm_sec, static_cast<std::int64_t>(fraction)),
        "the C library's calendar");
}

void require_time(std::string_view text) {
    const Outcome read{[&] { return Timestamp::parse(text); }};
    const auto expected = reference_time(text);
    require(read.ok() == expected.has_value(), fmt::format("the reference's verdict on a time, {}", read.refusal()));
    if (!read) return require(read.refused_as(ErrorCode::invalid_time), "a time is refused as that");
    require(read->ns == *expected, "the reference's instant");
    require_instant(*read);
}

std::optional<Wide> reference_duration(std::string_view text) {
    if (text.empty()) return std::nullopt;
    Wide total = 0;
    while (!text.empty()) {
        std::size_t digits = 0;
        while (digits < text.size() && is_digit(text[digits])) ++digits;
        if (digits == 0) return std::nullopt;
        Wide value = 0;
        for (std::size_t i = 0; i < digits; ++i) value = std::min<Wide>(value * 10 + (text[i] - '0'), Wide{1} << 70);
        text.remove_prefix(digits);
        std::size_t letters = 0;
        while (letters < text.size() && !is_digit(text[letters])) ++letters;
        const std::string_view unit = text.substr(0, letters);
        text.remove_prefix(letters);
        const Wide ns = unit == "ns"   ? 1
                        : unit == "us" ? 1'000
                        : unit == "ms" ? 1'000'000
                        : unit == "s"  ? ns_per_second
                        : unit == "m"  ? 60 * ns_per_second
                        : unit == "h"  ? 3'600 * ns_per_second
                        : unit == "d"  ? 86'400 * ns_per_second
                                       : 0;
        if (ns == 0) return std::nullopt;
        total = std::min<Wide>(total + value * ns, Wide{1} << 110);
    }
    if (!fits(total)) return std::nullopt;
    return total;
}

void require_duration(std::string_view text, Timestamp now) {
    const Outcome duration{[&] { return parse_duration(text); }};
    const auto expected = reference_duration(text);
    require(duration.ok() == expected.has_value(), "the reference's verdict on a duration");
    if (duration) require(duration->count() == *expected, "the reference's duration");
    const Outcome before{[&] { return Timestamp::parse_relative("-" + std::string(text), now); }};
    require(before.ok() == (expected && fits(now.ns - *expected)), "a time before now is one that fits");
    if (before) require(before->ns == now.ns - *expected, "a duration before now");
}

// A decimal without exponent and of at most 30 digits fits 128 bits.
void require_numeric(std::string_view text) {
    constexpr std::pair<TimeUnit, int> units[] = {
        {TimeUnit::seconds, 9}, {TimeUnit::milliseconds, 6}, {TimeUnit::microseconds, 3}, {TimeUnit::nanoseconds, 0}};
    for (const auto& [unit, digits_after] : units) {
        const TimeUnit counted = unit;
        const Outcome time{[&] { return parse_numeric_time(text, counted); }};
        const bool negative = text.starts_with('-');
        const std::string_view body = text.substr(negative ? 1 : 0);
        const std::size_t point = std::min(body.find('.'), body.size());
        const std::string_view whole = body.substr(0, point);
        const std::string_view part = point < body.size() ? body.substr(point + 1) : std::string_view();
        const auto digits_only = [](std::string_view digits) {
            return !digits.empty() && std::all_of(digits.begin(), digits.end(), is_digit);
        };
        if (body.size() > 20 || !digits_only(whole) || (point < body.size() && !digits_only(part))) continue;
        if (whole.size() > 1 && whole.front() == '0') {
            require(!time, "a leading zero is no JSON number");
            continue;
        }
        Wide ns = 0;
        for (const char digit : whole) ns = ns * 10 + (digit - '0');
        for (int i = 0; i < digits_after; ++i) {
            const auto at = static_cast<std::size_t>(i);
            ns = ns * 10 + (at < part.size() ? part[at] - '0' : 0);
        }
        const bool inside = ns <= std::numeric_limits<std::int64_t>::max();
        require(time.ok() == inside, "a numeric time is accepted when it fits");
        if (time) require(time->ns == (negative ? -ns : ns), "a numeric time, counted in 128 bits");
    }
}

void require_ids(std::string_view text) {
    if (const auto id = Uuid::parse(text)) {
        std::string lower(text);
        for (char& c : lower) c = c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
        require_equal(id->to_string(), lower, "a UUID written is the one read");
    }
    const Outcome digest{[&] { return Digest::from_hex(text); }};
    if (digest) {
        require(text.size() == 64, "a digest has 64 digits");
        require(Digest::from_hex(digest->to_hex()) == *digest, "a digest written is the one read");
    }
    const Outcome head{[&] { return Head::from_line(text); }};
    if (head) require(Head::from_line(head->to_line()) == *head, "a head written is the one read");
}

}  // namespace

void time(std::string_view input) {
    Bytes bytes(input);
    const unsigned what = bytes.byte();
    const Timestamp now{static_cast<std::int64_t>(bytes.number(8))};
    const std::string_view text = bytes.rest();
    switch (what) {
        case 'd':
            return require_duration(text, now);
        case 'n':
            return require_numeric(text);
        case 'i':
            return require_ids(text);
        default:
            require_instant(now);
            require_time(text);
    }
}

}  // namespace daybook::fuzz
