#include <daybook/event/json_nlohmann.hpp>

#include <fmt/format.h>

#include <cmath>
#include <utility>
#include <vector>

#include <daybook/event/error.hpp>
#include <daybook/event/event_line.hpp>

namespace daybook {

nlohmann::json parse_json(std::string_view text) {
    try {
        return nlohmann::json::parse(text.begin(), text.end());
    } catch (const nlohmann::json::exception& error) {
        throw Error(ErrorCode::invalid_json, fmt::format("read JSON: {}", error.what()));
    }
}

nlohmann::json payload_of(const Event& event) {
    return parse_json(event.payload);
}
nlohmann::json payload_of(const EventView& event) {
    return parse_json(event.payload);
}

std::string json_text(const nlohmann::json& value, const Limits& limits) {
    // dump() recurses, so the depth is measured first, with a stack of our own.
    std::vector<std::pair<const nlohmann::json*, std::size_t>> due{{&value, 0}};
    while (!due.empty()) {
        const auto [json, depth] = due.back();
        due.pop_back();
        if (json->is_number_float() && !std::isfinite(json->get<double>())) {
            throw Error(ErrorCode::number_out_of_range, "write JSON: NaN and infinity are no JSON numbers");
        }
        if (json->is_discarded() || json->is_binary()) {
            throw Error(ErrorCode::invalid_json, "write JSON: a binary or discarded value has no JSON text");
        }
        if (!json->is_structured()) continue;
        if (depth == limits.nesting_max) {
            throw Error(ErrorCode::too_deep,
                        fmt::format("write JSON: nested deeper than {} levels", limits.nesting_max));
        }
        for (const nlohmann::json& item : *json) due.emplace_back(&item, depth + 1);
    }
    try {
        return value.dump();
    } catch (const nlohmann::json::exception& error) {
        throw Error(ErrorCode::invalid_utf8, fmt::format("write JSON: {}", error.what()));
    }
}

void to_json(nlohmann::json& json, const Event& event) {
    json = parse_json(to_line(event));
}
void to_json(nlohmann::json& json, const EventResult& result) {
    json = parse_json(to_line(result));
}

}  // namespace daybook
