// The fixed recipe by which SQLite before 3.50.2 loses commits: pages of a transaction spill into -wal, a savepoint is rolled
// back, and frames that are written later carry no checksum. Readers that live see them; recovery after a crash stops there.
#pragma once

#include <cstdint>

namespace daybook::crash {

struct SpillOutcome {
    std::uint64_t acknowledged = 0;  ///< rows, before the kill
    std::uint64_t found = 0;         ///< after it
};

/// With nothing but SQLite in its default settings.
[[nodiscard]] SpillOutcome spill_in_sqlite();
/// With the store: three callers share a transaction, of whom the second is refused half-way through megabytes.
[[nodiscard]] SpillOutcome spill_in_store();

}  // namespace daybook::crash
