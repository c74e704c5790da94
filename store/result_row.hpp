// One row of event_results_log: the columns to select, and the checked way from SQLite's columns to an EventResult.
#pragma once

#include <string_view>

#include <daybook/event/event_result.hpp>

#include "store/connection.hpp"

namespace daybook {

/// To be selected first and in this order.
inline constexpr std::string_view result_columns =
    "result_seq, event_seq, event_id, bus, handler, attempt, status, owner, imported, result, error_type,"
    " error_message, started_at, finished_at, emitted, note, events_head, recorded_at, digest";

/// Fills `result` (its memory is used again) from the row under `statement`.
/// Throws Error: corrupt - names the result_seq and the column.
void read_result_row(const Statement& statement, EventResult& result);

}  // namespace daybook
