// How the log is cut into runs, and how many of them the derived tables hold (docs/internals/runs.md).
#pragma once

#include <cstdint>
#include <string_view>

#include "store/connection.hpp"

namespace daybook {

/// As store_info has it.
struct RunLayout {
    std::uint64_t run_events = 1;  ///< 1 to 65,536
    std::uint64_t complete = 0;    ///< the runs before this one are in the tables

    [[nodiscard]] std::uint64_t run_of(std::uint64_t seq) const noexcept { return (seq - 1) / run_events; }
    [[nodiscard]] std::uint64_t first_seq(std::uint64_t run) const noexcept { return run * run_events + 1; }
    [[nodiscard]] std::uint64_t last_seq(std::uint64_t run) const noexcept { return (run + 1) * run_events; }
    /// Every event up to here is in a run.
    [[nodiscard]] std::uint64_t indexed_to() const noexcept { return complete * run_events; }
};

inline constexpr std::string_view layout_sql = "SELECT run_events, indexed_runs FROM store_info WHERE id = 1";
/// The one row of layout_sql. Throws Error: corrupt.
[[nodiscard]] RunLayout read_layout(Statement& layout);

}  // namespace daybook
