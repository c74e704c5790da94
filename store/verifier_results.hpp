// Checks event_results_log: density, the chain, the events that rows name, the order of attempts and statuses.
#pragma once

#include "store/verification.hpp"

namespace daybook {

/// One pass in the order of result_seq. Fills the report's results and the results' half of its head.
/// Codes: result_seq_gap, result_digest_mismatch, result_without_event, result_events_head, result_content_invalid.
void verify_results(Verification& verification);

/// One scan of the index (event_seq, bus, handler, attempt, status): each attempt's rows, and unfinished_handlers.
/// Codes: result_order, derived_unfinished_handlers.
void verify_attempts(Verification& verification);

}  // namespace daybook
