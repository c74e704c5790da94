// The JSONL WAL: a journal of every committed event and result, in plain lines beside the database, kept
// gapless and in order whichever process wrote them. The bus feeds it by position; interchange/ imports it
// and compares it with a log.
//
// Files: `<path>` is written to. At `rotate_bytes` it is renamed `<path>.<first seq>-<first result seq>`
// (twelve digits each, more when needed) and begun anew; each file begins with a header that says where it
// continues. `<path>.lock` has the writer's lock, and says how much of `<path>` is known to be synced.
// Lines: event/journal_record.hpp.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <daybook/event/clock.hpp>
#include <daybook/event/file_system.hpp>
#include <daybook/event/limits.hpp>
#include <daybook/middleware/middleware.hpp>

namespace daybook {

/// When the journal's bytes are made to survive power loss. What was lost is fed again from the log; only the
/// log is what acknowledged events rest on.
enum class JournalSync : std::uint8_t {
    every_flush,  ///< after each batch: at every emit, when there is no backlog
    on_close,     ///< when it is closed or rotated
    never,        ///< only what a file begins with, and a full file before it is rotated
};

/// Effect, unit, default and limits of each are said beside it. validate() reports all faults at once.
struct JournalOptions {
    /// The file that is written to; its directory must exist. Required.
    std::string path{};
    /// Default: every_flush.
    JournalSync sync = JournalSync::every_flush;
    /// Size at which a file is closed and the next begun; a batch is never split. Default: 64 MiB; 0 = never,
    /// else at least 4 KiB.
    std::uint64_t rotate_bytes = std::uint64_t{64} << 20;
    /// Begin a new journal at the log's head rather than at its start. Default: false.
    bool from_head = false;
    /// Bytes gathered before they are written without waiting for flush(). Default: 1 MiB; 4 KiB..256 MiB.
    std::size_t buffer_bytes_max = std::size_t{1} << 20;
    /// While standing by: how often to try for the lock. Default: 1 s; 0..1 h.
    std::chrono::milliseconds lock_retry{1'000};
    /// Largest values of a line that is read back.
    Limits limits{};
    /// Told of a torn tail that was cut, of a journal that was set aside, of standing by and of taking over.
    std::function<void(std::string_view)> on_warning{};
    /// Seams for tests. Empty = the machine's own.
    std::shared_ptr<FileSystem> files{};
    std::shared_ptr<Clock> clock{};

    /// Throws Error: invalid_argument.
    void validate() const;
};

struct JournalStatus {
    bool stands_by = false;        ///< another writer has the lock
    Head head;                     ///< of what is written out
    std::uint64_t file_bytes = 0;  ///< of the file that is written to
    std::uint64_t records = 0;     ///< written since this object was made
    std::uint64_t failures = 0;    ///< writes that failed; what they held was or will be fed again
    std::uint64_t rotations = 0;
    std::uint64_t torn_bytes = 0;          ///< cut off at open
    std::vector<std::string> set_aside{};  ///< diverged files, under their new names
};

/// Thread-safety: safe from any thread.
class JournalMiddleware final : public Middleware {
  public:
    /// Takes the lock, reads the newest file back and cuts a torn last line. When another writer has the lock it stands
    /// by: nothing is fed to it until that writer is gone.
    /// Throws Error: corrupt - a damaged record that is not a torn tail; names file, line and byte offset. Move the
    ///               journal's files away, and it is written anew from the log.
    ///               target_exists - the file is there and is not a journal.
    ///               invalid_argument, io_error, permission_denied, no_such_file.
    explicit JournalMiddleware(JournalOptions options);
    /// Syncs as options say; errors are swallowed: close() reports them.
    ~JournalMiddleware() override;

    /// `journal:<path>`: also the name of the checkpoint that the bus keeps.
    [[nodiscard]] std::string_view name() const noexcept override;
    [[nodiscard]] std::optional<FeedPosition> position() override;
    void begin_at(const Head& head, bool diverged) override;
    void feed(const Event& event) override;
    void feed(const EventResult& result) override;
    /// Writes out what was fed, and syncs it with JournalSync::every_flush.
    /// Throws Error: disk_full, io_error - nothing of this batch is kept and the position stays.
    void flush() override;
    void close() override;

    [[nodiscard]] JournalStatus status() const;

    /// The files of the journal at `path`, oldest first, the one that is written to last. Empty: there is
    /// none.
    [[nodiscard]] static std::vector<std::string> files_of(FileSystem& files, const std::string& path);

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace daybook
