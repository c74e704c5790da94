// Which snapshot may stand for the beginning of a fold, and when a fold's end may be kept as one.
#pragma once

#include <optional>

#include <daybook/event/window.hpp>
#include <daybook/replay/progress.hpp>
#include <daybook/store/event_reader.hpp>
#include <daybook/store/snapshot_file.hpp>

namespace daybook {

/// The last seq that `window` can reach in this log: the head, to_seq, or the recorded axis' bound.
[[nodiscard]] Sequence last_seq_of(const EventReader& reader, const Window& window);

/// Whether `window` asks for a prefix of history by seq: nothing filtered, nothing limited, no beginning.
/// An upper bound on the occurred axis is allowed: snapshot_serves() looks at it.
[[nodiscard]] bool is_prefix(const Window& window) noexcept;

/// Whether the state after `position` is a beginning of the fold of `window`: it is in the log, not past the
/// window's end, and on the occurred axis provably nothing up to it is past the end.
[[nodiscard]] bool snapshot_serves(const EventReader& reader, const Window& window, const Position& position);

/// The newest snapshot that serves, or nothing. One that belongs to another history is named to hooks.note.
[[nodiscard]] std::optional<Snapshot> find_snapshot(const EventReader& reader, const Window& window,
                                                    const SnapshotFile& snapshots, const SnapshotKey& key,
                                                    const ReplayHooks& hooks = {});

}  // namespace daybook
