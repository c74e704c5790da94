// The event: what is handed in (NewEvent), what is committed (Event), and what a cursor lends (EventView).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <daybook/event/limits.hpp>
#include <daybook/event/position.hpp>
#include <daybook/event/tags.hpp>
#include <daybook/event/timestamp.hpp>

namespace daybook {

/// A fact that is to be recorded. Only `type` must be given.
struct NewEvent {
    std::string type;                             ///< what happened, in the past tense: `player:moved`. 1..255 bytes
    std::string payload = "{}";                   ///< JSON text, at most 1 MiB
    std::string stream = "main";                  ///< the entity, lane or session it belongs to. 1..1,024 bytes
    std::string id{};                             ///< unique for ever; empty = a new UUIDv7. At most 255 bytes
    std::string event_version = "1";              ///< version of the payload's shape. 1..255 bytes
    std::string source = "engine";                ///< which component says so. 1..1,024 bytes
    std::optional<std::string> correlation_id{};  ///< the run, request or session
    std::optional<std::string> causation_id{};    ///< the id of the event that caused this one
    std::optional<Timestamp> occurred_at{};       ///< default: the time of the commit
    Tags tags{};
    std::string metadata = "{}";  ///< a JSON object, at most 1 MiB
    bool operator==(const NewEvent&) const = default;
};

/// A committed event. Never changes.
struct Event {
    Sequence seq;
    std::string id;
    std::string type;
    std::string event_version;
    std::string stream;
    Version version;
    std::string source;
    std::optional<std::string> correlation_id;
    std::optional<std::string> causation_id;
    Timestamp occurred_at;
    Timestamp recorded_at;
    Tags tags;
    std::string payload;   ///< minified JSON text
    std::string metadata;  ///< minified JSON text, an object
    Digest digest;         ///< of the chain up to and including this event
    bool operator==(const Event&) const = default;
};

/// A committed event that somebody else holds, as cursors lend it: valid until the cursor's next().
struct EventView {
    Sequence seq;
    std::string_view id;
    std::string_view type;
    std::string_view event_version;
    std::string_view stream;
    Version version;
    std::string_view source;
    std::optional<std::string_view> correlation_id;
    std::optional<std::string_view> causation_id;
    Timestamp occurred_at;
    Timestamp recorded_at;
    std::string_view tags;  ///< canonical JSON; tags_from_json() reads it
    std::string_view payload;
    std::string_view metadata;
    Digest digest;

    /// A copy that owns its text.
    [[nodiscard]] Event to_event() const;
};

/// Lends `event`. `tags_json` must be tags_to_json(event.tags) and outlive the view.
[[nodiscard]] EventView view_of(const Event& event, std::string_view tags_json) noexcept;

/// Checks every field of `event` against `limits` and returns it with payload and metadata minified.
/// Names (type, id, stream, …) are valid UTF-8 without C0, DEL and C1 control characters, and not empty
/// (id may be). Throws Error: invalid_name, too_large and what minify_json() throws; the message names the field.
[[nodiscard]] NewEvent checked(NewEvent event, const Limits& limits = {});

/// Checks one name; `what` names it in the message. Throws Error: invalid_name, too_large.
void check_name(std::string_view name, std::string_view what, std::size_t bytes_max);

}  // namespace daybook
