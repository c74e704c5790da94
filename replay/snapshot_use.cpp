#include <daybook/replay/snapshot_use.hpp>

#include <fmt/format.h>

#include <algorithm>

namespace daybook {

Sequence last_seq_of(const EventReader& reader, const Window& window) {
    Sequence last = reader.head().seq;
    if (window.to_seq) last = std::min(last, *window.to_seq);
    if (window.to && window.axis == TimeAxis::recorded) last = std::min(last, reader.last_recorded_before(*window.to));
    return last;
}

bool is_prefix(const Window& window) noexcept {
    return (!window.from_seq || window.from_seq->value <= 1) && !window.from && window.types.empty() &&
           !window.stream && !window.source && !window.correlation_id && !window.causation_id && window.tags.empty() &&
           !window.limit && !window.reverse;
}

namespace {

bool is_in_log(const EventReader& reader, const Position& position) {
    return position.store_id == reader.head().store_id && position.seq <= reader.head().seq &&
           reader.position_at(position.seq) == position;
}

bool reaches_no_further(const EventReader& reader, const Window& window, Sequence seq) {
    if (seq > last_seq_of(reader, window)) return false;
    return !window.to || window.axis == TimeAxis::recorded || reader.all_occurred_before(seq, *window.to);
}

}  // namespace

bool snapshot_serves(const EventReader& reader, const Window& window, const Position& position) {
    return is_prefix(window) && position.seq.value > 0 && reaches_no_further(reader, window, position.seq) &&
           is_in_log(reader, position);
}

std::optional<Snapshot> find_snapshot(const EventReader& reader, const Window& window, const SnapshotFile& snapshots,
                                      const SnapshotKey& key, const ReplayHooks& hooks) {
    if (!is_prefix(window)) return std::nullopt;
    const auto serves = [&](const Position& position) {
        if (!is_in_log(reader, position)) {
            if (hooks.note)
                hooks.note(
                    fmt::format("the snapshot of {} version {} at seq {} belongs to another history and was ignored",
                                key.projection, key.version, position.seq.value));
            return false;
        }
        return snapshot_serves(reader, window, position);
    };
    return snapshots.find(key, reader.head().store_id, last_seq_of(reader, window), serves);
}

}  // namespace daybook
