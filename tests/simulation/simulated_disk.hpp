// A disk in memory that remembers every operation, so that what a crash may leave of it can be built; with the locks and
// the shared memory of the machine that it is in. simulated_vfs.hpp lets SQLite use it, simulated_file_system.hpp
// everybody else; crash_images.hpp builds what a power loss leaves.
//
// One flat directory. Reads see everything that was written, as from the page cache; only sync and sync_directory make
// it last.
#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace daybook::simulation {

/// What lies on a disk after the power was cut: whole files by their names.
using DiskImage = std::map<std::string, std::shared_ptr<const std::string>>;

using Inode = std::uint32_t;

struct Operation {
    enum class Kind : std::uint8_t {
        create,          ///< `name` now names `inode`
        write,           ///< `bytes` at `offset`
        truncate,        ///< to `offset` bytes
        sync,            ///< what was done to the content of `inode` so far is durable
        failed_sync,     ///< the system gave up on it: it may be durable or not, whatever is synced later
        unlink,          ///< `name` is gone
        rename,          ///< `name` is called `to`
        sync_directory,  ///< all names are durable
        note,            ///< the test's own: for example "acknowledged", with a number in `offset`
    };
    Kind kind;
    Inode inode = 0;
    std::uint64_t offset = 0;
    std::string bytes{};
    std::string name{};
    std::string to{};
};

/// What a program asks of the machine, for faults and for switches between programs.
enum class Call : std::uint8_t {
    open,
    read,
    write,
    truncate,
    sync,
    sync_directory,
    remove,
    rename,
    exists,
    size,
    lock,
    unlock,
    shm_map,
    shm_lock,
    unfetch,
    sleep,
    touch,
    list,
};
inline constexpr std::size_t calls = static_cast<std::size_t>(Call::list) + 1;

enum class Fault : std::uint8_t {
    io_error,
    disk_full,
    short_write,  ///< half of it is written, then EIO
    full_midway,  ///< half of it is written, then there is no room
};

using CallSet = std::bitset<calls>;

/// From the `at`th call that can fail on (counted from 1), `once` or for ever; of the calls of `kinds` alone.
struct FaultPlan {
    std::uint64_t at = 0;
    Fault fault = Fault::io_error;
    bool once = true;
    CallSet kinds = CallSet().set();
};

/// Thread-safety: one thread at a time.
class SimulatedDisk {
  public:
    SimulatedDisk() = default;
    explicit SimulatedDisk(const DiskImage& image);
    /// The machine after a kill -9 of every program, not a power loss: contents as they were written, but what had not
    /// been synced is still to be lost. `recorded` is what another disk's log() began with from `base` on.
    SimulatedDisk(const DiskImage& base, std::vector<Operation> recorded);
    SimulatedDisk(const SimulatedDisk&) = delete;
    SimulatedDisk& operator=(const SimulatedDisk&) = delete;

    /// What the disk held when recording began, all of it durable.
    [[nodiscard]] const DiskImage& base() const noexcept { return base_; }
    /// Everything since.
    [[nodiscard]] const std::vector<Operation>& log() const noexcept { return log_; }
    void note(std::uint64_t number);
    /// Contents and names as programs see them.
    [[nodiscard]] DiskImage seen() const;

    // Files --------------------------------------------------------------------------------------------------

    [[nodiscard]] std::optional<Inode> find(std::string_view name) const;
    Inode create(const std::string& name);
    /// A file without a name, gone with its last user; nothing of it is recorded.
    Inode create_unnamed();
    [[nodiscard]] const std::string& content(Inode inode) const { return files_[inode]->bytes; }
    void write(Inode inode, std::uint64_t offset, std::string_view bytes);
    void truncate(Inode inode, std::uint64_t bytes);
    void sync(Inode inode);
    void failed_sync(Inode inode);
    void unlink(const std::string& name);
    void rename(const std::string& from, const std::string& to);
    void sync_directory();
    [[nodiscard]] std::vector<std::string> names() const;
    void touch(Inode inode) { ++files_[inode]->touches; }
    [[nodiscard]] std::uint64_t touches(Inode inode) const { return files_[inode]->touches; }

    // Locks and shared memory: gone with the machine's power, never recorded ------------------------------------

    /// Who holds what; each open file is a holder of its own.
    using Holder = std::uint64_t;
    [[nodiscard]] Holder new_holder() noexcept { return ++last_holder_; }
    [[nodiscard]] bool try_lock(Inode inode, std::uint64_t byte, Holder holder, bool exclusive);
    void unlock(Inode inode, std::uint64_t byte, Holder holder);
    [[nodiscard]] bool is_locked_by_other(Inode inode, std::uint64_t byte, Holder holder) const;
    void unlock_all(Inode inode, Holder holder);
    /// Of all files together: 0 when nobody uses the disk.
    [[nodiscard]] std::size_t locks_held() const;

    struct SharedMemory {
        std::vector<std::unique_ptr<std::array<std::byte, 32768>>> regions;
        std::set<Holder> users;
    };
    [[nodiscard]] SharedMemory& shared_memory(Inode inode) { return files_[inode]->shm; }

    // Faults and switches ----------------------------------------------------------------------------------------

    /// To be called first by whoever serves a call: may run `on_call`, and tells whether the call fails.
    [[nodiscard]] std::optional<Fault> enter(Call call);
    /// For calls that cannot fail.
    void pass(Call call);
    void set_faults(std::optional<FaultPlan> plan);
    /// Calls that could have failed since set_faults().
    [[nodiscard]] std::uint64_t calls_counted() const noexcept { return calls_counted_; }
    [[nodiscard]] bool has_failed() const noexcept { return has_failed_; }
    /// Called at each call, before it takes effect: here another program may run.
    std::function<void(Call)> on_call{};
    /// Sync says yes and does nothing: a disk that lies.
    bool sync_lies = false;

  private:
    struct File {
        std::string bytes;
        bool recorded = true;
        std::uint64_t touches = 0;
        struct Lock {
            std::set<Holder> shared;
            Holder exclusive = 0;
        };
        std::map<std::uint64_t, Lock> locks;
        SharedMemory shm;
    };
    void apply(const Operation& operation);
    void record(Operation operation);

    DiskImage base_;
    std::vector<Operation> log_;
    std::vector<std::unique_ptr<File>> files_;
    std::map<std::string, Inode, std::less<>> names_;
    Holder last_holder_ = 0;
    std::optional<FaultPlan> plan_;
    std::uint64_t calls_counted_ = 0;
    bool has_failed_ = false;
};

/// Applies a write to `content`, filling a gap with zeros.
void write_into(std::string& content, std::uint64_t offset, std::string_view bytes);

}  // namespace daybook::simulation
