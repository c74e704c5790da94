#include "store/log_writer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include <daybook/event/error.hpp>

#include "event/test_hooks.hpp"
#include "store/occurred_blocks.hpp"
#include "store/sqlite_error.hpp"

namespace daybook {

namespace {

int note_wal_pages(void* pages, sqlite3*, const char*, int count) {
    *static_cast<int*>(pages) = count;
    return SQLITE_OK;
}

std::optional<std::string_view> view(const std::optional<std::string>& text) {
    if (!text) return std::nullopt;
    return std::string_view(*text);
}

std::optional<std::string> owned(const std::optional<std::string_view>& text) {
    if (!text) return std::nullopt;
    return std::string(*text);
}

}  // namespace

LogWriter::LogWriter(Connection& connection, const StoreOptions& options, const Head& head)
    : connection_(connection), clock_(*options.clock), durability_(options.durability), runs_(connection) {
    committed_.head.store_id = head.store_id;
    begin_ = connection.prepare("BEGIN IMMEDIATE");
    commit_ = connection.prepare("COMMIT");
    rollback_ = connection.prepare("ROLLBACK");
    read_data_version_ = connection.prepare("PRAGMA data_version");
    insert_event_ = {connection, "INSERT OR FAIL INTO events_log",
                     "seq, event_id, type, event_version, stream, version, source, correlation_id, causation_id, "
                     "occurred_at, recorded_at, tags, payload, metadata, salt, payload_hash, digest"};
    insert_result_ = {connection, "INSERT OR FAIL INTO event_results_log",
                      "result_seq, event_seq, event_id, bus, handler, attempt, status, owner, recoverable, imported, "
                      "result, error_type, error_message, started_at, finished_at, emitted, note, events_head, "
                      "recorded_at, digest"};
    insert_unfinished_ = {connection, "INSERT INTO unfinished_handlers",
                          "event_seq, bus, handler, attempt, owner, recoverable, started, since",
                          "ON CONFLICT (event_seq, bus, handler) DO UPDATE SET attempt = excluded.attempt, owner = "
                          "excluded.owner, recoverable = excluded.recoverable, started = 0, since = excluded.since"
                          " WHERE attempt < excluded.attempt"};
    normal_noted_ = durability_ == Durability::full ||
                    connection.query_integer("SELECT normal_durability_since FROM store_info WHERE id = 1").has_value();
    // After the connection switched automatic checkpoints off, which would take this hook away.
    if (!DAYBOOK_PLANTED(autocheckpoint_on)) sqlite3_wal_hook(connection.handle(), note_wal_pages, &wal_pages_);
}

void LogWriter::begin() {
    try {
        begin_.run();  // may fail half-way, without memory: the transaction is open then
        // Removed or replaced under us: what we commit would go to a file that nobody can open again.
        int moved = 0;
        if (sqlite3_file_control(connection_.handle(), "main", SQLITE_FCNTL_HAS_MOVED, &moved) == SQLITE_OK &&
            moved != 0)
            throw Error(
                ErrorCode::io_error,
                fmt::format(
                    "write to {}: the file was removed or replaced while it is open; put it back and reopen the store",
                    sqlite3_db_filename(connection_.handle(), "main")));
        // It changes when, and only when, another connection has committed since we last looked.
        const ResetGuard guard(read_data_version_);
        static_cast<void>(read_data_version_.step());
        const std::int64_t version = read_data_version_.integer(0);
        if (version != data_version_ || runs_.is_lost()) {
            read_reached();
            runs_.catch_up(committed_.head.seq);
            data_version_ = version;
        }
    } catch (...) {
        rollback();
        throw;
    }
    forget_transaction();
}

void LogWriter::read_reached() {
    Reached reached;
    reached.head = committed_.head;
    Statement& event = kept_statement("SELECT seq, digest, recorded_at FROM events_log ORDER BY seq DESC LIMIT 1");
    const ResetGuard event_guard(event);
    const bool has_events = event.step();
    reached.head.seq = has_events ? Sequence{event.unsigned_integer(0)} : Sequence{};
    reached.head.digest = has_events ? event.digest(1) : Digest{};
    if (has_events) reached.event_time = Timestamp{event.integer(2)};
    Statement& result = kept_statement(
        "SELECT result_seq, digest, recorded_at FROM event_results_log ORDER BY result_seq DESC LIMIT 1");
    const ResetGuard result_guard(result);
    const bool has_results = result.step();
    reached.head.result_seq = has_results ? ResultSequence{result.unsigned_integer(0)} : ResultSequence{};
    reached.head.result_digest = has_results ? result.digest(1) : Digest{};
    if (has_results) reached.result_time = Timestamp{result.integer(2)};
    committed_ = reached;
}

void LogWriter::forget_transaction() noexcept {
    events_.clear();
    is_broken_ = false;
    current_ = committed_;
    wrote_ = false;
    clock_behind_ns_ = 0;
}

void LogWriter::rollback() noexcept {
    if (connection_.in_transaction()) {
        // Prepared: what is open for lack of memory must not need memory to be ended, or every other store waits for it.
        sqlite3_step(rollback_.handle());
        rollback_.reset();
    }
    runs_.rolled_back();
    forget_transaction();
}

Timestamp LogWriter::now_for_events() {
    const Timestamp now = clock_.now();
    clock_behind_ns_ = now < current_.event_time ? current_.event_time.ns - now.ns : 0;
    return std::max(now, current_.event_time);
}

std::optional<StoredEvent> LogWriter::find_event(std::string_view id) {
    const std::optional<Sequence> seq = runs_.find_id(id);
    if (!seq) return std::nullopt;
    Statement& find = statement(
        "SELECT seq, event_id, type, event_version, stream, version, source, correlation_id, causation_id, occurred_at,"
        " recorded_at, tags, payload, metadata, digest FROM events_log WHERE seq = ?");
    const ResetGuard guard(find);
    find.bind(1, *seq);
    if (!find.step()) return std::nullopt;
    if (DAYBOOK_PLANTED(sequence_burned)) ++committed_.head.seq.value;
    StoredEvent stored;
    stored.erased = find.is_null(12);
    stored.event = Event{
        .seq = Sequence{find.unsigned_integer(0)},
        .id = std::string(find.text(1)),
        .type = std::string(find.text(2)),
        .event_version = std::string(find.text(3)),
        .stream = std::string(find.text(4)),
        .version = Version{find.unsigned_integer(5)},
        .source = std::string(find.text(6)),
        .correlation_id = owned(find.optional_text(7)),
        .causation_id = owned(find.optional_text(8)),
        .occurred_at = Timestamp{find.integer(9)},
        .recorded_at = Timestamp{find.integer(10)},
        .tags = tags_from_json(find.text(11)),
        .payload = std::string(find.text(12)),
        .metadata = std::string(find.text(13)),
        .digest = find.digest(14),
    };
    return stored;
}

std::optional<Digest> LogWriter::event_digest(Sequence seq) {
    Statement& find = statement("SELECT digest FROM events_log WHERE seq = ?");
    const ResetGuard guard(find);
    find.bind(1, seq);
    if (!find.step()) return std::nullopt;
    return find.digest(0);
}

std::optional<Digest> LogWriter::result_digest(ResultSequence seq) {
    Statement& find = statement("SELECT digest FROM event_results_log WHERE result_seq = ?");
    const ResetGuard guard(find);
    find.bind(1, seq.value);
    if (!find.step()) return std::nullopt;
    return find.digest(0);
}

// The row is inserted with others: sixteen by one statement.
void LogWriter::append_events(std::span<const PreparedEvent> events, const std::vector<bool>& wanted,
                              Timestamp recorded_at, std::span<PlacedEvent> placed) {
    wrote_ = true;  // also when it fails half-way: then the transaction must be rolled back
    for (std::size_t index = 0; index < events.size(); ++index) {
        if (!wanted[index]) continue;
        place_event(events[index], recorded_at, placed[index]);
        events_.push_back({&events[index], &placed[index]});
    }
    insert_events(events_.size() - events_.size() % BatchInsert::rows_at_once);
}

// The first `count` of those that are still to be inserted.
void LogWriter::insert_events(std::size_t count) {
    if (count == 0) return;
    const auto bind = [&](Statement& insert, int parameter, std::size_t row) {
        const PreparedEvent& prepared = *events_[row].prepared;
        const PlacedEvent& placed = *events_[row].placed;
        const NewEvent& event = prepared.event;
        insert.bind(parameter, placed.seq)
            .bind(parameter + 1, std::string_view(event.id))
            .bind(parameter + 2, std::string_view(event.type))
            .bind(parameter + 3, std::string_view(event.event_version))
            .bind(parameter + 4, std::string_view(event.stream))
            .bind(parameter + 5, placed.version.value)
            .bind(parameter + 6, std::string_view(event.source))
            .bind(parameter + 7, event.correlation_id)
            .bind(parameter + 8, event.causation_id)
            .bind(parameter + 9, placed.occurred_at)
            .bind(parameter + 10, placed.recorded_at)
            .bind(parameter + 11, std::string_view(prepared.tags))
            .bind(parameter + 12, std::string_view(event.payload))
            .bind(parameter + 13, std::string_view(event.metadata))
            .bind_blob(parameter + 14, prepared.salt.data(), prepared.salt.size())
            .bind(parameter + 15, prepared.payload_hash)
            .bind(parameter + 16, placed.digest);
    };
    try {
        insert_event_.run(count, bind);
    } catch (...) {
        events_.clear();
        is_broken_ = !DAYBOOK_PLANTED(spill_with_savepoints);
        throw;
    }
    events_.erase(events_.begin(), events_.begin() + static_cast<std::ptrdiff_t>(count));
}

void LogWriter::place_event(const PreparedEvent& prepared, Timestamp recorded_at, PlacedEvent& placed) {
    const NewEvent& event = prepared.event;
    // An id that the caller gave was looked for; one that was made here is new, unless the random source repeats itself.
    if (prepared.id_is_new && runs_.find_id(event.id))
        throw Error(
            ErrorCode::idempotency_conflict,
            fmt::format("append an event of type '{}': the id that was made for it, '{}', is in the log already: "
                        "the random source repeats itself; nothing was written: append it again",
                        event.type, event.id));
    placed.seq = Sequence{current_.head.seq.value + 1};
    placed.version = runs_.add(placed.seq, event.id, event.stream, event.type);
    placed.occurred_at = event.occurred_at.value_or(recorded_at);
    placed.recorded_at = recorded_at;
    placed.digest =
        hasher_.event(current_.head.digest, current_.head.store_id,
                      {placed.seq, placed.version, placed.occurred_at, placed.recorded_at}, prepared.content_hash);
    if (clock_behind_ns_ > 0) note_clock_step(placed.seq, recorded_at);
    current_.head.seq = placed.seq;
    current_.head.digest = placed.digest;
    current_.event_time = recorded_at;
}

void LogWriter::note_clock_step(Sequence seq, Timestamp recorded_at) {
    Statement& extend = kept_statement(
        "UPDATE clock_steps SET last_seq = ?1, behind_ns = max(behind_ns, ?3)"
        " WHERE first_seq = (SELECT max(first_seq) FROM clock_steps) AND last_seq = ?1 - 1 AND recorded_at = ?2");
    extend.bind(1, seq).bind(2, recorded_at).bind(3, clock_behind_ns_);
    extend.run();
    if (sqlite3_changes(connection_.handle()) > 0) return;
    Statement& insert =
        kept_statement("INSERT INTO clock_steps (first_seq, last_seq, recorded_at, behind_ns) VALUES (?1, ?1, ?2, ?3)");
    insert.bind(1, seq).bind(2, recorded_at).bind(3, clock_behind_ns_);
    insert.run();
}

void LogWriter::append_results(std::span<EventResult> rows, const std::vector<bool>& recoverable) {
    wrote_ = true;
    std::vector<std::string> emitted;
    emitted.reserve(rows.size());
    for (std::size_t index = 0; index < rows.size(); ++index) {
        emitted.push_back(emitted_to_json(rows[index].emitted));
        place_result(rows[index], recoverable[index], emitted.back());
    }
    insert_result_.run(rows.size(), [&](Statement& insert, int parameter, std::size_t index) {
        const EventResult& row = rows[index];
        insert.bind(parameter, row.result_seq.value)
            .bind(parameter + 1, row.event_seq)
            .bind(parameter + 2, std::string_view(row.event_id))
            .bind(parameter + 3, std::string_view(row.bus))
            .bind(parameter + 4, std::string_view(row.handler))
            .bind(parameter + 5, std::int64_t{row.attempt})
            .bind(parameter + 6, to_string(row.status))
            .bind(parameter + 7, std::string_view(row.owner))
            .bind(parameter + 8, std::int64_t{recoverable[index]})
            .bind(parameter + 9, std::int64_t{row.imported})
            .bind(parameter + 10, row.result)
            .bind(parameter + 11, row.error_type)
            .bind(parameter + 12, row.error_message)
            .bind(parameter + 13, row.started_at)
            .bind(parameter + 14, row.finished_at)
            .bind(parameter + 15, std::string_view(emitted[index]))
            .bind(parameter + 16, row.note)
            .bind(parameter + 17, row.events_head)
            .bind(parameter + 18, row.recorded_at)
            .bind(parameter + 19, row.digest);
    });
    const auto begins = [&](std::size_t index) {
        return !rows[index].imported && rows[index].status == ResultStatus::pending;
    };
    for (std::size_t index = 0; index < rows.size();) {
        const std::size_t first = index;
        while (index < rows.size() && begins(index)) ++index;
        begin_unfinished(rows.subspan(first, index - first), recoverable, first);
        if (index < rows.size()) end_unfinished(rows[index++]);
    }
}

void LogWriter::place_result(EventResult& row, bool recoverable, std::string_view emitted) {
    row.result_seq = ResultSequence{current_.head.result_seq.value + 1};
    row.events_head = current_.head.seq;
    row.recorded_at = std::max({clock_.now(), current_.event_time, current_.result_time});
    row.digest = hasher_.result(current_.head.result_digest, current_.head.store_id,
                                {.result_seq = row.result_seq,
                                 .event_seq = row.event_seq,
                                 .event_id = row.event_id,
                                 .bus = row.bus,
                                 .handler = row.handler,
                                 .attempt = row.attempt,
                                 .status = to_string(row.status),
                                 .owner = row.owner,
                                 .recoverable = recoverable,
                                 .imported = row.imported,
                                 .result = view(row.result),
                                 .error_type = view(row.error_type),
                                 .error_message = view(row.error_message),
                                 .started_at = row.started_at,
                                 .finished_at = row.finished_at,
                                 .emitted = emitted,
                                 .note = view(row.note),
                                 .events_head = row.events_head,
                                 .recorded_at = row.recorded_at});
    current_.head.result_seq = row.result_seq;
    current_.head.result_digest = row.digest;
    current_.result_time = row.recorded_at;
}

void LogWriter::begin_unfinished(std::span<const EventResult> rows, const std::vector<bool>& recoverable,
                                 std::size_t first) {
    insert_unfinished_.run(rows.size(), [&](Statement& insert, int parameter, std::size_t index) {
        const EventResult& row = rows[index];
        insert.bind(parameter, row.event_seq)
            .bind(parameter + 1, std::string_view(row.bus))
            .bind(parameter + 2, std::string_view(row.handler))
            .bind(parameter + 3, std::int64_t{row.attempt})
            .bind(parameter + 4, std::string_view(row.owner))
            .bind(parameter + 5, std::int64_t{recoverable[first + index]})
            .bind(parameter + 6, std::int64_t{0})
            .bind(parameter + 7, row.recorded_at);
    });
}

// An imported row never becomes unfinished work, but it tells what became of the work here: it may end the attempt, and
// whatever it says of a later attempt, that attempt was begun elsewhere and the number cannot be claimed here.
void LogWriter::end_unfinished_as_imported(const EventResult& row) {
    Statement& end = kept_statement(
        "DELETE FROM unfinished_handlers WHERE event_seq = ?1 AND bus = ?2 AND handler = ?3"
        " AND (attempt < ?4 OR (attempt = ?4 AND ?5))");
    end.bind(1, row.event_seq)
        .bind(2, std::string_view(row.bus))
        .bind(3, std::string_view(row.handler))
        .bind(4, std::int64_t{row.attempt})
        .bind(5, std::int64_t{is_terminal(row.status)});
    end.run();
}

void LogWriter::end_unfinished(const EventResult& row) {
    if (row.imported) return end_unfinished_as_imported(row);
    if (row.status != ResultStatus::started && !is_terminal(row.status)) return;  // late: it was over already
    // Only the last attempt counts: an earlier one that ends after it was taken over finishes nothing.
    Statement& change = kept_statement(row.status == ResultStatus::started
                                           ? "UPDATE unfinished_handlers SET started = 1"
                                             " WHERE event_seq = ? AND bus = ? AND handler = ? AND attempt = ?"
                                           : "DELETE FROM unfinished_handlers"
                                             " WHERE event_seq = ? AND bus = ? AND handler = ? AND attempt = ?");
    change.bind(1, row.event_seq)
        .bind(2, std::string_view(row.bus))
        .bind(3, std::string_view(row.handler))
        .bind(4, std::int64_t{row.attempt});
    change.run();
}

void LogWriter::complete() {
    if (!wrote_) return;
    insert_kept_back();
    runs_.write_due();
    write_blocks();
    if (normal_noted_) return;
    Statement& note = kept_statement(
        "UPDATE store_info SET normal_durability_since = ? WHERE id = 1 AND normal_durability_since IS NULL");
    note.bind(1, clock_.now());
    note.run();
}

void LogWriter::write_blocks() {
    const std::uint64_t complete = current_.head.seq.value / occurred_block_events;
    for (std::uint64_t block = committed_.head.seq.value / occurred_block_events; block < complete; ++block) {
        Statement& put = kept_statement(
            "INSERT OR REPLACE INTO occurred_blocks (block, occurred_min, occurred_max)"
            " SELECT ?1, min(occurred_at), max(occurred_at) FROM events_log WHERE seq BETWEEN ?2 AND ?3 GROUP BY ?1");
        put.bind(1, block).bind(2, block * occurred_block_events + 1).bind(3, (block + 1) * occurred_block_events);
        put.run();
    }
}

bool LogWriter::commit() {
    if (!wrote_) {
        rollback();
        return false;
    }
    if (is_broken_ || !events_.empty())
        throw Error(ErrorCode::internal, fmt::format("commit to {}: rows of this transaction are not in it",
                                                     sqlite3_db_filename(connection_.handle(), "main")));
    const int rc = sqlite3_step(commit_.handle());
    const int extended = sqlite3_extended_errcode(connection_.handle());
    const std::string detail = rc == SQLITE_DONE ? "" : sqlite3_errmsg(connection_.handle());
    commit_.reset();
    if (rc == SQLITE_DONE) {
        runs_.committed();
        committed_ = current_;
        normal_noted_ = true;
        return true;
    }
    const int family = extended & 0xff;
    const bool rejected = family == SQLITE_BUSY || (family == SQLITE_FULL && full_means_rejected()) ||
                          DAYBOOK_PLANTED(failed_commit_rejected);
    rollback();
    runs_.forget();
    data_version_ = -1;
    const std::string attempted = fmt::format("commit to {}", sqlite3_db_filename(connection_.handle(), "main"));
    if (rejected) throw_sqlite_error(extended, detail, attempted);
    throw Error(
        ErrorCode::commit_in_doubt,
        fmt::format(
            "{}: the disk refused it (SQLite says \"{}\", {}), and it may be there all the same after a restart: "
            "reopen the store, then append again with the same ids",
            attempted, detail, extended));
}

// With power-safe overwrite nothing is written behind the frame that commits: a write that found no room can then not
// have been behind it, and what lies in -wal has no valid end.
bool LogWriter::full_means_rejected() {
    int power_safe = -1;
    return sqlite3_file_control(connection_.handle(), "main", SQLITE_FCNTL_POWERSAFE_OVERWRITE, &power_safe) ==
               SQLITE_OK &&
           power_safe == 1;
}

Statement& LogWriter::statement(std::string_view sql) {
    insert_kept_back();
    return kept_statement(sql);
}

Statement& LogWriter::kept_statement(std::string_view sql) {
    const auto found = statements_.find(sql);
    if (found != statements_.end()) return *found->second;
    return *statements_.emplace(std::string(sql), std::make_unique<Statement>(connection_, sql)).first->second;
}

}  // namespace daybook
