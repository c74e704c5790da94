// Writes rows of both logs, and the tables beside them, inside the one write transaction of the file; keeps the head.
//
// It knows nothing of callers, threads or locks: the committer drives it. See docs/internals/group_commit.md.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <daybook/event/clock.hpp>
#include <daybook/event/event.hpp>
#include <daybook/event/event_result.hpp>
#include <daybook/event/position.hpp>
#include <daybook/store/store_options.hpp>

#include "store/batch_insert.hpp"
#include "store/chain.hpp"
#include "store/connection.hpp"
#include "store/run_index.hpp"
#include "store/text_map.hpp"

namespace daybook {

/// An event made ready before any lock: checked, minified, with an id, its salt and what can be hashed.
struct PreparedEvent {
    NewEvent event;
    std::string tags;  ///< canonical JSON
    Salt salt;
    Digest payload_hash;
    Digest content_hash;
    bool id_is_new = false;  ///< made by us just now: no need to look for it
};

/// What the transaction decided about an event.
struct PlacedEvent {
    Sequence seq;
    Version version;
    Timestamp occurred_at;
    Timestamp recorded_at;
    Digest digest;
};

/// An event as it lies in the log.
struct StoredEvent {
    Event event;
    bool erased = false;  ///< the payload is gone
};

/// Thread-safety: one thread at a time (the leader of the commit, who holds the writer lock from begin() to the end).
class LogWriter {
  public:
    LogWriter(Connection& connection, const StoreOptions& options, const Head& head);

    /// BEGIN IMMEDIATE. Reads the head again if another connection has written. Throws Error: busy, io_error, ….
    void begin();
    /// Inserts what append_events() has kept back. Throws Error, of any of these events; the transaction is broken then.
    void insert_kept_back() { insert_events(events_.size()); }
    /// A row of append_events() was refused: whoever was told may not be the one whose it was, and all must be rolled back.
    [[nodiscard]] bool is_broken() const noexcept { return is_broken_; }
    /// To be called before commit(): inserts what was kept back, and writes the derived tables. Throws Error.
    void complete();
    /// Only ends the transaction when nothing was written. Returns whether anything was.
    /// Throws Error: busy, disk_full - nothing of it was stored; commit_in_doubt - it may be there after a restart.
    bool commit();
    void rollback() noexcept;

    /// What the last commit reached.
    [[nodiscard]] const Head& committed_head() const noexcept { return committed_.head; }
    /// With what this transaction has written.
    [[nodiscard]] const Head& head() const noexcept { return current_.head; }
    /// Pages in -wal, as of the last commit.
    [[nodiscard]] int wal_pages() const noexcept { return wal_pages_; }
    [[nodiscard]] Connection& connection() noexcept { return connection_; }
    /// The time of what is written next: the clock's, but never before what the log holds.
    [[nodiscard]] Timestamp now_for_events();

    [[nodiscard]] std::optional<StoredEvent> find_event(std::string_view id);
    [[nodiscard]] std::optional<Sequence> find_sequence(std::string_view event_id) { return runs_.find_id(event_id); }
    [[nodiscard]] Version stream_version(std::string_view stream) { return runs_.stream_version(stream); }
    [[nodiscard]] std::optional<Digest> event_digest(Sequence seq);
    [[nodiscard]] std::optional<Digest> result_digest(ResultSequence seq);

    /// Writes those of `events` that are wanted, in order, and says in `placed`, by event, what became of them. Both must stay
    /// where they are until the transaction is over: the last rows are inserted with those of the next call.
    /// `recorded_at` from now_for_events(). Throws Error, perhaps of another call's events; the transaction must be rolled back
    /// then.
    void append_events(std::span<const PreparedEvent> events, const std::vector<bool>& wanted, Timestamp recorded_at,
                       std::span<PlacedEvent> placed);
    /// Fills result_seq, events_head, recorded_at and digest of each row and writes it, with its unfinished work.
    /// `recoverable` is by row.
    void append_results(std::span<EventResult> rows, const std::vector<bool>& recoverable);

    /// A statement kept for the connection's life, for what is not written with every event. It sees all that was written.
    [[nodiscard]] Statement& statement(std::string_view sql);
    /// Tells that a row was written through statement().
    void note_write() noexcept { wrote_ = true; }

  private:
    struct Reached {
        Head head;
        Timestamp event_time{INT64_MIN};   // recorded_at of the last event
        Timestamp result_time{INT64_MIN};  // recorded_at of the last result
    };

    void place_event(const PreparedEvent& prepared, Timestamp recorded_at, PlacedEvent& placed);
    void insert_events(std::size_t count);
    void place_result(EventResult& row, bool recoverable, std::string_view emitted);
    [[nodiscard]] Statement& kept_statement(std::string_view sql);
    void read_reached();
    void write_blocks();
    void note_clock_step(Sequence seq, Timestamp recorded_at);
    void end_unfinished_as_imported(const EventResult& row);
    void end_unfinished(const EventResult& row);
    void begin_unfinished(std::span<const EventResult> rows, const std::vector<bool>& recoverable, std::size_t first);
    void forget_transaction() noexcept;
    [[nodiscard]] bool full_means_rejected();

    Connection& connection_;
    Clock& clock_;
    const Durability durability_;
    ChainHasher hasher_;
    Reached committed_;
    Reached current_;
    std::int64_t data_version_ = -1;
    std::int64_t clock_behind_ns_ = 0;
    bool wrote_ = false;
    bool normal_noted_ = false;
    int wal_pages_ = 0;
    RunIndex runs_;
    struct EventToInsert {
        const PreparedEvent* prepared;
        const PlacedEvent* placed;
    };
    std::vector<EventToInsert> events_;  // of the open transaction: not in the table yet
    bool is_broken_ = false;
    TextMap<std::unique_ptr<Statement>> statements_;
    Statement begin_, commit_, rollback_, read_data_version_;
    BatchInsert insert_event_, insert_result_, insert_unfinished_;
};

}  // namespace daybook
