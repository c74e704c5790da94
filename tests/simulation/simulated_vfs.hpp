// SQLite's way to a simulated disk: files, rollback-journal locks and shared memory, as os_unix.c offers them.
#pragma once

#include <sqlite3.h>

#include <string>

#include "simulation/dice.hpp"
#include "simulation/simulated_disk.hpp"

namespace daybook::simulation {

/// Registered under a name of its own while it lives; it must outlive the connections that use it.
/// Thread-safety: one thread at a time.
class SimulatedVfs {
  public:
    explicit SimulatedVfs(SimulatedDisk& disk);
    ~SimulatedVfs();
    SimulatedVfs(const SimulatedVfs&) = delete;
    SimulatedVfs& operator=(const SimulatedVfs&) = delete;

    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    [[nodiscard]] SimulatedDisk& disk() noexcept { return disk_; }
    /// Whether a write that is cut off leaves the bytes around it alone (SQLITE_IOCAP_POWERSAFE_OVERWRITE, which
    /// os_unix.c claims too).
    bool powersafe_overwrite = true;

  private:
    friend struct VfsCalls;

    SimulatedDisk& disk_;
    Dice dice_{1};
    std::string name_;
    sqlite3_vfs vfs_{};
};

}  // namespace daybook::simulation
