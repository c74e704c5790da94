// What an EventStore holds. For the parts of this floor that do its work.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <daybook/event/uuid.hpp>
#include <daybook/store/event_store.hpp>

#include "store/committer.hpp"
#include "store/log_writer.hpp"
#include "store/reader_pool.hpp"
#include "store/writing_file.hpp"

namespace daybook {

/// Thread-safety: safe from any thread.
struct EventStore::Impl : std::enable_shared_from_this<EventStore::Impl> {
    explicit Impl(StoreOptions given);
    ~Impl();

    /// Throws Error: wrong_process, closed.
    void require_open() const;
    /// And may be written: read_only, log_behind_mark. Names what was `attempted`.
    void require_writable(std::string_view attempted) const;
    void close();

    const StoreOptions options;  ///< with files, clock and random filled in
    std::filesystem::path path;
    Uuid store_id;
    std::vector<std::string> warnings;
    std::shared_ptr<ReaderPool> readers;
    UuidV7Generator ids;
    const std::uint64_t process;  ///< process_mark()

    // Of a store that is open for writing:
    WritingFile file;
    std::unique_ptr<LogWriter> writer;  ///< null: nothing may be written
    std::unique_ptr<Committer> committer;
    std::atomic<bool> closed{false};
};

}  // namespace daybook
