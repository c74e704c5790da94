// How a log and its surroundings are: what `daybook doctor` prints.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <daybook/store/store_options.hpp>

namespace daybook {

struct Finding {
    enum class Level : std::uint8_t { ok, note, problem };
    Level level = Level::ok;
    std::string
        topic;  ///< stable: sqlite, fix_wal_reset, fix_savepoint_spill, file_system, permissions, disk, writer, mark,
                ///< durability, wal, readers, journal (one for each), unfinished
    std::string value;   ///< what was found, with numbers
    std::string advice;  ///< what to do about it; empty when nothing
};

/// Looks at the file without changing it. Throws Error: no_such_file, not_a_daybook, unsupported_path, permission_denied.
[[nodiscard]] std::vector<Finding> diagnose(const std::filesystem::path& path,
                                            StoreOptions options = {.access = Access::read});

/// Accepts that the log lies behind its mark: copies the database and -wal aside (`<db>.loss-<time>`, `-wal`), then sets
/// the mark to the log as it is. Returns the copies' names. Throws Error: invalid_argument - the log is not behind its mark.
std::vector<std::filesystem::path> accept_loss(const std::filesystem::path& path, StoreOptions options = {});

}  // namespace daybook
