// A look into the wal-index (-shm) of an open connection: how many frames -wal holds, how many of them are in the
// database file already, and who still reads what. Nothing is locked and nothing changed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "store/connection.hpp"

namespace daybook {

/// As of one moment; others may write meanwhile.
struct WalIndex {
    /// A reader that keeps a checkpoint from going on: it sees the log as of `frame`.
    struct Reader {
        std::uint32_t frame = 0;
        std::int64_t process = 0;
    };
    std::uint32_t frames = 0;      ///< in -wal, committed
    std::uint32_t backfilled = 0;  ///< of these, in the database file already
    std::vector<Reader> readers;   ///< the oldest first; only those of which the system tells (/proc/locks)
    bool readers_known = false;    ///< whether the system tells
};

/// Empty when the connection has no wal-index (no WAL, or opened immutable) or its header is being written.
/// `connection` must not be inside a transaction, or it is itself one of the readers.
[[nodiscard]] std::optional<WalIndex> read_wal_index(Connection& connection, const std::string& database);

}  // namespace daybook
