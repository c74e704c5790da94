// The decider loop: load a stream, fold it, decide, append with the version that was read; again on conflict.
#pragma once

#include <concepts>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <daybook/event/error.hpp>
#include <daybook/store/event_store.hpp>

namespace daybook {

struct DecideOptions {
    /// How often to decide in all, before the version_conflict is thrown. Default: 5; 1..1,000.
    std::size_t attempts_max = 5;
};

/// What decide() did. `appended` is empty when the decision was to do nothing.
template <typename State>
struct Decided {
    State state;  ///< as it was decided on, without the new events
    std::vector<NewEvent> events;
    Version version;  ///< of the stream, after them
    std::size_t attempts = 1;
};

/// Folds the events of `stream` into `initial` with `fold(state, event)`, asks `decide(state)` for new events, and
/// appends them (to `stream`) expecting the version that was read. On a conflict it starts again.
///
/// Thread-safety: safe from any thread. Blocks: as append().
/// Throws Error: version_conflict - after attempts_max; and what append() throws. What fold or decide throw passes through.
template <typename State, typename Fold, typename Decide>
    requires std::invocable<Fold&, State&, const EventView&>
[[nodiscard]] Decided<State> decide(EventStore& store, const std::string& stream, const State& initial, Fold fold,
                                    Decide decide_events, DecideOptions options = {}) {
    for (std::size_t attempt = 1;; ++attempt) {
        State state = initial;
        const EventReader reader = store.reader();
        Version version;
        EventCursor cursor = reader.read(Window{.stream = stream});
        while (const EventView* event = cursor.next()) {
            fold(state, *event);
            version = event->version;
        }
        std::vector<NewEvent> events = decide_events(std::as_const(state));
        if (events.empty()) return {std::move(state), {}, version, attempt};
        for (NewEvent& event : events) event.stream = stream;
        const std::size_t count = events.size();
        AppendOutcome outcome =
            store.try_append({.events = events, .expectations = {{stream, ExpectedVersion::exactly(version)}}});
        if (std::holds_alternative<Appended>(outcome))
            return {std::move(state), std::move(events), Version{version.value + count}, attempt};
        if (const auto* conflict = std::get_if<IdempotencyConflict>(&outcome))
            throw Error(ErrorCode::idempotency_conflict, conflict->message());
        if (attempt >= options.attempts_max)
            throw Error(ErrorCode::version_conflict, std::get<VersionConflict>(outcome).message());
    }
}

}  // namespace daybook
