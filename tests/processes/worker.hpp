// What the children of the kill tests do: write until they are killed, read and compare, and say at the end whether the
// log is what was acknowledged.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "event/test_hooks.hpp"
#include "processes/child_process.hpp"

namespace daybook::processes {

struct Place {
    std::filesystem::path database;
    bool with_bus = false;  ///< writers have a bus with a recoverable handler that emits, and a journal
    std::uint64_t seed = 1;

    [[nodiscard]] std::filesystem::path journal() const { return database.string() + ".jsonl"; }
};

struct Errand {
    std::uint32_t writer = 0;
    std::uint64_t first_number = 1;                    ///< it may be in the log already: the last one was in doubt
    std::uint64_t events = UINT64_MAX;                 ///< then it closes and ends with 0
    std::optional<test_hooks::KillPoint> killed_at{};  ///< and at which passing of it
    int passing = 1;
};

/// Acknowledged: writer and number -> seq.
using Acknowledged = std::map<std::pair<std::uint32_t, std::uint64_t>, std::uint64_t>;

/// Each is to be called in a child, and returns its exit code.
int write_events(const Place& place, const Errand& errand, const Reporter& reporter);
/// Reads on until it is killed: seq never goes back, and what was read once never changes.
int read_events(const Place& place, const Reporter& reporter);
/// Runs again what is unfinished; then everything that a log promises.
int examine(const Place& place, const Acknowledged& acknowledged);
/// Leaves so many handlers unfinished, as a process that was killed would.
int leave_unfinished(const Place& place, std::uint64_t count);
/// Waits for a byte on `start`, then recovers.
int recover_at(const Place& place, int start, const Reporter& reporter);

}  // namespace daybook::processes
