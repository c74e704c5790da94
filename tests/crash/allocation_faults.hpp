// Memory that runs out: in programs that link this, every allocation of C++ and of SQLite is counted while a thread is
// exposed (simulation/exposure.hpp), and those that a plan names fail.
#pragma once

#include <cstdint>
#include <optional>

namespace daybook::crash {

enum class Allocator : std::uint8_t { ours, sqlite, both };

/// `window` allocations of `of` fail, from the `at`th on (counted from 1).
struct AllocationPlan {
    Allocator of = Allocator::both;
    std::uint64_t at = 0;
    std::uint64_t window = 1;
};

/// Process-wide, as allocators are. Counting begins anew. Thread-safety: while no thread is exposed.
void set_allocation_faults(std::optional<AllocationPlan> plan);
/// Since then, of the plan's kind.
[[nodiscard]] std::uint64_t allocations_counted() noexcept;
[[nodiscard]] bool allocation_has_failed() noexcept;
/// What SQLite holds.
[[nodiscard]] std::int64_t sqlite_blocks_held() noexcept;
/// SQLite took the counting allocator: it had not been used before.
[[nodiscard]] bool sqlite_is_counted() noexcept;

}  // namespace daybook::crash
