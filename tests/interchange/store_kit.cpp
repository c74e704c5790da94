// Helpers of this floor's tests that need a store.
#include <fmt/format.h>

#include "interchange_kit.hpp"

namespace daybook {

EventStore new_store(const std::filesystem::path& path) {
    return EventStore::open(path, {.access = Access::create, .durability = Durability::normal});
}

std::vector<Event> events_of(const EventStore& store) {
    std::vector<Event> events;
    EventCursor cursor = store.read();
    while (const EventView* event = cursor.next()) events.push_back(event->to_event());
    return events;
}

std::vector<EventResult> results_of(const EventStore& store) {
    std::vector<EventResult> results;
    const EventReader reader = store.reader();
    ResultCursor cursor = reader.results();
    while (const EventResult* result = cursor.next()) results.push_back(*result);
    return results;
}

std::vector<Event> without_commit(std::vector<Event> events) {
    for (Event& event : events) {
        event.recorded_at = {};
        event.digest = {};
    }
    return events;
}

}  // namespace daybook
