// <db>.lock: the locks that processes share beside one database, and the mark. Never deleted, never renamed.
//
// All locks are open-file-description byte locks far behind the file's content: two stores in one process
// keep each other out just as two processes do. SQLite's own locks are not touched.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include <daybook/event/clock.hpp>
#include <daybook/event/file_system.hpp>
#include <daybook/event/position.hpp>
#include <daybook/store/unfinished.hpp>

namespace daybook {

[[nodiscard]] inline std::string lock_path_of(std::string_view database) {
    return std::string(database) + ".lock";
}
[[nodiscard]] inline std::string wake_path_of(std::string_view database) {
    return std::string(database) + ".wake";
}
[[nodiscard]] inline std::string wal_path_of(std::string_view database) {
    return std::string(database) + "-wal";
}

/// Thread-safety: owner locks and questions from any thread; the writer lock, the life lock and the mark one
/// thread at a time (the leader of the commit, or the opener).
class LockFile {
  public:
    static constexpr std::uint64_t mark_offset = 0;
    static constexpr std::uint64_t writer_byte =
        (std::uint64_t{1} << 40) + 1;                            ///< around each transaction and checkpoint
    static constexpr std::uint64_t life_byte = writer_byte + 1;  ///< shared by each store that is open for writing
    static constexpr std::uint64_t line_begin = life_byte + 1;   ///< the places of who waits for the writer lock
    static constexpr std::size_t line_places = 4;
    /// What one commit costs more after a commit of another process than after one of its own, new pages and the waiting for each
    /// other, must be little beside it.
    static constexpr std::chrono::milliseconds turn{10};
    static constexpr std::uint64_t owners_begin = std::uint64_t{1} << 50;  ///< one byte for each owner's name

    /// Opens `<database>.lock`, making it (mode 0600) when `create`. Throws Error: no_such_file,
    /// permission_denied, ….
    LockFile(FileSystem& files, std::string database, bool create);
    ~LockFile();
    LockFile(const LockFile&) = delete;
    LockFile& operator=(const LockFile&) = delete;

    /// In a forked child: closes the child's descriptor, unlocking nothing while the parent has its own. Without it
    /// the child would keep the parent's locks after the parent's death. Nothing else may be called afterwards.
    void abandon() noexcept;

    /// Waits in a line, unless nobody is in it: who came first is served first. A store whose turn it is may take the lock again
    /// and again for as long as `turn`; then it goes to the back. With more than line_places waiting, those without a place
    /// get the last one in no order. Throws Error: busy - not had within `timeout`.
    void lock_writer(Clock& clock, std::chrono::nanoseconds timeout);
    /// False when somebody holds it, or waits for it.
    [[nodiscard]] bool try_lock_writer();
    void unlock_writer();
    /// Whether another store holds the writer lock now.
    [[nodiscard]] bool somebody_writes();
    /// The process that holds the writer lock, if the system tells.
    [[nodiscard]] std::optional<std::int64_t> writer();

    /// True: this store is the only one that has the file open for writing, and nobody else can open it so
    /// until share_life(). Needs the writer lock.
    [[nodiscard]] bool try_hold_life_alone();
    /// Throws Error: busy - somebody holds it alone.
    void share_life();
    void release_life() noexcept;
    /// Whether any other store has the file open for writing.
    [[nodiscard]] bool somebody_lives();

    [[nodiscard]] std::optional<Head> read_mark();
    /// Without a sync: it may lag behind the log, never lead it.
    void write_mark(const Head& head);
    /// Forgets the mark.
    void clear_mark();

    /// Holds the lock of a new owner called `name`.
    [[nodiscard]] bool hold_owner(const std::string& name);
    void release_owner(const std::string& name) noexcept;
    /// Whether nobody, here or in another process, holds the owner's lock.
    [[nodiscard]] bool owner_is_gone(const std::string& name);

    [[nodiscard]] const std::string& path() const noexcept { return path_; }

    /// The byte of an owner's name.
    [[nodiscard]] static std::uint64_t owner_byte(std::string_view name);

  private:
    void begin_turn(Clock& clock);

    std::string database_;
    std::string path_;
    std::unique_ptr<File> file_;
    std::chrono::nanoseconds turn_ends_{};  // by the clock of who locks
    std::mutex owners_mutex_;
    std::set<std::string, std::less<>> owners_;  // held through this file; guarded by owners_mutex_
};

/// Holds the writer lock for a scope.
class WriterLock {
  public:
    WriterLock(LockFile& file, Clock& clock, std::chrono::nanoseconds timeout) : file_(&file) {
        file.lock_writer(clock, timeout);
    }
    ~WriterLock();
    WriterLock(const WriterLock&) = delete;
    WriterLock& operator=(const WriterLock&) = delete;

  private:
    LockFile* file_;
};

}  // namespace daybook
