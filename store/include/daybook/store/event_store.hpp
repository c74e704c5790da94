// The store: one SQLite file that events are appended to and read from. Start here.
//
// Not here: handlers and middleware (bus/), folds and projections (replay/), files of events (interchange/).
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <daybook/store/append.hpp>
#include <daybook/store/checkpoint.hpp>
#include <daybook/store/event_reader.hpp>
#include <daybook/store/store_options.hpp>
#include <daybook/store/subscription.hpp>
#include <daybook/store/unfinished.hpp>

namespace daybook {

class AppendTicket;  // append_ticket.hpp

/// Thread-safety: safe from any thread; concurrent appends share one fsync (group commit, led by one of the callers).
/// It starts no thread but the one of options.commit_thread. Several stores, in this process and others, may have the same file open.
/// A store must not be used after fork() in the child: wrong_process.
///
/// Memory: any call may throw std::bad_alloc, or Error out_of_memory where it is SQLite that has none. From a call that
/// writes both mean that nothing of it was stored; after out_of_memory the store refuses writes until it is reopened.
/// Without memory at the commit itself the answer is commit_in_doubt.
class EventStore {
  public:
    /// Opens the file as `options.access` says.
    ///
    /// Throws Error: no_such_file, not_a_daybook, schema_too_new, unsupported_path, network_file_system,
    ///               permission_denied, read_only, busy, io_error, corrupt, log_behind_mark, invalid_argument.
    /// Source:       docs/internals/opening.md
    [[nodiscard]] static EventStore open(const std::filesystem::path& path, StoreOptions options = {});

    EventStore(EventStore&&) noexcept;
    EventStore& operator=(EventStore&&) noexcept;
    ~EventStore();

    // Writing ---------------------------------------------------------------------------------------------

    /// Appends the request's events in order: all of them become durable, or none does.
    ///
    /// Blocks:       until durable at options.durability; at most busy_timeout waiting for another process.
    /// Limits:       1..batch_events_max events, at most batch_bytes_max together.
    /// Returns:      Appended, or what stood in the way; nothing was written then.
    /// Throws Error: commit_in_doubt - the disk refused the commit; reopen, then append again with the same ids.
    ///               disk_full, busy, writes_refused, read_only, log_behind_mark, guard_refused,
    ///               invalid_argument and what checked() throws - nothing was written.
    /// Source:       docs/internals/group_commit.md
    [[nodiscard]] AppendOutcome try_append(AppendRequest request);
    /// As try_append(), but conflicts are thrown: version_conflict, idempotency_conflict.
    Appended append(AppendRequest request);
    /// One event, to event.stream.
    Appended append(NewEvent event, ExpectedVersion expected = ExpectedVersion::any());

    /// Queues the request and returns a ticket; the order of one thread's appends is kept. What is queued is committed
    /// together, with one sync: when there is a full batch (batch_events_max rows), when anybody appends or waits for a
    /// ticket, and in close(); with options.commit_thread as soon as the commit before it is done.
    /// Blocks:       when it fills a batch, for that commit; with the commit thread, while 16 batches are queued.
    /// Throws Error: what try_append() throws before anything is queued; the rest comes with AppendTicket::get().
    [[nodiscard]] AppendTicket append_later(AppendRequest request);

    /// Appends rows to event_results_log in one commit and returns them. A row whose (event, bus, handler, attempt,
    /// status) is there already is passed over when `imported`, otherwise an error; with `imported`, rows are marked
    /// so and never become unfinished work.
    /// An attempt begins with its `pending` row and ends once: after a terminal row only `late` may follow, and nothing
    /// else may be late. The attempts of a handler follow each other. (Imported rows are taken as they are.)
    /// Throws Error: not_found - no such event; invalid_argument; and as try_append().
    std::vector<EventResult> append_results(std::vector<NewResult> results, bool imported = false);

    /// Takes over an unfinished handler whose owner is gone: appends the pending row of the next attempt, owned by
    /// `owner`. Empty when somebody else finished or claimed it first, or its owner lives.
    [[nodiscard]] std::optional<EventResult> claim(const Unfinished& work, const OwnerLock& owner);
    /// Handlers that never finished, oldest first; of one bus, or of all.
    [[nodiscard]] std::vector<Unfinished> unfinished(std::optional<std::string_view> bus = {}) const;
    /// A new owner, alive as long as what is returned.
    [[nodiscard]] std::unique_ptr<OwnerLock> hold_owner_lock();

    /// Keeps `checkpoint` under its name if the kept one's head is still that of `expected` (empty: if there is none).
    /// Throws Error: checkpoint_conflict; history_diverged - its head is not a position of this log; and as try_append().
    void save_checkpoint(const Checkpoint& checkpoint, const std::optional<Checkpoint>& expected);
    [[nodiscard]] std::optional<Checkpoint> checkpoint(std::string_view name) const;
    [[nodiscard]] std::vector<Checkpoint> checkpoints() const;

    /// Records that import `name` reads `source`. Throws Error: name_taken - it was used with another source.
    void claim_import_name(std::string_view name, std::string_view source);

    /// Moves what is in -wal into the database file, under the writer lock. True when all of it was moved; false when a
    /// reader of an older state held some of it back. Throws Error: as try_append().
    bool checkpoint_wal();

    // Reading ---------------------------------------------------------------------------------------------

    /// The log as it stands now; see EventReader.
    [[nodiscard]] EventReader reader() const;
    [[nodiscard]] Head head() const;
    /// Shorthands for reader().….
    [[nodiscard]] EventCursor read(const Window& window = {}) const;
    [[nodiscard]] std::optional<Event> find(Sequence seq) const;
    [[nodiscard]] std::optional<Event> find(std::string_view id) const;
    [[nodiscard]] Version stream_version(std::string_view stream) const;

    /// Follows the log. Throws Error: history_diverged - options.after or the checkpoint is not of this history.
    [[nodiscard]] Subscription subscribe(SubscriptionOptions options = {});

    // The file --------------------------------------------------------------------------------------------

    [[nodiscard]] const std::filesystem::path& path() const noexcept;
    [[nodiscard]] const StoreOptions& options() const noexcept;
    [[nodiscard]] const Uuid& store_id() const noexcept;
    [[nodiscard]] Clock& clock() const noexcept;
    [[nodiscard]] RandomSource& random() const noexcept;
    [[nodiscard]] FileSystem& files() const noexcept;
    /// A new event id, as append() would give one.
    [[nodiscard]] std::string new_id();
    /// What an opener should be told although the store works, for example that the log lies behind its mark.
    [[nodiscard]] const std::vector<std::string>& warnings() const noexcept;

    /// Ends the store's use; throws what the destructor would swallow. Calls after it: Error closed.
    void close();

    struct Impl;
    /// For the other parts of this floor.
    [[nodiscard]] Impl& impl() const noexcept { return *impl_; }

  private:
    explicit EventStore(std::shared_ptr<Impl> impl) noexcept;
    std::shared_ptr<Impl> impl_;
};

}  // namespace daybook
