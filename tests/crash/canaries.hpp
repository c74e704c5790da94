// Two bugs by which SQLite loses commits silently, each as the shortest program that shows it: on SQLite alone, which tells
// whether the linked library has it, and through the store, which must not lose anything either way.
//
// WAL reset: sqlite.org/wal.html#walresetbug, 3.7.0 to 3.51.2. Savepoint after a spill: fixed in 3.50.2
// (sqlite.org/changes.html).
#pragma once

#include <cstdint>
#include <string>

namespace daybook::crash {

struct CanaryReport {
    std::uint64_t committed = 0;
    /// Of these, how many a new connection finds.
    std::uint64_t found = 0;
    /// What integrity_check, or the verifier, says of the rest.
    bool is_sound = false;

    [[nodiscard]] bool loses() const noexcept { return found < committed; }
};

/// A checkpoint begins, another connection resets -wal while it looks away, a third goes on writing.
[[nodiscard]] CanaryReport wal_reset_on_sqlite();
/// The same with three stores. The second one's write may be refused as busy; then it was not committed.
[[nodiscard]] CanaryReport wal_reset_through_store();

/// A transaction whose pages spill into -wal, and of which a part is rolled back to a savepoint; then kill -9.
[[nodiscard]] CanaryReport savepoint_spill_on_sqlite();
/// Several callers of one group commit, one of which fails half-way behind large payloads; then kill -9, or a power loss
/// that leaves only what was synced.
enum class End : std::uint8_t { kill, power_loss };
[[nodiscard]] CanaryReport savepoint_spill_through_store(End end);

}  // namespace daybook::crash
