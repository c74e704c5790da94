// A fold in C++: events of a window into any state type, with or without snapshots.
//
// No side effects by construction: this floor cannot name a handler. SQL projections are in sql_fold.hpp.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <daybook/event/error.hpp>
#include <daybook/event/event.hpp>
#include <daybook/event/sha256.hpp>
#include <daybook/event/window.hpp>
#include <daybook/replay/progress.hpp>
#include <daybook/replay/snapshot_use.hpp>
#include <daybook/store/event_reader.hpp>
#include <daybook/store/snapshot_file.hpp>

namespace daybook {

/// How a state becomes bytes and comes back. Change `version` whenever the fold or the bytes change their
/// meaning.
template <typename State>
struct SnapshotCodec {
    std::string projection;  ///< the fold's name
    std::string version;
    std::string source{};  ///< anything else that must be the same: it is hashed into the key
    std::function<std::string(const State&)> encode;
    std::function<State(std::string_view)> decode;  ///< may throw: the snapshot is then ignored

    [[nodiscard]] SnapshotKey key() const { return {projection, version, sha256(source)}; }
};

template <typename State>
struct FoldOptions {
    ReplayHooks hooks{};
    /// Where snapshots are looked for, and kept when `save_snapshot`. Both need `codec`. Default: none.
    SnapshotFile* snapshots = nullptr;
    std::optional<SnapshotCodec<State>> codec{};
    bool save_snapshot = false;  ///< keep the end state; only of a window that is a prefix by seq
};

template <typename State>
struct Folded {
    State state;
    Position position;         ///< everything up to here is in the state, or was outside the window
    std::uint64_t events = 0;  ///< folded by this call
    std::optional<Sequence> from_snapshot{};
    bool snapshot_saved = false;
};

/// Refuses what no fold can do: reverse order. Throws Error: invalid_argument.
void check_fold_window(const Window& window);

/// Counts events and calls the hooks. Thread-safety: one thread at a time.
class ReplayMeter {
  public:
    ReplayMeter(const ReplayHooks& hooks, Sequence first, Sequence last) : hooks_(hooks) {
        progress_.first_seq = first;
        progress_.last_seq = last;
    }
    /// Throws Error: cancelled.
    void before(const EventView& event);
    void after(Sequence seq);
    void end();
    [[nodiscard]] std::uint64_t events() const noexcept { return progress_.events; }
    [[nodiscard]] Sequence seq() const noexcept { return progress_.seq; }

  private:
    const ReplayHooks& hooks_;
    ReplayProgress progress_;
};

/// Folds the events of `window`, in seq order, into `initial` with `apply(state, event)`.
///
/// With options.snapshots it begins from the newest snapshot that serves; the answer is the same without it.
/// Memory:       the state and one page of events, whatever the window's size.
/// Thread-safety: safe from any thread (one reader may serve several folds).
/// Throws Error: invalid_argument - reverse; cancelled; corrupt, io_error. What `apply` throws passes
/// through.
template <typename State, typename Apply>
requires std::invocable<Apply&, State&, const EventView&>
[[nodiscard]] Folded<State> fold(const EventReader& reader, const Window& window, State initial, Apply apply,
                                 FoldOptions<State> options = {}) {
    check_fold_window(window);
    Folded<State> folded{.state = std::move(initial), .position = {}};
    Window rest = window;
    std::uint64_t events_before = 0;
    const bool keyed = options.snapshots != nullptr && options.codec.has_value();
    if (keyed && options.codec->decode) {
        if (auto snapshot = find_snapshot(reader, window, *options.snapshots, options.codec->key(), options.hooks)) {
            try {
                folded.state = options.codec->decode(snapshot->state);
                folded.from_snapshot = snapshot->position.seq;
                events_before = snapshot->events;
                rest.from_seq = Sequence{snapshot->position.seq.value + 1};
            } catch (const std::exception& error) {
                if (options.hooks.note)
                    options.hooks.note("snapshot of " + options.codec->projection + " at seq " +
                                       std::to_string(snapshot->position.seq.value) + " ignored: " + error.what());
            }
        }
    }
    const Sequence last = last_seq_of(reader, window);
    ReplayMeter meter(options.hooks, rest.from_seq.value_or(Sequence{1}), last);
    if (!rest.from_seq || rest.from_seq->value <= last.value) {
        EventCursor cursor = reader.read(rest);
        while (const EventView* event = cursor.next()) {
            meter.before(*event);
            apply(folded.state, *event);
            meter.after(event->seq);
        }
    }
    meter.end();
    folded.events = meter.events();
    const bool limited = window.limit && meter.events() >= *window.limit;
    folded.position = reader.position_at(limited ? meter.seq() : last);
    if (keyed && options.save_snapshot && options.codec->encode && snapshot_serves(reader, window, folded.position))
        folded.snapshot_saved = options.snapshots->save(
            options.codec->key(),
            {folded.position, events_before + folded.events, options.codec->encode(folded.state)});
    return folded;
}

}  // namespace daybook
