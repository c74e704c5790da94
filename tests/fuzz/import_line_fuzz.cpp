// Lines of an import: a mapping over somebody else's JSON against nlohmann's JSON Pointers, and Daybook's own lines.
//
// Input: after an `m`, field sources separated by tabs, a newline, the line; after anything else, a line of Daybook's.
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <variant>
#include <vector>

#include <daybook/event/event_line.hpp>
#include <daybook/interchange/mapping.hpp>

#include "fuzz/fuzz.hpp"

namespace daybook::fuzz {
namespace {

using Json = nlohmann::json;

constexpr std::size_t line_bytes_max = 1'024;

Limits small_limits() {
    Limits limits;
    limits.payload_bytes_max = 512;
    limits.name_bytes_max = 40;
    limits.stream_bytes_max = 80;
    limits.nesting_max = 12;
    return limits;
}

// What a field source is to nlohmann.
struct Reference {
    bool literal = false;
    Json::json_pointer pointer{};
    std::optional<std::string> text{};  ///< the literal or the fallback
};

// Empty when `text` is no field source.
std::optional<Reference> reference_source(std::string_view text) {
    if (text.starts_with('=')) return Reference{true, Json::json_pointer(), std::string(text.substr(1))};
    if (find_invalid_utf8(text) != std::string_view::npos) return std::nullopt;
    Reference reference;
    const std::size_t cut = text.find("?=");
    if (cut != std::string_view::npos) reference.text = std::string(text.substr(cut + 2));
    try {
        reference.pointer = Json::json_pointer(std::string(text.substr(0, cut)));
    } catch (const Json::exception&) {
        return std::nullopt;
    }
    return reference;
}

std::optional<FieldSource> source_from(std::string_view text) {
    const Outcome source{[&] { return FieldSource::parse(text); }};
    const auto expected = reference_source(text);
    require(source.ok() == expected.has_value(),
            fmt::format("the reference's verdict on a source, {}", source.refusal()));
    if (!source) {
        require(source.refused_as(ErrorCode::invalid_pointer), "a source is refused as that");
        return std::nullopt;
    }
    require(source->is_literal() == expected->literal, "a literal is one");
    require(source->fallback() == expected->text, "a source keeps its text");
    return *source;
}

// The value that `pointer` names, or null.
const Json* found_at(const Json& line, const Json::json_pointer& pointer) {
    try {
        return line.contains(pointer) ? &line.at(pointer) : nullptr;
    } catch (const Json::exception&) {  // an index that is none
        return nullptr;
    }
}

// What a text field must come out as; empty: the line must be refused.
struct Expected {
    bool refused = false;
    std::optional<std::string> text{};
    const Json* value = nullptr;  ///< a number or boolean: its source text is kept, and means this
};

Expected expected_of(std::string_view source, const Json& line) {
    const Reference reference = *reference_source(source);
    Expected expected;
    const Json* value = reference.literal ? nullptr : found_at(line, reference.pointer);
    if (value == nullptr || value->is_null()) {
        if (!reference.text) expected.refused = true;
        if (reference.literal || (reference.text && !reference.text->empty())) expected.text = reference.text;
        return expected;
    }
    if (value->is_structured()) {
        expected.refused = true;
    } else if (value->is_string()) {
        expected.text = value->get<std::string>();
    } else {
        expected.value = value;
    }
    return expected;
}

void require_field(const Expected& expected, const std::optional<std::string>& actual, std::string_view name) {
    require(!expected.refused, fmt::format("{}: a source that finds nothing to use is refused", name));
    if (expected.value != nullptr) {
        require(actual && Json::parse(*actual) == *expected.value, fmt::format("{}: a number's own text", name));
    } else if (expected.text) {
        require(actual.has_value(), fmt::format("{}: it is there", name));
        require_equal(*actual, *expected.text, name);
    } else {
        require(!actual, fmt::format("{}: it is absent", name));
    }
}

bool finds_nothing(std::string_view source, const Json& line) {
    const Reference reference = *reference_source(source);
    if (reference.literal || reference.text) return false;
    const Json* value = found_at(line, reference.pointer);
    return value == nullptr || value->is_null();
}

void require_raw(std::string_view source, const Json& line, std::string_view actual, std::string_view name) {
    const Reference reference = *reference_source(source);
    const Json* value = reference.literal ? nullptr : found_at(line, reference.pointer);
    if (value != nullptr && !value->is_null()) {
        require(Json::parse(actual) == *value, fmt::format("{}: the value that the pointer names", name));
    } else {
        require(reference.text.has_value(), fmt::format("{}: a fallback stands in", name));
        const std::string_view text = reference.text->empty() ? "{}" : std::string_view(*reference.text);
        require(Json::parse(actual) == Json::parse(text), fmt::format("{}: the fallback", name));
    }
}

void map_line(std::string_view input) {
    Bytes bytes(input);
    Bytes head(bytes.until('\n'));
    const std::string_view line = bytes.rest();
    Mapping mapping;
    std::string_view texts[9];
    std::optional<FieldSource>* const fields[9] = {&mapping.type,      &mapping.stream,      &mapping.id,
                                                   &mapping.payload,   &mapping.metadata,    &mapping.event_version,
                                                   &mapping.causation, &mapping.correlation, &mapping.source};
    for (std::size_t i = 0; i < 9 && !head.empty(); ++i) {
        texts[i] = head.until('\t');
        if (texts[i] == "-") continue;  // not given
        *fields[i] = source_from(texts[i]);
        if (!*fields[i]) return;
    }
    if (!head.empty()) mapping.time = source_from(head.until('\t'));
    if (!head.empty()) mapping.time_unit = time_unit_from(head.until('\t'));
    while (!head.empty() && mapping.tags.size() < 4) {
        const std::string_view tag = head.until('\t');
        if (auto source = source_from(tag)) mapping.tags.emplace_back(fmt::format("t{}", tag.size() % 4), *source);
    }

    const Limits limits = small_limits();
    const Outcome mapper{[&] { return std::make_unique<LineMapper>(mapping, limits, line_bytes_max); }};
    if (!mapper) return;
    const Outcome mapped{[&] { return (*mapper)->map(line); }};
    if (!mapped) {
        require(mapped.refused_as(ErrorCode::invalid_pointer, ErrorCode::invalid_time, ErrorCode::invalid_json,
                                  ErrorCode::invalid_utf8, ErrorCode::too_deep, ErrorCode::too_large,
                                  ErrorCode::duplicate_key, ErrorCode::number_out_of_range, ErrorCode::invalid_name,
                                  ErrorCode::invalid_argument),
                fmt::format("a line is refused for what is in it, {}", mapped.refusal()));
        if (mapped.refused_as(ErrorCode::invalid_pointer) && !mapping.time && mapping.tags.empty()) {
            const Json json = Json::parse(line);
            bool deserved = false;
            for (std::size_t i = 0; i < 9; ++i) {
                if (!*fields[i]) continue;
                const bool raw = i == 3 || i == 4;  // payload and metadata may be objects and arrays
                deserved = deserved || (raw ? finds_nothing(texts[i], json) : expected_of(texts[i], json).refused);
            }
            require(deserved, "a pointer is said to find nothing only where it finds nothing");
        }
        return;
    }
    require(Json::accept(line), "a line that is mapped is JSON");
    const Json json = Json::parse(line);
    const NewEvent& event = mapped->event;
    require(checked(event, limits) == event, "a mapped event has been checked");
    require(mapped->without_time == !event.occurred_at.has_value(), "a line without a time says so");
    const auto check = [&](std::size_t i, const std::optional<std::string>& actual, std::string_view name) {
        if (*fields[i]) require_field(expected_of(texts[i], json), actual, name);
    };
    check(0, event.type, "type");
    check(1, event.stream, "stream");
    check(2, event.id, "id");
    check(5, event.event_version, "event_version");
    check(6, event.causation_id, "causation");
    check(7, event.correlation_id, "correlation");
    check(8, event.source, "source");
    if (mapping.payload) {
        require_raw(texts[3], json, event.payload, "payload");
    } else {
        require(Json::parse(event.payload) == json, "payload: the whole line");
    }
    if (mapping.metadata) require_raw(texts[4], json, event.metadata, "metadata");
    require(Json::parse(event.metadata).is_object(), "metadata is an object");
    const MappedLine again = (*mapper)->map(line);
    require(again.event == event, "mapping a line twice gives the same event");
}

void read_line(std::string_view line) {
    const Limits limits = small_limits();
    const Outcome read{[&] { return parse_line(line, limits); }};
    if (!read) return;
    require(Json::accept(line), "a line that is read is JSON");
    const Json json = Json::parse(line);
    const std::string written = std::visit([](const auto& record) { return to_line(record); }, *read);
    const Json back = Json::parse(written);
    require(parse_line(written, limits) == *read, "a line written is the line read");
    if (const auto* event = std::get_if<Event>(&*read)) {
        for (const char* key : {"id", "type", "payload"})
            require(back.at(key) == json.at(key), fmt::format("{} is kept", key));
        for (const char* key : {"seq", "event_version", "stream", "version", "source", "correlation_id", "causation_id",
                                "tags", "metadata"})
            if (json.contains(key)) require(back.at(key) == json.at(key), fmt::format("{} is kept", key));
        require(event->digest == Digest{}, "a line says nothing of its digest");
    } else {
        for (const char* key : {"event_id", "bus", "handler", "attempt", "status"})
            require(back.at(key) == json.at(key), fmt::format("{} is kept", key));
        require(back.contains("result") == json.contains("result"), "a returned null is not the same as nothing");
    }
}

}  // namespace

void import_line(std::string_view input) {
    if (input.empty()) return;
    const std::string_view rest = input.substr(1);
    input.front() == 'm' ? map_line(rest) : read_line(rest);
}

}  // namespace daybook::fuzz
