#include "store/run_index.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <span>
#include <utility>

#include <daybook/event/error.hpp>

namespace daybook {

namespace {

constexpr std::size_t known_names_max = 100'000;  // some 15 MB
// A transaction writes at least so many rows of a complete run, and more when it adds more events: a run has at most three
// rows an event, and so is written before the next is complete.
constexpr std::uint64_t commits_of_a_run_max = 256;
constexpr std::size_t due_rows_of_an_event = 4;

constexpr std::string_view recent_events_sql =
    "SELECT seq, event_id, stream, type FROM events_log WHERE seq > ?1 ORDER BY seq";

}  // namespace

RunIndex::RunIndex(Connection& connection)
    : read_layout_(connection, layout_sql),
      read_events_(connection, recent_events_sql),
      read_version_(connection, "SELECT version FROM events_log WHERE seq = ?1 AND stream = ?2"),
      put_complete_(connection, "UPDATE store_info SET indexed_runs = ?1 WHERE id = 1"),
      ids_(connection) {
    for (const NameKind kind : name_kinds) {
        const NameSql& sql = sql_of(kind);
        Names& of_kind = names(kind);
        of_kind.known_max = known_names_max;
        of_kind.find_head = connection.prepare(sql.find_head);
        of_kind.find_run = connection.prepare(sql.find_run);
        of_kind.put_run = {connection, fmt::format("INSERT OR REPLACE INTO {}", sql.runs_table), sql.run_columns};
        of_kind.put_head = {connection, fmt::format("INSERT OR REPLACE INTO {}", sql.heads_table), sql.head_columns};
    }
}

void RunIndex::catch_up(Sequence head) {
    const RunLayout now = read_layout(read_layout_);
    // Runs that others have completed and we have not seen, or a head before ours: nothing here fits any more.
    const bool fits = !lost_ && now.run_events == layout_.run_events && now.complete >= layout_.complete &&
                      now.complete <= gathering_ && gathered_to_ <= head.value;
    lost_ = true;
    layout_ = now;
    if (!fits) start_over();
    while (!due_.empty() && due_.front().run < layout_.complete) {
        drop_first_due();
        rows_written_ = 0;
    }
    read_events_.bind(1, gathered_to_);
    const ResetGuard guard(read_events_);
    while (read_events_.step()) read_on(read_events_);
    if (!due_.empty()) rows_written_ = std::max(rows_written_, rows_found(due_.front()));
    rolled_back();
    lost_ = false;
}

// Two events with one id: only another program can have written them.
void RunIndex::read_on(const Statement& event) {
    const std::uint64_t seq = event.unsigned_integer(0);
    const std::string_view id = event.text(1);
    if (const auto earlier = ids_.find_recent(id))
        throw Error(ErrorCode::corrupt,
                    fmt::format("read the end of the log: events {} and {} have one id, '{}': run verify",
                                earlier->value, seq, id));
    ids_.add(id, seq, layout_.run_of(seq));
    Named& stream = named(NameKind::stream, event.text(2));
    Named& type = named(NameKind::type, event.text(3));
    ++stream.second.events;
    ++type.second.events;
    gather({&stream, &type, seq});
}

void RunIndex::start_over() {
    due_.clear();
    added_.clear();
    ids_.start_over();
    for (Names& of_kind : names_) {
        of_kind.gathered.clear();
        of_kind.known.clear();
    }
    rows_written_ = 0;
    gathering_ = layout_.complete;
    gathered_to_ = layout_.indexed_to();
}

RunIndex::Named& RunIndex::named(NameKind kind, std::string_view name) {
    Names& of_kind = names(kind);
    if (const auto found = of_kind.known.find(name); found != of_kind.known.end()) return *found;
    if (of_kind.known.size() >= of_kind.known_max && added_.empty()) forget_idle(of_kind);
    return *of_kind.known.emplace(std::string(name), read_entry(kind, name)).first;
}

RunIndex::Entry RunIndex::read_entry(NameKind kind, std::string_view name) {
    Statement& head = names(kind).find_head;
    const ResetGuard head_guard(head);
    head.bind(1, name);
    if (!head.step()) return {};
    Entry entry;
    const std::uint64_t last_seq = std::max<std::uint64_t>(head.unsigned_integer(1), 1);
    const std::uint64_t last_run = layout_.run_of(last_seq);
    if (last_seq <= layout_.indexed_to()) {
        entry.indexed_events = head.unsigned_integer(0);
        entry.indexed_run = last_run;
    } else {  // of a run that is not written to its end: its events are still to be read, or have been
        Statement& run = names(kind).find_run;
        const ResetGuard run_guard(run);
        run.bind(1, last_run).bind(2, name);
        if (!run.step())
            throw Error(
                ErrorCode::corrupt,
                fmt::format("look up the {} '{}': {} leads to event {}, but {} has no row for run {}: run verify",
                            to_string(kind), name, sql_of(kind).heads_table, last_seq, sql_of(kind).runs_table,
                            last_run));
        entry.indexed_events = run.unsigned_integer(0);
        if (!run.is_null(1)) entry.indexed_run = run.unsigned_integer(1);
    }
    if (kind == NameKind::stream) check_head(name, last_seq, head.unsigned_integer(0));
    entry.events = entry.indexed_events;
    return entry;
}

// A version that was given twice could never be taken back: its event is looked at before a stream goes on from its head.
void RunIndex::check_head(std::string_view stream, std::uint64_t last_seq, std::uint64_t version) {
    const ResetGuard guard(read_version_);
    read_version_.bind(1, last_seq).bind(2, stream);
    if (read_version_.step() && read_version_.unsigned_integer(0) == version) return;
    throw Error(
        ErrorCode::corrupt,
        fmt::format("look up the stream '{}': stream_heads says that event {} has version {} of it, the log does "
                    "not: run verify",
                    stream, last_seq, version));
}

// What is gathered or due is known nowhere else.
void RunIndex::forget_idle(Names& of_kind) {
    std::erase_if(of_kind.known, [&](const Named& named) {
        const Entry& entry = named.second;
        return entry.seqs.empty() && (!entry.indexed_run || *entry.indexed_run < layout_.complete);
    });
    of_kind.known_max = std::max(known_names_max, of_kind.known.size() * 2);
}

Version RunIndex::stream_version(std::string_view stream) {
    return Version{named(NameKind::stream, stream).second.events};
}

Version RunIndex::add(Sequence seq, std::string_view id, std::string_view stream, std::string_view type) {
    Named& of_stream = named(NameKind::stream, stream);
    Named& of_type = named(NameKind::type, type);
    added_.push_back({&of_stream, &of_type, seq.value});
    try {
        ids_.add(id, seq.value, layout_.run_of(seq.value));
    } catch (...) {
        added_.pop_back();
        throw;
    }
    ++of_type.second.events;
    return Version{++of_stream.second.events};
}

void RunIndex::gather(const Added& event) {
    if (layout_.run_of(event.seq) != gathering_) {  // the log begins here, or has a gap
        complete_run();
        gathering_ = layout_.run_of(event.seq);
    }
    const auto put = [&](NameKind kind, Named& named) {
        if (named.second.seqs.empty()) names(kind).gathered.push_back(&named);
        append_seq(named.second.seqs, layout_, event.seq);
    };
    put(NameKind::stream, *event.stream);
    put(NameKind::type, *event.type);
    gathered_to_ = event.seq;
    if (event.seq == layout_.last_seq(gathering_)) complete_run();
}

void RunIndex::complete_run() {
    DueRun& due = due_.emplace_back();
    due.run = gathering_;
    for (const NameKind kind : name_kinds) {
        std::vector<Named*>& gathered = names(kind).gathered;
        std::sort(gathered.begin(), gathered.end(), [](const Named* a, const Named* b) { return a->first < b->first; });
        for (Named* const named : gathered) {
            Entry& entry = named->second;
            const std::uint64_t events = count_of_seqs(entry.seqs.size());
            due.rows.push_back({&named->first, entry.indexed_events, entry.indexed_run, std::exchange(entry.seqs, {})});
            entry.indexed_events += events;
            entry.indexed_run = gathering_;
        }
        gathered.clear();
        if (kind == NameKind::stream) due.stream_rows = due.rows.size();
    }
    due.ids = ids_.complete(gathering_);
    ++gathering_;
}

void RunIndex::drop_first_due() noexcept {
    ids_.drop(due_.front().run);
    due_.pop_front();
}

void RunIndex::write_due() {
    const bool all = due_.size() > 1;
    const std::size_t least = 1 + layout_.run_events / commits_of_a_run_max;
    std::size_t room =
        all ? std::numeric_limits<std::size_t>::max() : std::max(least, added_.size() * due_rows_of_an_event);
    while (runs_finished_ < due_.size() && room > 0) {
        const DueRun& due = due_[runs_finished_];
        const std::size_t count = due.rows.size() + due.ids.size();
        while (rows_written_now_ < count && room > 0) {
            const std::size_t written = write_some(due, rows_written_now_, room);
            rows_written_now_ += written;
            room -= written;
        }
        if (rows_written_now_ < count) return;
        put_complete_.bind(1, due.run + 1);  // last: readers go by it
        put_complete_.run();
        ++runs_finished_;
        rows_written_now_ = 0;
    }
}

// How many of its rows another writer has left in the tables: they are written in order, so it is enough to look for the end.
std::size_t RunIndex::rows_found(const DueRun& due) {
    std::size_t found = 0;
    std::size_t missing = due.rows.size() + due.ids.size();
    while (found < missing) {
        const std::size_t middle = found + (missing - found) / 2;
        if (is_there(due, middle)) {
            found = middle + 1;
        } else {
            missing = middle;
        }
    }
    return found;
}

bool RunIndex::is_there(const DueRun& due, std::size_t index) {
    if (index < due.rows.size()) {
        const Row& expected = due.rows[index];
        Statement& row = names(index < due.stream_rows ? NameKind::stream : NameKind::type).find_run;
        const ResetGuard guard(row);
        row.bind(1, due.run).bind(2, std::string_view(*expected.name));
        return row.step() && row.unsigned_integer(0) == expected.events_before && row.blob(2) == expected.seqs;
    }
    return ids_.is_written(due.run, due.ids[index - due.rows.size()]);
}

// What comes behind the first `written`, of one table: at most `room`.
std::size_t RunIndex::write_some(const DueRun& due, std::size_t written, std::size_t room) {
    const auto some = [&](std::size_t until) { return std::min(room, until - written); };
    if (written >= due.rows.size()) {
        const std::size_t count = some(due.rows.size() + due.ids.size());
        ids_.write(due.run, std::span(due.ids).subspan(written - due.rows.size(), count));
        return count;
    }
    const NameKind kind = written < due.stream_rows ? NameKind::stream : NameKind::type;
    const std::size_t count = some(kind == NameKind::stream ? due.stream_rows : due.rows.size());
    write_rows(kind, due, written, count);
    return count;
}

void RunIndex::write_rows(NameKind kind, const DueRun& due, std::size_t first, std::size_t count) {
    const std::span<const Row> rows = std::span(due.rows).subspan(first, count);
    names(kind).put_run.run(count, [&](Statement& put, int parameter, std::size_t index) {
        const Row& row = rows[index];
        put.bind(parameter, due.run)
            .bind(parameter + 1, std::string_view(*row.name))
            .bind(parameter + 2, row.events_before);
        if (row.previous_run) {
            put.bind(parameter + 3, *row.previous_run);
        } else {
            put.bind_null(parameter + 3);
        }
        put.bind_blob(parameter + 4, row.seqs.data(), row.seqs.size());
    });
    names(kind).put_head.run(count, [&](Statement& put, int parameter, std::size_t index) {
        const Row& row = rows[index];
        put.bind(parameter, std::string_view(*row.name))
            .bind(parameter + 1, row.events_before + count_of_seqs(row.seqs.size()))
            .bind(parameter + 2, last_seq(row.seqs, layout_, due.run));
    });
}

void RunIndex::committed() noexcept {
    try {
        for (; runs_finished_ > 0; --runs_finished_) {
            layout_.complete = due_.front().run + 1;
            drop_first_due();
        }
        rows_written_ = rows_written_now_;
        for (const Added& event : added_) gather(event);
        added_.clear();
    } catch (...) {  // no memory: what was committed is read again
        lost_ = true;
    }
}

void RunIndex::rolled_back() noexcept {
    for (const Added& event : added_) {
        --event.stream->second.events;
        --event.type->second.events;
        ids_.take_back_last();
    }
    added_.clear();
    runs_finished_ = 0;
    rows_written_now_ = rows_written_;
}

}  // namespace daybook
