// The bytes of a database file, read through SQLite's VFS and without a connection.
//
// A plain open() and close() of the file would drop the POSIX locks that other connections of this process hold on it.
// SQLite's VFS keeps account of that: while another of its files is locked on the same inode, it closes the descriptor
// later.
#pragma once

#include <sqlite3.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace daybook {

/// Thread-safety: one thread at a time. Takes no lock: what is read may change meanwhile.
class DatabaseFile {
  public:
    /// `vfs_name`: empty for SQLite's own. Throws Error: permission_denied, unsupported_path - a link; invalid_argument -
    /// no such VFS; io_error.
    DatabaseFile(const std::string& path, const std::string& vfs_name);
    ~DatabaseFile();
    DatabaseFile(const DatabaseFile&) = delete;
    DatabaseFile& operator=(const DatabaseFile&) = delete;

    [[nodiscard]] std::uint64_t size();
    /// All of `bytes` must be there. Throws Error: io_error.
    [[nodiscard]] std::string read_at(std::uint64_t offset, std::size_t bytes);

  private:
    struct FreeName {
        void operator()(const char* name) const noexcept { sqlite3_free_filename(const_cast<char*>(name)); }
    };
    [[nodiscard]] sqlite3_file* file() const noexcept { return reinterpret_cast<sqlite3_file*>(room_.get()); }
    void check(int rc) const;
    void close() noexcept;

    std::string path_;
    std::unique_ptr<const char, FreeName> name_;  // SQLite's file keeps a pointer to it
    std::unique_ptr<std::max_align_t[]> room_;    // of szOsFile bytes
};

}  // namespace daybook
