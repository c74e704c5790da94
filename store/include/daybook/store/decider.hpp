// The decider loop: load a stream, fold it, decide, append with the version that was read; again on conflict.
#pragma once

#include <algorithm>
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

/// What decide() did. `events` is empty when the decision was to do nothing.
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
/// Throws Error: version_conflict - after attempts_max; invalid_argument - attempts_max is outside its limits; and what
///               append() throws. What fold or decide throw passes through.
template <typename State, typename Fold, typename Decide>
requires std::invocable<Fold&, State&, const EventView&>
[[nodiscard]] Decided<State> decide(EventStore& store, const std::string& stream, const State& initial, Fold fold,
                                    Decide decide_events, DecideOptions options = {}) {
    if (options.attempts_max < 1 || options.attempts_max > 1'000)
        throw Error(ErrorCode::invalid_argument, "decide on stream '" + stream + "': attempts_max is " +
                                                     std::to_string(options.attempts_max) +
                                                     ", and must be from 1 to 1,000");
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
        AppendOutcome outcome =
            store.try_append({.events = events, .expectations = {{stream, ExpectedVersion::exactly(version)}}});
        if (const auto* appended = std::get_if<Appended>(&outcome)) {
            // Events that had been appended before (their ids were given) are not behind what was read.
            const Version last = std::max(version, appended->positions.back().version);
            return {std::move(state), std::move(events), last, attempt};
        }
        if (const auto* conflict = std::get_if<IdempotencyConflict>(&outcome))
            throw Error(ErrorCode::idempotency_conflict, conflict->message());
        if (attempt >= options.attempts_max)
            throw Error(ErrorCode::version_conflict, std::get<VersionConflict>(outcome).message());
    }
}

}  // namespace daybook
