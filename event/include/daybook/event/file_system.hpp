// Files, locks and wake-ups as the store and the journal use them; tests put their own world behind it.
//
// Not for the database itself: SQLite reads and writes that through its VFS.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace daybook {

enum class LockMode : std::uint8_t { shared, exclusive };

/// An open file. Thread-safety: safe from any thread for reads; one thread at a time for the rest.
/// Every failure throws Error (io_error, disk_full, permission_denied, no_such_file, …) naming the path.
class File {
  public:
    virtual ~File() = default;
    [[nodiscard]] virtual std::uint64_t size() = 0;
    /// Fewer bytes than asked for at the end of the file.
    [[nodiscard]] virtual std::string read_at(std::uint64_t offset, std::size_t bytes) = 0;
    virtual void write_at(std::uint64_t offset, std::string_view bytes) = 0;
    /// One write at the end of the file, whole or an error.
    virtual void append(std::string_view bytes) = 0;
    virtual void truncate(std::uint64_t bytes) = 0;
    /// fdatasync: data, and the metadata needed to read it back.
    virtual void sync() = 0;
    /// Writes the time into the first 8 bytes: wakes watchers.
    virtual void touch() = 0;
    /// Locks one byte, which need not exist, for this open file (not for the process): others that opened the file
    /// themselves, in this process or another, are kept out. False when someone holds it. Converts a held lock.
    [[nodiscard]] virtual bool try_lock(std::uint64_t offset, LockMode mode) = 0;
    virtual void unlock(std::uint64_t offset) = 0;
    /// Whether this open file could not take all of `bytes` exclusively now (somebody else holds one of them).
    [[nodiscard]] virtual bool is_locked_by_other(std::uint64_t offset, std::uint64_t bytes) = 0;
    /// The process id of a holder when the system tells it; empty when unknown or free.
    [[nodiscard]] virtual std::optional<std::int64_t> lock_holder(std::uint64_t offset) = 0;
};

/// Told when a file is touched. Thread-safety: one thread at a time for wait(); interrupt() from any.
class FileWatch {
  public:
    virtual ~FileWatch() = default;
    /// True when the file was touched since the last call, or interrupted; false after `timeout`.
    virtual bool wait(std::chrono::nanoseconds timeout) = 0;
    virtual void interrupt() noexcept = 0;
};

enum class OpenMode : std::uint8_t { read, read_write, create, create_new };

/// Thread-safety: safe from any thread.
class FileSystem {
  public:
    virtual ~FileSystem() = default;
    /// New files get mode 0600; never follows a symbolic link at the last component when it creates.
    [[nodiscard]] virtual std::unique_ptr<File> open(const std::string& path, OpenMode mode) = 0;
    [[nodiscard]] virtual bool exists(const std::string& path) = 0;
    virtual void remove(const std::string& path) = 0;
    /// Renames without replacing: Error target_exists when `to` is there.
    virtual void rename_new(const std::string& from, const std::string& to) = 0;
    virtual void rename_replace(const std::string& from, const std::string& to) = 0;
    /// fsync of a directory: makes created, renamed and removed names durable.
    virtual void sync_directory(const std::string& path) = 0;
    /// Names in a directory, sorted.
    [[nodiscard]] virtual std::vector<std::string> list(const std::string& directory) = 0;
    [[nodiscard]] virtual std::unique_ptr<FileWatch> watch(const std::string& path) = 0;
};

/// The directory part of `path`: "." when there is none.
[[nodiscard]] std::string directory_of(std::string_view path);
/// The last component of `path`.
[[nodiscard]] std::string_view base_name_of(std::string_view path) noexcept;

}  // namespace daybook
