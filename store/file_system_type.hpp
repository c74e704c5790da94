// Which kind of file system a path lies on, and whether SQLite's write-ahead log is safe there.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace daybook {

struct FileSystemType {
    std::uint32_t magic = 0;     ///< f_type of statfs(2)
    const char* name = nullptr;  ///< null: not known to this program
    bool is_network = false;     ///< over a network or a user process: no shared memory that WAL could use
    bool is_in_memory = false;   ///< gone with the machine's next start
};

/// Empty when the system does not tell, or there is nothing at `path`.
[[nodiscard]] std::optional<FileSystemType> file_system_type_of(const std::string& path);

}  // namespace daybook
