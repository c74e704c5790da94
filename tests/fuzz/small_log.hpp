// Small real logs for targets to damage and to ask: made once a process, always with the same bytes.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <daybook/event/event.hpp>
#include <daybook/event/event_result.hpp>
#include <daybook/store/store_options.hpp>

namespace daybook::fuzz {

struct SmallLog {
    std::string database;
    std::string wal;
    std::string lock;
    std::vector<Event> events;
    std::vector<EventResult> results;

    /// Writes the files as `path`, `path`-wal and `path`.lock; an empty one is not made.
    void write(const std::filesystem::path& path) const;
};

/// Everything in the database file.
[[nodiscard]] const SmallLog& closed_log();
/// As a killed writer leaves it: the later events are in -wal.
[[nodiscard]] const SmallLog& killed_log();

/// Options with a clock that stands and random bytes that repeat.
[[nodiscard]] StoreOptions fixed_options(Access access);

}  // namespace daybook::fuzz
