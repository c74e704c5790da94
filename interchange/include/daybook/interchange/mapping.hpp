// From a JSON line of somebody else's to an event: which part of the line becomes which field.
//
// Numbers and booleans give their source text, strings are unescaped, payload and metadata are the raw value,
// minified. Nothing is parsed into numbers and written again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <daybook/event/event.hpp>
#include <daybook/event/limits.hpp>
#include <daybook/event/timestamp.hpp>

namespace daybook {

/// Where one field comes from: `/a/b` (a JSON Pointer, RFC 6901), `=text` (a literal), or `/a/b?=text` (a
/// pointer and what stands in when it finds nothing; the first `?=` cuts). JSON null counts as nothing found.
/// The empty pointer is the whole line. Thread-safety: immutable.
class FieldSource {
  public:
    /// Reads one of the three forms. Throws Error: invalid_pointer - what is wrong with it.
    [[nodiscard]] static FieldSource parse(std::string_view text);
    [[nodiscard]] static FieldSource literal(std::string text);

    [[nodiscard]] bool is_literal() const noexcept { return is_literal_; }
    /// The literal, or what stands in for a pointer that finds nothing; empty when there is none.
    [[nodiscard]] const std::optional<std::string>& fallback() const noexcept { return text_; }
    /// The pointer's reference tokens, unescaped.
    [[nodiscard]] const std::vector<std::string>& tokens() const noexcept { return tokens_; }
    /// The pointer as it was written, without the fallback; empty for a literal.
    [[nodiscard]] const std::string& pointer() const noexcept { return pointer_; }
    bool operator==(const FieldSource&) const = default;

  private:
    std::string pointer_;
    std::vector<std::string> tokens_;
    std::optional<std::string> text_;
    bool is_literal_ = false;
};

/// What a number found by Mapping::time counts, from 1970-01-01T00:00:00Z.
enum class TimeUnit : std::uint8_t { seconds, milliseconds, microseconds, nanoseconds };

/// `s`, `ms`, `us`, `ns`; empty for anything else.
[[nodiscard]] std::optional<TimeUnit> time_unit_from(std::string_view text) noexcept;

/// Reads a decimal number (`1530000000`, `12.345`, `1.5e9`, `-3`) as an instant, exactly; digits beyond the
/// nanosecond are dropped. Throws Error: invalid_time - not a number, or outside Timestamp's range.
[[nodiscard]] Timestamp parse_numeric_time(std::string_view number, TimeUnit unit);

/// A pointer that finds nothing and has no fallback makes the line a bad one. An empty fallback means
/// "absent" for time, causation, correlation, metadata and tags, and is refused for the others.
struct Mapping {
    std::optional<FieldSource> type{};           ///< needed
    std::optional<FieldSource> stream{};         ///< Default: `main`.
    std::optional<FieldSource> id{};             ///< Default: derived from import name, line number and line.
    std::optional<FieldSource> time{};           ///< Default: the time of the commit.
    std::optional<TimeUnit> time_unit{};         ///< needed for numbers; a string that is not a number is RFC 3339
    std::optional<FieldSource> payload{};        ///< any JSON value. Default: the whole line.
    std::optional<FieldSource> metadata{};       ///< a JSON object. Default: `{}`.
    std::optional<FieldSource> event_version{};  ///< Default: `1`.
    std::optional<FieldSource> causation{};
    std::optional<FieldSource> correlation{};
    std::optional<FieldSource> source{};  ///< Default: `engine`.
    std::vector<std::pair<std::string, FieldSource>> tags{};

    /// No field is set.
    [[nodiscard]] bool is_empty() const noexcept;
    /// Throws Error: invalid_argument - no type, a tag key twice, an empty fallback where none is allowed, a
    /// time unit without time; all faults at once.
    void validate() const;
    bool operator==(const Mapping&) const = default;
};

/// One line, mapped.
struct MappedLine {
    NewEvent event;             ///< checked; its id is empty when the mapping has none
    bool without_time = false;  ///< the commit's time will be taken
};

/// Applies a mapping to lines. Thread-safety: one thread at a time.
class LineMapper {
  public:
    /// `limits` are the store's; `line_bytes_max` caps a whole line, of which the payload may be a part.
    /// Throws Error: as Mapping::validate().
    explicit LineMapper(Mapping mapping, Limits limits = {}, std::size_t line_bytes_max = std::size_t{16} << 20);
    LineMapper(LineMapper&&) noexcept;
    LineMapper& operator=(LineMapper&&) noexcept;
    ~LineMapper();

    /// Throws Error: invalid_pointer - found nothing, or an object or array where text is wanted;
    /// invalid_time;
    ///               invalid_json, invalid_utf8, too_deep, duplicate_key, … of the line; what checked()
    ///               throws.
    [[nodiscard]] MappedLine map(std::string_view line) const;
    [[nodiscard]] const Mapping& mapping() const noexcept;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace daybook
