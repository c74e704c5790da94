// The files that belong to a log, so that nothing else is ever written onto one of them.
#pragma once

#include <filesystem>
#include <vector>

namespace daybook {

/// The database and the names beside it: -wal, -shm, -journal, .lock, .wake, .snapshots with its own -wal, -shm and -lock.
/// They need not exist.
[[nodiscard]] std::vector<std::filesystem::path> log_files(const std::filesystem::path& log);

/// Whether `candidate` is one of log_files(log), however it is spelled: through links, `..` or a second name of the same
/// file. Exports and backups refuse such targets. Never opens a file.
[[nodiscard]] bool is_log_file(const std::filesystem::path& log, const std::filesystem::path& candidate);

}  // namespace daybook
