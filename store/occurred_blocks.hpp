// The table occurred_blocks: what each block of 1,024 seqs can hold on the occurred axis.
//
// A block's row is written with its last event, and never changes. A block that has no row, which is the last or was
// damaged, counts as one that may hold anything.
#pragma once

#include <cstdint>
#include <optional>

#include <daybook/event/timestamp.hpp>

#include "store/reader_pool.hpp"

namespace daybook {

/// Seqs (or versions), both ends inclusive; empty when first > last.
struct NumberRange {
    std::uint64_t first = 1;
    std::uint64_t last = 0;
    [[nodiscard]] bool empty() const noexcept { return first > last; }
    [[nodiscard]] std::uint64_t count() const noexcept { return empty() ? 0 : last - first + 1; }
    bool operator==(const NumberRange&) const = default;
};

/// A half-open span of time; an end that is not given is open.
struct TimeSpan {
    std::optional<Timestamp> from{};
    std::optional<Timestamp> to{};
};

inline constexpr std::uint64_t occurred_block_events = 1'024;

/// The first run of seqs of `within` (from its end when `reverse`) whose blocks may hold an event of `span`; empty
/// when there is none. A run is as long as neighbouring blocks go on.
[[nodiscard]] NumberRange next_occurred_run(ReaderPool::Lease& lease, NumberRange within, const TimeSpan& span,
                                            bool reverse);

/// How many seqs of `within` lie in blocks that may hold an event of `span`.
[[nodiscard]] std::uint64_t count_occurred(ReaderPool::Lease& lease, NumberRange within, const TimeSpan& span);

/// Whether every event of `seqs` has occurred_at < `time`; false also when a block is missing. Reads the events of the
/// last block themselves if the block alone does not prove it: it may hold later events.
[[nodiscard]] bool all_occurred_before(ReaderPool::Lease& lease, NumberRange seqs, Timestamp time);

}  // namespace daybook
