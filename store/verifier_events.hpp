// Checks events_log row by row in the order of seq: density, the chain, payload hashes, recorded_at, content.
#pragma once

#include "store/verification.hpp"

namespace daybook {

/// One pass over events_log; also compares occurred_blocks, which needs the same rows. Fills the report's events and
/// the events' half of its head. Codes: seq_gap, digest_mismatch, payload_mismatch, payload_missing,
/// recorded_at_decreases, content_invalid, derived_occurred_blocks.
void verify_events(Verification& verification);

/// The versions of each stream, and stream_heads: one scan of the index (stream, version).
/// Codes: stream_version_gap, derived_stream_heads.
void verify_streams(Verification& verification);

}  // namespace daybook
