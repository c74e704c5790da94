// Moving -wal into the database file, the only way that is safe on a SQLite with the WAL-reset bug: FULL or TRUNCATE,
// under the writer lock, never PASSIVE, never waiting for readers.
#pragma once

#include <cstdint>

#include "store/connection.hpp"

namespace daybook {

enum class CheckpointMode : std::uint8_t {
    full,      ///< the next writer begins -wal anew
    truncate,  ///< and -wal is cut to 0 bytes now
};

/// Needs the writer lock and no open transaction. Syncs -wal and the database.
/// Returns true when everything was moved; false when a reader of an older state (or another program) stood in the
/// way: what could be moved was moved. Throws Error: io_error, disk_full, corrupt, ….
[[nodiscard]] bool checkpoint(Connection& connection, CheckpointMode mode, int busy_timeout_ms_after);

}  // namespace daybook
