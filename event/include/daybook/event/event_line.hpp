// The JSON of an event and of a result, one line each, the same everywhere: export, tail, show, journal.
// Schemas: schemas/json/event.schema.json, schemas/json/result.schema.json.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include <daybook/event/event.hpp>
#include <daybook/event/event_result.hpp>

namespace daybook {

/// One JSON object without a newline at its end. Payload and metadata are copied as they are.
[[nodiscard]] std::string to_line(const EventView& event);
[[nodiscard]] std::string to_line(const Event& event);
[[nodiscard]] std::string to_line(const EventResult& result);
/// Append the same text to `out`.
void append_line(std::string& out, const EventView& event);
void append_line(std::string& out, const EventResult& result);

/// What one line holds. A result line has the key "result_seq".
using Line = std::variant<Event, EventResult>;

/// Reads a line that to_line() wrote, keeping payload and metadata byte for byte; `recorded_at`, `seq`, … may
/// be missing (they are given anew by an import), unknown keys are ignored.
/// Throws Error: invalid_line - what is wrong and at which byte; too_large; too_deep; duplicate_key; …
[[nodiscard]] Line parse_line(std::string_view line, const Limits& limits = {});

}  // namespace daybook
