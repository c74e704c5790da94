// RFC 3339 to nanoseconds and back. The calendar is Howard Hinnant's date library; no streams, because every
// exported event passes here twice.
#include <daybook/event/timestamp.hpp>

#include <date/date.h>
#include <fmt/format.h>

#include <array>
#include <optional>
#include <utility>

#include <daybook/event/error.hpp>
#include <daybook/event/json_text.hpp>

namespace daybook {
namespace {

constexpr std::int64_t ns_per_second = 1'000'000'000;
constexpr std::int64_t ns_per_day = 86'400 * ns_per_second;

// A time comes from outside and may be anything: a message repeats the beginning of it, harmlessly.
std::string shown(std::string_view text) {
    return quote_json(replace_invalid_utf8(text.substr(0, 64)));
}

[[noreturn]] void refuse(std::string_view text, std::string_view reason) {
    throw Error(ErrorCode::invalid_time, fmt::format("read time {}: {}; expected a form such as 2018-06-14T15:00:00Z, "
                                                     "2018-06-14T17:00:00.5+02:00 or 2018-06-14",
                                                     shown(text), reason));
}

void put_digits(char* to, std::uint64_t value, int digits) {
    for (int i = digits - 1; i >= 0; --i) {
        to[i] = static_cast<char>('0' + value % 10);
        value /= 10;
    }
}

// Reads a time from left to right and knows where it stands, for messages.
class Reader {
  public:
    explicit Reader(std::string_view text) : text_(text) {}

    [[nodiscard]] bool done() const { return at_ == text_.size(); }
    [[nodiscard]] char peek() const { return done() ? '\0' : text_[at_]; }
    [[nodiscard]] bool peek_digit() const { return peek() >= '0' && peek() <= '9'; }
    char take() { return text_[at_++]; }

    int number(int digits, std::string_view what, int min, int max) {
        int value = 0;
        const std::size_t start = at_;
        for (int i = 0; i < digits; ++i) {
            if (!peek_digit()) fail(fmt::format("the {} needs {} digits", what, digits));
            value = value * 10 + (take() - '0');
        }
        if (value < min || value > max) {
            at_ = start;
            fail(fmt::format("the {} is {}, not {} to {}", what, value, min, max));
        }
        return value;
    }

    void expect(char wanted, std::string_view where) {
        if (peek() != wanted || done()) fail(fmt::format("'{}' is missing {}", wanted, where));
        ++at_;
    }

    [[noreturn]] void fail(std::string_view reason) const { refuse(text_, fmt::format("{} at byte {}", reason, at_)); }

  private:
    std::string_view text_;
    std::size_t at_ = 0;
};

// Up to nine fraction digits as nanoseconds; the point is taken already.
std::int64_t read_fraction(Reader& reader) {
    std::int64_t fraction = 0;
    int digits = 0;
    while (reader.peek_digit()) {
        if (++digits > 9) reader.fail("more than 9 fraction digits");
        fraction = fraction * 10 + (reader.take() - '0');
    }
    if (digits == 0) reader.fail("no digit after the point");
    for (; digits < 9; ++digits) fraction *= 10;
    return fraction;
}

std::int64_t read_offset_seconds(Reader& reader) {
    if (reader.done()) reader.fail("the offset is missing: Z, +02:00 or the like");
    const char sign = reader.take();
    if (sign == 'Z' || sign == 'z') return 0;
    if (sign != '+' && sign != '-') reader.fail("neither Z nor an offset such as +02:00 before");
    const int hours = reader.number(2, "offset's hour", 0, 23);
    reader.expect(':', "in the offset");
    const int minutes = reader.number(2, "offset's minute", 0, 59);
    const std::int64_t seconds = (hours * 60 + minutes) * 60;
    return sign == '-' ? -seconds : seconds;
}

// `fraction` is 0 .. 999,999,999 and counts forward, also before 1970.
std::optional<std::int64_t> join(std::int64_t seconds, std::int64_t fraction) {
    if (seconds < 0 && fraction > 0) {
        // Near the lower end of the range the whole seconds alone would not fit.
        seconds += 1;
        fraction -= ns_per_second;
    }
    std::int64_t ns = 0;
    if (__builtin_mul_overflow(seconds, ns_per_second, &ns)) return std::nullopt;
    if (__builtin_add_overflow(ns, fraction, &ns)) return std::nullopt;
    return ns;
}

}  // namespace

void Timestamp::append_to(std::string& out) const {
    std::int64_t day = ns / ns_per_day;
    std::int64_t rest = ns % ns_per_day;
    if (rest < 0) {
        rest += ns_per_day;
        --day;
    }
    const date::year_month_day ymd{date::sys_days{date::days{day}}};
    const auto seconds = static_cast<std::uint64_t>(rest / ns_per_second);
    std::array<char, 30> text;
    put_digits(&text[0], static_cast<std::uint64_t>(static_cast<int>(ymd.year())), 4);
    text[4] = '-';
    put_digits(&text[5], static_cast<unsigned>(ymd.month()), 2);
    text[7] = '-';
    put_digits(&text[8], static_cast<unsigned>(ymd.day()), 2);
    text[10] = 'T';
    put_digits(&text[11], seconds / 3600, 2);
    text[13] = ':';
    put_digits(&text[14], seconds / 60 % 60, 2);
    text[16] = ':';
    put_digits(&text[17], seconds % 60, 2);
    text[19] = '.';
    put_digits(&text[20], static_cast<std::uint64_t>(rest % ns_per_second), 9);
    text[29] = 'Z';
    out.append(text.data(), text.size());
}

std::string Timestamp::to_string() const {
    std::string text;
    append_to(text);
    return text;
}

Timestamp Timestamp::parse(std::string_view text) {
    Reader reader(text);
    const int year = reader.number(4, "year", 0, 9999);
    reader.expect('-', "after the year");
    const int month = reader.number(2, "month", 1, 12);
    reader.expect('-', "after the month");
    const int day = reader.number(2, "day", 1, 31);
    const date::year_month_day ymd{date::year{year}, date::month{static_cast<unsigned>(month)},
                                   date::day{static_cast<unsigned>(day)}};
    if (!ymd.ok()) {
        const auto last = date::year_month_day_last{ymd.year(), date::month_day_last{ymd.month()}}.day();
        refuse(text, fmt::format("there is no day {} in {:04}-{:02}, which has {} days", day, year, month,
                                 static_cast<unsigned>(last)));
    }
    std::int64_t seconds = std::int64_t{date::sys_days{ymd}.time_since_epoch().count()} * 86'400;
    std::int64_t fraction = 0;
    if (!reader.done()) {
        if (reader.peek() != 'T' && reader.peek() != 't') reader.fail("'T' is missing between date and time");
        reader.take();
        const int hour = reader.number(2, "hour", 0, 23);
        reader.expect(':', "after the hour");
        const int minute = reader.number(2, "minute", 0, 59);
        reader.expect(':', "after the minute");
        const int second = reader.number(2, "second", 0, 60);
        if (!reader.done() && reader.peek() == '.') {
            reader.take();
            fraction = read_fraction(reader);
        }
        seconds += hour * 3600 + minute * 60 + second - read_offset_seconds(reader);
        if (!reader.done()) reader.fail("something follows the offset");
    }
    const std::optional<std::int64_t> ns = join(seconds, fraction);
    if (!ns) refuse(text, "outside 1677-09-21T00:12:43.145224192Z .. 2262-04-11T23:47:16.854775807Z");
    return {*ns};
}

Timestamp Timestamp::parse_relative(std::string_view text, Timestamp now) {
    if (!text.starts_with('-')) return parse(text);
    const std::chrono::nanoseconds duration = parse_duration(text.substr(1));
    Timestamp result;
    if (__builtin_sub_overflow(now.ns, static_cast<std::int64_t>(duration.count()), &result.ns)) {
        refuse(text, "so long ago that it is before 1677-09-21");
    }
    return result;
}

std::chrono::nanoseconds parse_duration(std::string_view text) {
    constexpr std::array<std::pair<std::string_view, std::int64_t>, 7> units = {{{"d", ns_per_day},
                                                                                 {"h", 3600 * ns_per_second},
                                                                                 {"m", 60 * ns_per_second},
                                                                                 {"s", ns_per_second},
                                                                                 {"ms", 1'000'000},
                                                                                 {"us", 1'000},
                                                                                 {"ns", 1}}};
    const auto fail = [text](std::string_view reason) {
        throw Error(ErrorCode::invalid_time,
                    fmt::format("read duration {}: {}; expected numbers with units d h m s ms us ns, such as "
                                "2s, 1m30s or 250ms",
                                shown(text), reason));
    };
    if (text.empty()) fail("it is empty");
    std::int64_t total = 0;
    std::size_t at = 0;
    while (at < text.size()) {
        std::int64_t value = 0;
        const std::size_t start = at;
        for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at) {
            if (__builtin_mul_overflow(value, std::int64_t{10}, &value) ||
                __builtin_add_overflow(value, std::int64_t{text[at] - '0'}, &value)) {
                fail("it is longer than 292 years");
            }
        }
        if (at == start) fail(fmt::format("a number is missing at byte {}", at));
        const std::size_t unit_start = at;
        while (at < text.size() && (text[at] < '0' || text[at] > '9')) ++at;
        const std::string_view unit = text.substr(unit_start, at - unit_start);
        std::int64_t ns_per_unit = 0;
        for (const auto& [name, ns] : units) {
            if (name == unit) ns_per_unit = ns;
        }
        if (ns_per_unit == 0) fail(fmt::format("no unit that is known at byte {}", unit_start));
        if (__builtin_mul_overflow(value, ns_per_unit, &value) || __builtin_add_overflow(total, value, &total)) {
            fail("it is longer than 292 years");
        }
    }
    return std::chrono::nanoseconds(total);
}

}  // namespace daybook
