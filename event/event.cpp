#include <daybook/event/event.hpp>

#include <fmt/format.h>

#include <utility>

#include <daybook/event/error.hpp>
#include <daybook/event/json_text.hpp>

#include "event/json_walk.hpp"

namespace daybook {
namespace {

std::optional<std::string> owned(const std::optional<std::string_view>& text) {
    return text ? std::optional<std::string>(*text) : std::nullopt;
}

std::optional<std::string_view> lent(const std::optional<std::string>& text) noexcept {
    return text ? std::optional<std::string_view>(*text) : std::nullopt;
}

// Where a C0, DEL or C1 control character begins in valid UTF-8, or npos.
std::size_t find_control(std::string_view text) noexcept {
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        if (byte < 0x20 || byte == 0x7f) return i;
        // U+0080 .. U+009F are C2 80 .. C2 9F.
        if (byte == 0xc2 && static_cast<unsigned char>(text[i + 1]) < 0xa0) return i;
    }
    return std::string_view::npos;
}

void check_tags(const Tags& tags, const Limits& limits) {
    if (tags.size() > limits.tags_max) {
        throw Error(ErrorCode::too_large,
                    fmt::format("check tags: {} of them, the cap is {}", tags.size(), limits.tags_max));
    }
    for (const auto& [key, value] : tags) {
        check_name(key, "tag key", limits.stream_bytes_max);
        const std::string what = fmt::format("value of tag {}", quote_json(key));
        if (value.size() > limits.stream_bytes_max) {
            throw Error(ErrorCode::too_large, fmt::format("check {}: it has {} bytes, the cap is {}", what,
                                                          value.size(), limits.stream_bytes_max));
        }
        if (const std::size_t byte = find_invalid_utf8(value); byte != std::string_view::npos) {
            throw Error(ErrorCode::invalid_utf8, fmt::format("check {}: not UTF-8 at byte {}", what, byte));
        }
    }
}

}  // namespace

Event EventView::to_event() const {
    return {.seq = seq,
            .id = std::string(id),
            .type = std::string(type),
            .event_version = std::string(event_version),
            .stream = std::string(stream),
            .version = version,
            .source = std::string(source),
            .correlation_id = owned(correlation_id),
            .causation_id = owned(causation_id),
            .occurred_at = occurred_at,
            .recorded_at = recorded_at,
            .tags = tags == "{}" ? Tags{} : tags_from_json(tags),
            .payload = std::string(payload),
            .metadata = std::string(metadata),
            .digest = digest};
}

EventView view_of(const Event& event, std::string_view tags_json) noexcept {
    return {.seq = event.seq,
            .id = event.id,
            .type = event.type,
            .event_version = event.event_version,
            .stream = event.stream,
            .version = event.version,
            .source = event.source,
            .correlation_id = lent(event.correlation_id),
            .causation_id = lent(event.causation_id),
            .occurred_at = event.occurred_at,
            .recorded_at = event.recorded_at,
            .tags = tags_json,
            .payload = event.payload,
            .metadata = event.metadata,
            .digest = event.digest};
}

NewEvent checked(NewEvent event, const Limits& limits) {
    check_name(event.type, "type", limits.name_bytes_max);
    if (!event.id.empty()) check_name(event.id, "id", limits.name_bytes_max);
    check_name(event.event_version, "event_version", limits.name_bytes_max);
    check_name(event.stream, "stream", limits.stream_bytes_max);
    check_name(event.source, "source", limits.stream_bytes_max);
    if (event.correlation_id) check_name(*event.correlation_id, "correlation_id", limits.stream_bytes_max);
    if (event.causation_id) check_name(*event.causation_id, "causation_id", limits.stream_bytes_max);
    if (!event.tags.empty()) check_tags(event.tags, limits);
    event.payload = minify_json(event.payload, limits, "payload");
    if (event.metadata != "{}") {
        event.metadata = minify_json(event.metadata, limits, "metadata");
        if (json_kind(event.metadata) != JsonKind::object) {
            throw Error(ErrorCode::invalid_json, "read metadata: it must be a JSON object, such as {\"host\":\"a\"}");
        }
    }
    return event;
}

void check_name(std::string_view name, std::string_view what, std::size_t bytes_max) {
    if (name.empty()) throw Error(ErrorCode::invalid_name, fmt::format("check {}: it is empty", what));
    if (name.size() > bytes_max) {
        throw Error(ErrorCode::too_large,
                    fmt::format("check {}: it has {} bytes, the cap is {}", what, name.size(), bytes_max));
    }
    if (const std::size_t byte = find_invalid_utf8(name); byte != std::string_view::npos) {
        throw Error(ErrorCode::invalid_name, fmt::format("check {}: not UTF-8 at byte {}", what, byte));
    }
    if (const std::size_t byte = find_control(name); byte != std::string_view::npos) {
        throw Error(ErrorCode::invalid_name,
                    fmt::format("check {}: a control character at byte {} of {}", what, byte, quote_json(name)));
    }
}

}  // namespace daybook
