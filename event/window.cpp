#include <daybook/event/window.hpp>

#include <fmt/format.h>

#include <algorithm>

#include <daybook/event/error.hpp>

namespace daybook {

void Window::validate() const {
    std::string faults;
    const auto add = [&faults](std::string_view fault) {
        if (!faults.empty()) faults += "; ";
        faults += fault;
    };
    if (from_seq && to_seq && *from_seq > *to_seq) {
        add(fmt::format("from_seq {} is after to_seq {}", from_seq->value, to_seq->value));
    }
    if (from && to && *from > *to) {
        add(fmt::format("from {} is after to {}", from->to_string(), to->to_string()));
    }
    if (!faults.empty()) {
        throw Error(ErrorCode::invalid_argument, fmt::format("check a window: {}; swap them", faults));
    }
}

bool Window::is_filtered() const noexcept {
    const bool all_types =
        types.empty() || std::any_of(types.begin(), types.end(), [](const TypePattern& p) { return p.matches_all(); });
    const bool occurred = axis == TimeAxis::occurred && (from || to);
    return !all_types || occurred || stream || source || correlation_id || causation_id || !tags.empty() || limit;
}

bool Window::contains(const EventView& event) const {
    if (from_seq && event.seq < *from_seq) return false;
    if (to_seq && event.seq > *to_seq) return false;
    const Timestamp time = axis == TimeAxis::occurred ? event.occurred_at : event.recorded_at;
    if (from && time < *from) return false;
    if (to && time >= *to) return false;
    if (stream && event.stream != *stream) return false;
    if (source && event.source != *source) return false;
    if (correlation_id && event.correlation_id != *correlation_id) return false;
    if (causation_id && event.causation_id != *causation_id) return false;
    if (!types.empty() && std::none_of(types.begin(), types.end(),
                                       [&](const TypePattern& pattern) { return pattern.matches(event.type); })) {
        return false;
    }
    if (tags.empty()) return true;
    if (event.tags == "{}") return false;
    const Tags held = tags_from_json(event.tags);
    return std::all_of(tags.begin(), tags.end(), [&](const auto& wanted) {
        const auto found = held.find(wanted.first);
        return found != held.end() && found->second == wanted.second;
    });
}

}  // namespace daybook
