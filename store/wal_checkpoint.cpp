#include "store/wal_checkpoint.hpp"

#include "event/test_hooks.hpp"
#include "store/sqlite_error.hpp"

namespace daybook {

bool checkpoint(Connection& connection, CheckpointMode mode, int busy_timeout_ms_after) {
    sqlite3* db = connection.handle();
    // With the writer lock held nobody waits for a reader: every other writer would wait for it too.
    sqlite3_busy_timeout(db, 0);
    int in_wal = 0;
    int moved = 0;
    int how = mode == CheckpointMode::truncate ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_FULL;
    if (DAYBOOK_PLANTED(passive_checkpoint) && mode == CheckpointMode::full) how = SQLITE_CHECKPOINT_PASSIVE;
    const int rc = sqlite3_wal_checkpoint_v2(db, nullptr, how, &in_wal, &moved);
    const int extended = sqlite3_extended_errcode(db);
    sqlite3_busy_timeout(db, busy_timeout_ms_after);
    if (rc == SQLITE_OK) return in_wal == moved;
    if ((rc & 0xff) == SQLITE_BUSY || (rc & 0xff) == SQLITE_LOCKED) return false;
    throw_sqlite_error(extended, sqlite3_errmsg(db), "checkpoint the write-ahead log");
}

}  // namespace daybook
