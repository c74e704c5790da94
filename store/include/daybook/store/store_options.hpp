// How a store is opened.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <daybook/event/clock.hpp>
#include <daybook/event/file_system.hpp>
#include <daybook/event/guard.hpp>
#include <daybook/event/limits.hpp>
#include <daybook/event/random_source.hpp>

namespace daybook {

enum class Access : std::uint8_t {
    read,        ///< writes nothing but SQLite's -shm; never migrates
    read_write,  ///< the file must exist; a new (empty) file or an older schema is migrated
    create,      ///< as read_write, and makes the file if there is none
};

enum class Durability : std::uint8_t {
    full,    ///< an append returns after fdatasync: it survives power loss
    normal,  ///< survives a killed process; the last commits may vanish with the power, and their seqs be used again
};

/// How a caller waits for a commit that another one leads.
enum class WaitStrategy : std::uint8_t {
    blocking,  ///< sleeps until it is woken
    /// First yields for up to 1 ms: more events a second where several threads append, at the price of processors that nobody
    /// else wants. Where somebody does want them it sleeps as well, and tries again ten times a second.
    yielding,
};

/// Effect, unit, default and limits of each are said beside it. validate() reports all faults at once.
struct StoreOptions {
    Access access = Access::read_write;        ///< Default: read_write.
    Durability durability = Durability::full;  ///< Default: full.
    /// Longest wait for another process that writes, or for a busy file. Default: 10 s; 0..10 min.
    std::chrono::milliseconds busy_timeout{10'000};
    Limits limits{};  ///< Caps of events and batches.
    /// Asked in order before each append. Default: none.
    std::vector<std::shared_ptr<Guard>> guards{};
    /// Pages in -wal after which the committer checkpoints. Default: 1,000; 1..1,000,000.
    std::size_t checkpoint_pages = 1'000;
    /// A thread of the store commits what append_later() has queued, without anybody waiting. Default: false, no thread.
    bool commit_thread = false;
    WaitStrategy wait_strategy = WaitStrategy::blocking;  ///< Default: blocking.
    /// Page cache of the writing connection, bytes. Default: 16 MiB; 1 MiB..1 GiB.
    std::size_t cache_bytes = std::size_t{16} << 20;
    /// Of a new file, for its life: events of a run (docs/internals/runs.md). An event is found by stream, type and id
    /// through complete runs; the events behind the last are read by whoever opens it. Default: 32,768; 1..65,536.
    std::size_t run_events = 32'768;
    /// Rows that a cursor reads in one read transaction, so that it never pins -wal for long. Default: 1,000; 1..100,000.
    std::size_t page_events = 1'000;
    /// Open on NFS, SMB, 9p or FUSE all the same. SQLite's WAL is not safe there. Default: false.
    bool allow_network_file_system = false;

    // Seams for tests. Empty = the machine's own.
    std::string vfs_name{};
    std::shared_ptr<FileSystem> files{};
    std::shared_ptr<Clock> clock{};
    std::shared_ptr<RandomSource> random{};

    /// Throws Error: invalid_argument.
    void validate() const;
};

}  // namespace daybook
