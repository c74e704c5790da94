// Instants: nanoseconds since 1970-01-01T00:00:00Z, in UTC, written as RFC 3339 with nine fraction digits.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace daybook {

/// An instant between 1677-09-21 and 2262-04-11.
struct Timestamp {
    std::int64_t ns = 0;
    auto operator<=>(const Timestamp&) const = default;

    /// `2026-01-31T12:00:00.000123456Z`: always 30 characters.
    [[nodiscard]] std::string to_string() const;
    /// Appends what to_string() returns.
    void append_to(std::string& out) const;

    /// Reads RFC 3339: a date and a time with any offset and 0 to 9 fraction digits (`T` or `t` between
    /// them, `Z` or `z`; second 60 is the next second), or a date alone (its midnight in UTC).
    /// Throws Error: invalid_time - what is wrong and where, or outside the range above.
    [[nodiscard]] static Timestamp parse(std::string_view text);
    /// As parse(), and also a duration before `now`: `-15m`, `-2h30m`, `-1d`, units d h m s ms us ns.
    [[nodiscard]] static Timestamp parse_relative(std::string_view text, Timestamp now);
};

/// Reads a duration such as `2s`, `1m30s`, `250ms`. Throws Error: invalid_time.
[[nodiscard]] std::chrono::nanoseconds parse_duration(std::string_view text);

}  // namespace daybook
