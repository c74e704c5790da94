// Adaptors between events and nlohmann::json. A header of its own, so that only who wants it pays for it.
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include <daybook/event/event.hpp>
#include <daybook/event/event_result.hpp>

namespace daybook {

/// Parses JSON text that this library stored. Numbers beyond 64 bits become doubles: keep the text if that matters.
/// Throws Error: invalid_json.
[[nodiscard]] nlohmann::json parse_json(std::string_view text);

/// The event's payload as a value.
[[nodiscard]] nlohmann::json payload_of(const Event& event);
[[nodiscard]] nlohmann::json payload_of(const EventView& event);

/// A value as JSON text for NewEvent::payload. Throws Error: invalid_utf8, too_deep, number_out_of_range (NaN, Inf).
[[nodiscard]] std::string json_text(const nlohmann::json& value, const Limits& limits = {});

void to_json(nlohmann::json& json, const Event& event);
void to_json(nlohmann::json& json, const EventResult& result);

}  // namespace daybook
