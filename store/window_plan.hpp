// How a window is read: through which index, between which seqs, and what is left to be checked row by row.
//
// The log is immutable up to a head, so the plan may be made once and carried out page by page. Every way delivers in
// seq order by itself; nothing is ever sorted.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <daybook/event/position.hpp>
#include <daybook/event/window.hpp>

#include "store/name_places.hpp"
#include "store/occurred_blocks.hpp"
#include "store/reader_pool.hpp"

namespace daybook {

enum class ReadPath : std::uint8_t {
    nothing,      ///< proven to be empty
    scan,         ///< the primary key from seq to seq; finds gaps
    blocks,       ///< as scan, but blocks that cannot hold an event of the span of time are left out
    stream,       ///< its runs and the end of the log
    correlation,  ///< events_by_correlation
    causation,    ///< events_by_causation
    types,        ///< as stream, of several types at once
};

struct WindowPlan {
    ReadPath path = ReadPath::nothing;
    NumberRange seqs{};       ///< no event outside belongs to the window
    NamePlaces places{};      ///< stream, types
    TimeSpan occurred{};      ///< blocks only
    std::string key{};        ///< correlation, causation
    Window rest{};            ///< what the rows still have to satisfy …
    bool check_rows = false;  ///< … if anything
};

/// More types than this are not merged; the log is scanned instead.
inline constexpr std::size_t merged_types_max = 64;

/// Chooses by cost: counts what each way would read, at most so much as a scan would make worthwhile.
/// Throws Error: invalid_argument - the window is not valid; corrupt.
[[nodiscard]] WindowPlan plan_window(ReaderPool::Lease& lease, const Window& window, const Head& head);

/// The statement that carries out `path`. Parameters: ?1 and ?2 the first and last seq, ?3 the key; stream and types: ?1 the
/// seq of one event. `nothing` has none.
[[nodiscard]] std::string_view sql_of(ReadPath path, bool reverse) noexcept;

/// As stream and types, for many events by one run of the statement, which costs as much as eight events: ?1 to ?64 their seqs,
/// in any order, those that are not bound count for nothing.
inline constexpr std::size_t seqs_at_once = 64;
[[nodiscard]] std::string_view sql_of_many(bool reverse) noexcept;

/// The first seq that is kept; 1 for an empty log.
[[nodiscard]] Sequence first_kept_seq(ReaderPool::Lease& lease);

/// The largest seq of `seqs` whose recorded_at is before `time`; seqs.first - 1 when there is none.
/// Throws Error: corrupt - a seq is missing.
[[nodiscard]] Sequence last_recorded_before(ReaderPool::Lease& lease, NumberRange seqs, Timestamp time);

/// The literal text that every type begins with that `pattern` matches.
[[nodiscard]] std::string literal_prefix(const TypePattern& pattern);

}  // namespace daybook
