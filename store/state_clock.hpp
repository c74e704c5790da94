// The time inside one state database: "now" is the time of the event that is being applied, and nothing else.
//
// SQLite asks its VFS for the time, so each state database is opened through a VFS of its own that passes every call
// on to the machine's and answers that one question itself.
#pragma once

#include <sqlite3.h>

#include <optional>
#include <string>

#include <daybook/event/timestamp.hpp>

namespace daybook {

/// Registered with SQLite under a name of its own from construction to destruction; connections must be closed before.
/// Thread-safety: one thread at a time.
class StateClock {
  public:
    /// `base`: the VFS that does the work; empty = SQLite's default. Throws Error: invalid_argument - no such VFS.
    explicit StateClock(const std::string& base);
    ~StateClock();
    StateClock(const StateClock&) = delete;
    StateClock& operator=(const StateClock&) = delete;

    /// To open connections with. Lives as long as this.
    [[nodiscard]] const std::string& vfs_name() const noexcept { return name_; }
    void set(Timestamp now) noexcept { now_ = now; }
    /// From here on there is no "now"; asking for it is refused and noted.
    void clear() noexcept {
        now_.reset();
        refused_ = false;
    }
    /// Whether somebody asked for the time since clear().
    [[nodiscard]] bool refused() const noexcept { return refused_; }

  private:
    struct Vfs : sqlite3_vfs {
        sqlite3_vfs* base = nullptr;
        StateClock* clock = nullptr;
    };
    static Vfs& self(sqlite3_vfs* vfs) noexcept { return *static_cast<Vfs*>(vfs); }
    [[nodiscard]] int julian_ms(sqlite3_int64* out) noexcept;

    std::string name_;
    Vfs vfs_{};
    std::optional<Timestamp> now_;
    bool refused_ = false;
};

}  // namespace daybook
