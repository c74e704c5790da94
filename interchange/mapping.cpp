// Field sources, numeric times, and the application of a mapping to a line.
//
// A line is checked and minified once (event/json_text), then one walk finds every span that a pointer wants.
#include "daybook/interchange/mapping.hpp"

#include <algorithm>
#include <limits>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <daybook/event/error.hpp>
#include <daybook/event/json_text.hpp>

#include "interchange/json_spans.hpp"

namespace daybook {
namespace {

using Found = std::vector<std::optional<std::string_view>>;

bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}

/// A decimal number in parts: digits with the point before digits[point].
struct Decimal {
    bool negative = false;
    std::string digits;
    std::int64_t point = 0;
};

// JSON's number, and nothing else.
std::optional<Decimal> read_decimal(std::string_view text) {
    Decimal number;
    std::size_t at = 0;
    const auto digits = [&](std::string& into) {
        const std::size_t start = at;
        while (at < text.size() && is_digit(text[at])) into.push_back(text[at++]);
        return at != start;
    };
    if (at < text.size() && text[at] == '-') {
        number.negative = true;
        ++at;
    }
    const std::size_t whole = at;
    if (!digits(number.digits)) return std::nullopt;
    if (number.digits.size() > 1 && text[whole] == '0') return std::nullopt;
    number.point = static_cast<std::int64_t>(number.digits.size());
    if (at < text.size() && text[at] == '.') {
        ++at;
        if (!digits(number.digits)) return std::nullopt;
    }
    if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
        ++at;
        const bool minus = at < text.size() && text[at] == '-';
        if (at < text.size() && (text[at] == '-' || text[at] == '+')) ++at;
        std::string exponent;
        if (!digits(exponent)) return std::nullopt;
        std::int64_t value = 0;
        for (const char digit : exponent) value = std::min<std::int64_t>(value * 10 + (digit - '0'), 1'000'000'000);
        number.point += minus ? -value : value;
    }
    if (at != text.size()) return std::nullopt;
    return number;
}

// As much of a text as a message repeats, cut between characters.
std::string quoted_start(std::string_view text) {
    constexpr std::size_t shown = 60;
    std::size_t bytes = std::min(text.size(), shown);
    while (bytes > 0 && bytes < text.size() && (static_cast<unsigned char>(text[bytes]) & 0xc0U) == 0x80U) --bytes;
    return fmt::format("{}{}", text.substr(0, bytes), bytes < text.size() ? "…" : "");
}

bool may_be_absent(std::string_view field) {
    return field == "time" || field == "causation" || field == "correlation" || field == "metadata" ||
           field.substr(0, 4) == "tag ";
}

}  // namespace

FieldSource FieldSource::literal(std::string text) {
    FieldSource source;
    source.text_ = std::move(text);
    source.is_literal_ = true;
    return source;
}

FieldSource FieldSource::parse(std::string_view text) {
    if (!text.empty() && text[0] == '=') return literal(std::string(text.substr(1)));
    FieldSource source;
    const std::size_t cut = text.find("?=");
    if (cut != std::string_view::npos) source.text_ = std::string(text.substr(cut + 2));
    source.pointer_ = std::string(text.substr(0, cut));
    const std::string& pointer = source.pointer_;
    const auto refuse = [&](std::string_view why) {
        throw Error(ErrorCode::invalid_pointer,
                    fmt::format("field source '{}': {}; write /name for a part of the line, =text for a text, or "
                                "/name?=text for a part with a fallback",
                                quoted_start(text), why));
    };
    if (const std::size_t bad = find_invalid_utf8(text); bad != std::string_view::npos)
        refuse(fmt::format("byte {} is not UTF-8", bad));
    if (pointer.empty()) return source;
    if (pointer[0] != '/') refuse("a JSON Pointer begins with '/'");
    for (std::size_t at = 0; at < pointer.size(); ++at) {
        const char c = pointer[at];
        if (c == '/') {
            source.tokens_.emplace_back();
        } else if (c == '~') {
            const char next = at + 1 < pointer.size() ? pointer[at + 1] : '\0';
            if (next != '0' && next != '1')
                refuse(fmt::format("'~' at byte {} must be '~0' (for ~) or '~1' (for /)", at));
            source.tokens_.back().push_back(next == '0' ? '~' : '/');
            ++at;
        } else {
            source.tokens_.back().push_back(c);
        }
    }
    return source;
}

std::optional<TimeUnit> time_unit_from(std::string_view text) noexcept {
    if (text == "s") return TimeUnit::seconds;
    if (text == "ms") return TimeUnit::milliseconds;
    if (text == "us") return TimeUnit::microseconds;
    if (text == "ns") return TimeUnit::nanoseconds;
    return std::nullopt;
}

Timestamp parse_numeric_time(std::string_view number, TimeUnit unit) {
    const auto refuse = [&](std::string_view why) {
        throw Error(ErrorCode::invalid_time, fmt::format("time '{}': {}", quoted_start(number), why));
    };
    const auto decimal = read_decimal(number);
    if (!decimal) {
        refuse("not a number");
        return {};
    }
    const std::int64_t shift = 9 - 3 * static_cast<std::int64_t>(unit);
    const std::size_t zeros = std::min(decimal->digits.find_first_not_of('0'), decimal->digits.size());
    const std::string_view digits = std::string_view(decimal->digits).substr(zeros);
    const std::int64_t point = decimal->point + shift - static_cast<std::int64_t>(zeros);
    constexpr std::int64_t digits_max = 19;
    if (!digits.empty() && point > digits_max) refuse("outside 1677-09-21 to 2262-04-11");
    std::uint64_t ns = 0;
    for (std::int64_t i = 0; !digits.empty() && i < point; ++i) {
        const auto at = static_cast<std::size_t>(i);
        ns = ns * 10 + (at < digits.size() ? static_cast<std::uint64_t>(digits[at] - '0') : 0U);
    }
    if (ns > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
        refuse("outside 1677-09-21 to 2262-04-11");
    const auto magnitude = static_cast<std::int64_t>(ns);
    return Timestamp{decimal->negative ? -magnitude : magnitude};
}

bool Mapping::is_empty() const noexcept {
    return *this == Mapping{};
}

void Mapping::validate() const {
    std::vector<std::string> faults;
    if (!type)
        faults.emplace_back("type is missing: say where an event's type is found, for example /kind or =imported");
    if (time_unit && !time) faults.emplace_back("a time unit is given without a time");
    const auto field = [&faults](std::string_view name, const std::optional<FieldSource>& from) {
        if (!from) return;
        if (from->fallback() && from->fallback()->empty() && (from->is_literal() || !may_be_absent(name)))
            faults.push_back(fmt::format("{}: its {} is empty", name, from->is_literal() ? "text" : "fallback"));
    };
    field("type", type);
    field("stream", stream);
    field("id", id);
    field("time", time);
    field("payload", payload);
    field("metadata", metadata);
    field("event version", event_version);
    field("causation", causation);
    field("correlation", correlation);
    field("source", source);
    std::set<std::string_view> keys;
    for (const auto& [key, from] : tags) {
        if (!keys.insert(key).second) faults.push_back(fmt::format("tag '{}' is given twice", quoted_start(key)));
    }
    if (!faults.empty()) throw Error(ErrorCode::invalid_argument, fmt::format("mapping: {}", fmt::join(faults, "; ")));
}

struct LineMapper::Impl {
    struct Field {
        std::string name;
        FieldSource from;
        std::optional<std::size_t> slot;
    };

    Impl(Mapping given, Limits store_limits, std::size_t line_bytes_max)
        : mapping(std::move(given)), limits(store_limits), line_limits(store_limits) {
        mapping.validate();
        line_limits.payload_bytes_max = line_bytes_max;
        type = add("type", mapping.type);
        stream = add("stream", mapping.stream);
        id = add("id", mapping.id);
        time = add("time", mapping.time);
        payload = add("payload", mapping.payload);
        metadata = add("metadata", mapping.metadata);
        event_version = add("event version", mapping.event_version);
        causation = add("causation", mapping.causation);
        correlation = add("correlation", mapping.correlation);
        source = add("source", mapping.source);
        for (const auto& [key, from] : mapping.tags) tags.emplace_back(key, *add("tag " + key, from));
        for (const auto& field : {payload, metadata}) {
            if (field && field->from.fallback() && !field->from.fallback()->empty())
                static_cast<void>(minify_json(*field->from.fallback(), limits, field->name));
        }
    }

    std::optional<Field> add(std::string name, const std::optional<FieldSource>& from) {
        if (!from) return std::nullopt;
        Field field{std::move(name), *from, std::nullopt};
        if (!from->is_literal()) field.slot = pointers.add(from->tokens());
        return field;
    }

    // The raw value, or the fallback: then `raw` is false.
    struct Value {
        std::string_view text;
        bool raw = false;
    };
    static std::optional<Value> look_up(const Field& field, const Found& found) {
        if (field.slot && found[*field.slot] && *found[*field.slot] != "null") return Value{*found[*field.slot], true};
        if (!field.from.fallback())
            throw Error(ErrorCode::invalid_pointer,
                        fmt::format("{}: pointer '{}' finds nothing; give it a fallback, {}?=text", field.name,
                                    quoted_start(field.from.pointer()), quoted_start(field.from.pointer())));
        if (!field.from.is_literal() && field.from.fallback()->empty()) return std::nullopt;
        return Value{*field.from.fallback(), false};
    }

    static std::optional<std::string> text_of(const Field& field, const Found& found) {
        const auto value = look_up(field, found);
        if (!value) return std::nullopt;
        if (!value->raw) return std::string(value->text);
        if (value->text[0] == '"') return interchange::unescape_json(value->text);
        if (value->text[0] == '{' || value->text[0] == '[')
            throw Error(
                ErrorCode::invalid_pointer,
                fmt::format("{}: pointer '{}' finds {}, where a string, a number or a boolean is wanted", field.name,
                            quoted_start(field.from.pointer()), value->text[0] == '{' ? "an object" : "an array"));
        return std::string(value->text);
    }

    static std::optional<std::string> text_of(const std::optional<Field>& field, const Found& found) {
        return field ? text_of(*field, found) : std::nullopt;
    }

    std::optional<Timestamp> time_of(const Found& found) const {
        const auto text = text_of(time, found);
        if (!text) return std::nullopt;
        if (!read_decimal(*text)) return Timestamp::parse(*text);
        if (!mapping.time_unit)
            throw Error(
                ErrorCode::invalid_time,
                fmt::format("time: '{}' is a number, and no unit was given; say s, ms, us or ns", quoted_start(*text)));
        return parse_numeric_time(*text, *mapping.time_unit);
    }

    Mapping mapping;
    Limits limits;
    Limits line_limits;
    interchange::PointerSet pointers;
    std::optional<Field> type, stream, id, time, payload, metadata, event_version, causation, correlation, source;
    std::vector<std::pair<std::string, Field>> tags;
    mutable Found spans;
};

LineMapper::LineMapper(Mapping mapping, Limits limits, std::size_t line_bytes_max)
    : impl_(std::make_unique<Impl>(std::move(mapping), limits, line_bytes_max)) {}
LineMapper::LineMapper(LineMapper&&) noexcept = default;
LineMapper& LineMapper::operator=(LineMapper&&) noexcept = default;
LineMapper::~LineMapper() = default;

const Mapping& LineMapper::mapping() const noexcept {
    return impl_->mapping;
}

MappedLine LineMapper::map(std::string_view line) const {
    std::string json = minify_json(line, impl_->line_limits, "the line");
    Found& found = impl_->spans;
    impl_->pointers.locate(json, found);

    MappedLine mapped;
    NewEvent& event = mapped.event;
    event.type = Impl::text_of(impl_->type, found).value_or("");
    if (auto text = Impl::text_of(impl_->stream, found)) event.stream = std::move(*text);
    if (auto text = Impl::text_of(impl_->id, found)) {
        // An empty id would ask the store for a new one, and a second run would add the event again.
        if (text->empty()) throw Error(ErrorCode::invalid_name, "id: it is empty");
        event.id = std::move(*text);
    }
    event.occurred_at = impl_->time_of(found);
    mapped.without_time = !event.occurred_at;
    if (auto text = Impl::text_of(impl_->event_version, found)) event.event_version = std::move(*text);
    if (auto text = Impl::text_of(impl_->source, found)) event.source = std::move(*text);
    event.causation_id = Impl::text_of(impl_->causation, found);
    event.correlation_id = Impl::text_of(impl_->correlation, found);
    for (const auto& [key, field] : impl_->tags) {
        if (auto text = Impl::text_of(field, found)) event.tags.emplace(key, std::move(*text));
    }
    if (impl_->metadata) {
        if (const auto value = Impl::look_up(*impl_->metadata, found)) event.metadata = std::string(value->text);
    }
    if (!impl_->payload) {
        event.payload = std::move(json);
    } else {
        event.payload = std::string(Impl::look_up(*impl_->payload, found)->text);
    }
    mapped.event = checked(std::move(event), impl_->limits);
    return mapped;
}

}  // namespace daybook
