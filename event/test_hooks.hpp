// Seams that exist in test builds only (DAYBOOK_TEST_HOOKS; the `daybook_hooked::` twins of the floors): named points
// at which a process can be killed, and bugs that can be planted to see whether the tests catch them. In every other
// build both macros are nothing.
//
//   DAYBOOK_KILL_POINT(after_commit);           ends the process by SIGKILL when a test has chosen that point
//   if (DAYBOOK_PLANTED(ack_before_commit)) …   false, unless a test has planted that bug
#pragma once

#ifdef DAYBOOK_TEST_HOOKS

#include <array>
#include <cstdint>
#include <string_view>

namespace daybook::test_hooks {

/// In the order in which an emit passes them; then opening, checkpoint, journal, closing.
enum class KillPoint : std::uint8_t {
    before_begin,           ///< the writer lock is held, the transaction is not open
    before_commit,          ///< the rows are in the transaction
    after_commit,           ///< durable; neither the mark nor anybody knows
    after_mark,             ///< subscribers elsewhere are not woken yet
    before_ack,             ///< the callers have not been told
    before_checkpoint,      ///< -wal is full enough
    after_checkpoint,       ///< the writer lock is still held
    file_created,           ///< the database has its name and 0 bytes
    before_migration,       ///< in WAL mode, without tables
    after_migration,        ///< with tables; the first opener has not checkpointed
    opened_first,           ///< checkpointed; neither the mark nor the shared life lock
    before_handler,         ///< committed with its pending rows, no handler has run
    after_handler,          ///< the handler has returned, its outcome is not written
    after_outcome,          ///< the outcome is durable, middleware has not heard of it
    after_claim,            ///< recovery has taken a handler over and not run it yet
    before_journal_append,  ///< records are in the buffer
    after_journal_append,   ///< written, not synced
    journal_renamed,        ///< rotation: the full file has its new name, the next does not exist
    journal_created,        ///< rotation or beginning: the file exists without its header
    before_close,           ///< close() was called
    before_last_unlock,     ///< everything is in the database file
};
inline constexpr std::size_t kill_points = static_cast<std::size_t>(KillPoint::before_last_unlock) + 1;

/// Arms one point: the process ends by SIGKILL when it is reached for the `count`th time from now on.
void arm(KillPoint point, int count = 1) noexcept;
void reached(KillPoint point) noexcept;
[[nodiscard]] std::string_view to_string(KillPoint point) noexcept;

/// What durability is lost by, each of them seen in the field.
enum class Bug : std::uint8_t {
    none,
    ack_before_commit,      ///< callers are told before the commit
    synchronous_off,        ///< SQLite syncs nothing
    autocheckpoint_on,      ///< SQLite's default checkpoints, and no writer lock
    passive_checkpoint,     ///< PASSIVE, outside of the writer lock
    spill_with_savepoints,  ///< pages spill, and each caller of a batch has a savepoint
    journal_directory_unsynced,
    journal_tail_kept,       ///< a torn last line of the journal is not cut
    journal_damage_skipped,  ///< a damaged line between good ones is passed over
    failed_commit_rejected,  ///< an error of COMMIT is told as "not stored"
    sequence_burned,         ///< as AUTOINCREMENT with OR IGNORE: a repeated id uses up a seq
    tail_unverified,         ///< the verifier accepts a log that ends before a saved head
};

/// One bug at a time, for the whole process.
void plant(Bug bug) noexcept;
[[nodiscard]] bool planted(Bug bug) noexcept;

}  // namespace daybook::test_hooks

#define DAYBOOK_KILL_POINT(point) ::daybook::test_hooks::reached(::daybook::test_hooks::KillPoint::point)
#define DAYBOOK_PLANTED(bug) ::daybook::test_hooks::planted(::daybook::test_hooks::Bug::bug)

#else

#define DAYBOOK_KILL_POINT(point) static_cast<void>(0)
#define DAYBOOK_PLANTED(bug) false

#endif
