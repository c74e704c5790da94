// What the children of the kill tests do: write until they are killed, read and compare, recover.
#pragma once

#include <cstdint>
#include <optional>

#include "event/test_hooks.hpp"
#include "processes/child_process.hpp"
#include "processes/oracle.hpp"
#include "processes/workplace.hpp"

namespace daybook::processes {

struct Errand {
    std::uint32_t writer = 0;
    std::uint64_t appends = UINT64_MAX;                ///< then it closes and ends with 0
    std::optional<test_hooks::KillPoint> killed_at{};  ///< and at which passing of it
    int passing = 1;
    bool looks_first = true;  ///< holds the log against the oracle before it writes
};

/// Each is to be called in a child, and returns its exit code.
/// Begins with what comes after its writer's last acknowledged event: that may be in the log already. Each of its threads is a
/// writer of its own.
int write_events(const Place& place, const Errand& errand, const Oracle& oracle, const Reporter& reporter);
/// Follows the log until it is killed: without a gap, seq never goes back, and what was read once never changes.
int read_events(const Place& place, const Oracle& oracle, const Reporter& reporter);
/// Queues handlers for `count` events and runs them until it is killed.
int leave_unfinished(const Place& place, std::uint64_t count, const Errand& errand, const Reporter& reporter);
/// Waits for a byte on `start`, then recovers.
int recover_at(const Place& place, int start, const Errand& errand, const Reporter& reporter);

}  // namespace daybook::processes
