#include <daybook/event/event_line.hpp>

#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <initializer_list>
#include <iterator>

#include <daybook/event/error.hpp>
#include <daybook/event/json_text.hpp>

#include "event/json_scan.hpp"
#include "event/json_walk.hpp"
#include "event/line_reader.hpp"

namespace daybook {
namespace {

using namespace std::string_view_literals;

void append_number(std::string& out, std::uint64_t number) {
    out += fmt::format_int(number).c_str();
}

void append_time(std::string& out, Timestamp time) {
    out += '"';
    time.append_to(out);
    out += '"';
}

template <typename Text>
void append_optional(std::string& out, const std::optional<Text>& text) {
    if (text) {
        append_quoted_json(out, *text);
    } else {
        out += "null";
    }
}

void append_optional_time(std::string& out, const std::optional<Timestamp>& time) {
    if (time) {
        append_time(out, *time);
    } else {
        out += "null";
    }
}

std::optional<std::string> read_optional_string(const JsonWalk::Item& item) {
    if (json_kind(item.value) == JsonKind::null) return std::nullopt;
    return read_string(item);
}

Timestamp read_time(const JsonWalk::Item& item) {
    if (json_kind(item.value) != JsonKind::string) refuse_field(item, "a time");
    std::string escaped;
    try {
        return Timestamp::parse(unescape_json(item.value, escaped));
    } catch (const Error& error) {
        refuse_field(item, fmt::format("a time ({})", error.what()));
    }
}

std::optional<Timestamp> read_optional_time(const JsonWalk::Item& item) {
    if (json_kind(item.value) == JsonKind::null) return std::nullopt;
    return read_time(item);
}

// JSON text of our own is copied byte for byte; only what somebody laid out anew is minified.
std::string read_json(const JsonWalk::Item& item, bool minified, const Limits& limits) {
    if (!minified) return minify_json(item.value, limits, item.quoted_key);
    if (item.value.size() > limits.payload_bytes_max) {
        throw Error(ErrorCode::too_large, fmt::format("read {}: it has {} bytes, the cap is {}", item.quoted_key,
                                                      item.value.size(), limits.payload_bytes_max));
    }
    return std::string(item.value);
}

std::vector<std::string> read_strings(const JsonWalk::Item& item) {
    if (json_kind(item.value) != JsonKind::array) refuse_field(item, "an array of strings");
    std::vector<std::string> strings;
    JsonWalk walk(item.value, item.offset);
    while (auto string = walk.next()) {
        string->quoted_key = item.quoted_key;
        strings.push_back(read_string(*string));
    }
    return strings;
}

// Remembers which required keys were met.
class Required {
  public:
    explicit Required(std::initializer_list<std::string_view> keys) : keys_(keys) {}
    void add(std::initializer_list<std::string_view> keys) { keys_.insert(keys_.end(), keys); }
    void met(std::string_view key) {
        for (std::string_view& required : keys_) {
            if (required == key) required = {};
        }
    }
    void check(std::string_view kind, std::size_t offset) const {
        for (const std::string_view key : keys_) {
            if (!key.empty()) refuse_line(fmt::format("the {} has no \"{}\"", kind, key), offset);
        }
    }

  private:
    std::vector<std::string_view> keys_;
};

}  // namespace

void append_line(std::string& out, const EventView& event) {
    out.reserve(out.size() + 320 + event.id.size() + event.type.size() + event.stream.size() + event.tags.size() +
                event.payload.size() + event.metadata.size());
    out += "{\"seq\":";
    append_number(out, event.seq.value);
    out += ",\"id\":";
    append_quoted_json(out, event.id);
    out += ",\"type\":";
    append_quoted_json(out, event.type);
    out += ",\"event_version\":";
    append_quoted_json(out, event.event_version);
    out += ",\"stream\":";
    append_quoted_json(out, event.stream);
    out += ",\"version\":";
    append_number(out, event.version.value);
    out += ",\"source\":";
    append_quoted_json(out, event.source);
    out += ",\"correlation_id\":";
    append_optional(out, event.correlation_id);
    out += ",\"causation_id\":";
    append_optional(out, event.causation_id);
    out += ",\"occurred_at\":";
    append_time(out, event.occurred_at);
    out += ",\"recorded_at\":";
    append_time(out, event.recorded_at);
    out += ",\"tags\":";
    out += event.tags;
    out += ",\"payload\":";
    out += event.payload;
    out += ",\"metadata\":";
    out += event.metadata;
    out += '}';
}

void append_line(std::string& out, const EventResult& result) {
    out += "{\"result_seq\":";
    append_number(out, result.result_seq.value);
    out += ",\"event_seq\":";
    append_number(out, result.event_seq.value);
    out += ",\"event_id\":";
    append_quoted_json(out, result.event_id);
    out += ",\"bus\":";
    append_quoted_json(out, result.bus);
    out += ",\"handler\":";
    append_quoted_json(out, result.handler);
    out += ",\"attempt\":";
    append_number(out, result.attempt);
    out += ",\"status\":";
    append_quoted_json(out, to_string(result.status));
    out += ",\"owner\":";
    append_quoted_json(out, result.owner);
    if (result.result) {
        // Left out when nothing was returned: null is a value that a handler may return.
        out += ",\"result\":";
        out += *result.result;
    }
    out += ",\"error_type\":";
    append_optional(out, result.error_type);
    out += ",\"error_message\":";
    append_optional(out, result.error_message);
    out += ",\"started_at\":";
    append_optional_time(out, result.started_at);
    out += ",\"finished_at\":";
    append_optional_time(out, result.finished_at);
    out += ",\"emitted\":[";
    for (std::size_t i = 0; i < result.emitted.size(); ++i) {
        if (i > 0) out += ',';
        append_quoted_json(out, result.emitted[i]);
    }
    out += "],\"note\":";
    append_optional(out, result.note);
    out += ",\"imported\":";
    out += result.imported ? "true" : "false";
    out += ",\"events_head\":";
    append_number(out, result.events_head.value);
    out += ",\"recorded_at\":";
    append_time(out, result.recorded_at);
    if (result.started_at && result.finished_at) {
        out += ",\"duration_ns\":";
        fmt::format_to(std::back_inserter(out), "{}", result.finished_at->ns - result.started_at->ns);
    }
    out += '}';
}

std::string to_line(const EventView& event) {
    std::string line;
    append_line(line, event);
    return line;
}

std::string to_line(const Event& event) {
    const std::string tags = tags_to_json(event.tags);
    return to_line(view_of(event, tags));
}

std::string to_line(const EventResult& result) {
    std::string line;
    append_line(line, result);
    return line;
}

Line parse_line(std::string_view line, const Limits& limits) {
    // One more level than the payload may have: the line itself.
    const bool minified = check_json(line, {.bytes_max = line_bytes_max(limits),
                                            .nesting_max = limits.nesting_max + 1,
                                            .what = "a line",
                                            .grammar_code = ErrorCode::invalid_line});
    const std::size_t start = line.find_first_not_of(" \t\r\n");
    const std::string_view object = line.substr(start);
    if (json_kind(object) != JsonKind::object) refuse_line("it is not a JSON object", start);
    // Almost every line tells by its first key what it is; only a line that begins otherwise is searched.
    // No result has a "seq".
    JsonWalk walk(object, start);
    while (const auto item = walk.next()) {
        if (item->quoted_key == "\"result_seq\"") return read_result(object, start, minified, Fields::given, limits);
        if (item->quoted_key == "\"seq\"") break;
    }
    return read_event(object, start, minified, Fields::given, limits);
}

void refuse_line(std::string_view reason, std::size_t offset) {
    throw Error(ErrorCode::invalid_line, fmt::format("read a line: {} at byte {}", reason, offset));
}

void refuse_field(const JsonWalk::Item& item, std::string_view wanted) {
    refuse_line(fmt::format("{} is not {}", item.quoted_key, wanted), item.offset);
}

std::size_t line_bytes_max(const Limits& limits) noexcept {
    // The longest line is a result's: what the handler returned, and an error's type, message and note, each of whose
    // bytes may be escaped to six. Room besides for the ids of what it emitted.
    constexpr std::size_t escape_bytes = 6;
    constexpr std::size_t long_texts = 3;
    constexpr std::size_t emitted_bytes = std::size_t{16} << 20;
    return (4 + escape_bytes * long_texts) * limits.payload_bytes_max + emitted_bytes +
           escape_bytes * (6 * limits.name_bytes_max + (8 + 2 * limits.tags_max) * limits.stream_bytes_max);
}

std::string read_string(const JsonWalk::Item& item) {
    if (json_kind(item.value) != JsonKind::string) refuse_field(item, "a string");
    return unescape_json(item.value);
}

std::uint64_t read_number(const JsonWalk::Item& item) {
    std::uint64_t number = 0;
    const char* const end = item.value.data() + item.value.size();
    const auto [at, error] = std::from_chars(item.value.data(), end, number);
    if (error != std::errc() || at != end || number > std::uint64_t{INT64_MAX}) {
        refuse_field(item, fmt::format("a whole number from 0 to {}", INT64_MAX));
    }
    return number;
}

Event read_event(std::string_view object, std::size_t offset, bool minified, Fields fields, const Limits& limits) {
    Event event;
    event.event_version = "1";
    event.stream = "main";
    event.source = "engine";
    event.metadata = "{}";
    Required required{"id", "type", "occurred_at", "payload"};
    if (fields == Fields::committed) {
        required.add({"seq", "event_version", "stream", "version", "source", "correlation_id", "causation_id",
                      "recorded_at", "tags", "metadata"});
    }
    std::string escaped;
    JsonWalk walk(object, offset);
    while (const auto item = walk.next()) {
        const std::string_view name = unescape_json(item->quoted_key, escaped);
        required.met(name);
        if (name == "seq"sv) {
            event.seq.value = read_number(*item);
        } else if (name == "id"sv) {
            event.id = read_string(*item);
        } else if (name == "type"sv) {
            event.type = read_string(*item);
        } else if (name == "event_version"sv) {
            event.event_version = read_string(*item);
        } else if (name == "stream"sv) {
            event.stream = read_string(*item);
        } else if (name == "version"sv) {
            event.version.value = read_number(*item);
        } else if (name == "source"sv) {
            event.source = read_string(*item);
        } else if (name == "correlation_id"sv) {
            event.correlation_id = read_optional_string(*item);
        } else if (name == "causation_id"sv) {
            event.causation_id = read_optional_string(*item);
        } else if (name == "occurred_at"sv) {
            event.occurred_at = read_time(*item);
        } else if (name == "recorded_at"sv) {
            event.recorded_at = read_time(*item);
        } else if (name == "tags"sv) {
            if (item->value != "{}") event.tags = tags_from_json(item->value, limits);
        } else if (name == "payload"sv) {
            event.payload = read_json(*item, minified, limits);
        } else if (name == "metadata"sv) {
            if (json_kind(item->value) != JsonKind::object) refuse_field(*item, "an object");
            event.metadata = read_json(*item, minified, limits);
        }
    }
    required.check("event", offset);
    return event;
}

EventResult read_result(std::string_view object, std::size_t offset, bool minified, Fields fields,
                        const Limits& limits) {
    EventResult result;
    Required required{"result_seq", "event_id", "bus", "handler", "attempt", "status"};
    if (fields == Fields::committed) {
        required.add({"event_seq", "owner", "error_type", "error_message", "started_at", "finished_at", "emitted",
                      "note", "imported", "events_head", "recorded_at"});
    }
    std::string escaped;
    JsonWalk walk(object, offset);
    while (const auto item = walk.next()) {
        const std::string_view name = unescape_json(item->quoted_key, escaped);
        required.met(name);
        if (name == "result_seq"sv) {
            result.result_seq.value = read_number(*item);
        } else if (name == "event_seq"sv) {
            result.event_seq.value = read_number(*item);
        } else if (name == "event_id"sv) {
            result.event_id = read_string(*item);
        } else if (name == "bus"sv) {
            result.bus = read_string(*item);
        } else if (name == "handler"sv) {
            result.handler = read_string(*item);
        } else if (name == "attempt"sv) {
            const std::uint64_t attempt = read_number(*item);
            if (attempt == 0 || attempt > UINT32_MAX)
                refuse_field(*item, fmt::format("a number from 1 to {}", UINT32_MAX));
            result.attempt = static_cast<std::uint32_t>(attempt);
        } else if (name == "status"sv) {
            const auto status = result_status_from(read_string(*item));
            if (!status) {
                refuse_field(*item, "one of pending, started, completed, error, timeout, cancelled, aborted, late");
            }
            result.status = *status;
        } else if (name == "owner"sv) {
            result.owner = read_string(*item);
        } else if (name == "result"sv) {
            result.result = read_json(*item, minified, limits);
        } else if (name == "error_type"sv) {
            result.error_type = read_optional_string(*item);
        } else if (name == "error_message"sv) {
            result.error_message = read_optional_string(*item);
        } else if (name == "started_at"sv) {
            result.started_at = read_optional_time(*item);
        } else if (name == "finished_at"sv) {
            result.finished_at = read_optional_time(*item);
        } else if (name == "emitted"sv) {
            result.emitted = read_strings(*item);
        } else if (name == "note"sv) {
            result.note = read_optional_string(*item);
        } else if (name == "imported"sv) {
            if (json_kind(item->value) != JsonKind::boolean) refuse_field(*item, "true or false");
            result.imported = item->value == "true";
        } else if (name == "events_head"sv) {
            result.events_head.value = read_number(*item);
        } else if (name == "recorded_at"sv) {
            result.recorded_at = read_time(*item);
        }
    }
    required.check("result", offset);
    return result;
}

}  // namespace daybook
