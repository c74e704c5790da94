// One row of events_log: the columns to select, and the checked way from SQLite's columns to an EventView.
#pragma once

#include <string_view>

#include <daybook/event/event.hpp>

#include "store/connection.hpp"

namespace daybook {

/// To be selected first and in this order. The last one says whether the payload was erased; it is looked up only for
/// rows without a payload.
inline constexpr std::string_view event_columns =
    "seq, event_id, type, event_version, stream, version, source, correlation_id, causation_id, occurred_at,"
    " recorded_at, tags, payload, metadata, digest,"
    " CASE WHEN payload IS NULL THEN (SELECT count(*) FROM erasures WHERE erasures.seq = events_log.seq) END";

/// The seq of the row under `statement`. Throws Error: corrupt - it is not a positive integer.
[[nodiscard]] Sequence event_row_seq(const Statement& statement);

/// The row under `statement`; lives until its next step. An erased payload reads as `null`.
/// Throws Error: corrupt - a column has a type that it must not have, or the payload is missing without an erasure;
/// names the seq and the column.
[[nodiscard]] EventView event_row(const Statement& statement);

}  // namespace daybook
