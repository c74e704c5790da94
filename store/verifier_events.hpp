// Checks events_log row by row in the order of seq: density, the chain, payload hashes, recorded_at, content.
#pragma once

#include "store/verification.hpp"

namespace daybook {

/// One pass over events_log; also compares the derived tables that need the same rows: occurred_blocks, and where streams and
/// types are. Fills the report's events and the events' half of its head. Codes: seq_gap, digest_mismatch,
/// payload_mismatch, payload_missing, recorded_at_decreases, content_invalid, derived_occurred_blocks, and those of
/// name_runs_check.hpp.
void verify_events(Verification& verification);

}  // namespace daybook
