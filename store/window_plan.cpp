#include "store/window_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include <daybook/event/error.hpp>

#include "store/event_row.hpp"

namespace daybook {

namespace {

// A row reached through an index costs about three rows of a scan: a descent of the table's tree for each.
constexpr std::uint64_t index_cost = 3;
// Shorter ranges are scanned without asking any index.
constexpr std::uint64_t small_range = 256;
// With a limit, nobody will read all entries; counting more of them would cost more than the answer.
constexpr std::uint64_t counted_with_limit_max = 20'000;
// Distinct types that are looked at to resolve wildcards.
constexpr std::size_t looked_at_types_max = 4'096;

struct PathSql {
    std::string forward;
    std::string reverse;
};

PathSql make_sql(std::string_view source, std::string_view condition, std::string_view order) {
    const std::string sql =
        fmt::format("SELECT {} FROM events_log {} WHERE {} ORDER BY {}", event_columns, source, condition, order);
    return {sql, sql + " DESC"};
}

const PathSql& sql_of(ReadPath path) {
    // INDEXED BY makes a missing index an error instead of a silent scan.
    static const PathSql scan = make_sql("NOT INDEXED", "seq BETWEEN ?1 AND ?2", "seq");
    static const PathSql stream =
        make_sql("INDEXED BY events_by_stream", "stream = ?3 AND version BETWEEN ?1 AND ?2", "version");
    static const PathSql correlation =
        make_sql("INDEXED BY events_by_correlation", "correlation_id = ?3 AND seq BETWEEN ?1 AND ?2", "seq");
    static const PathSql causation =
        make_sql("INDEXED BY events_by_causation", "causation_id = ?3 AND seq BETWEEN ?1 AND ?2", "seq");
    static const PathSql types = make_sql("INDEXED BY events_by_type", "type = ?3 AND seq BETWEEN ?1 AND ?2", "seq");
    static const PathSql none{};
    switch (path) {
        case ReadPath::nothing:
            return none;
        case ReadPath::scan:
        case ReadPath::blocks:
            return scan;
        case ReadPath::stream:
            return stream;
        case ReadPath::correlation:
            return correlation;
        case ReadPath::causation:
            return causation;
        case ReadPath::types:
            return types;
    }
    return none;
}

// How many index entries there are, at most `most`.
std::uint64_t count_entries(ReaderPool::Lease& lease, ReadPath path, std::string_view key, NumberRange seqs,
                            std::uint64_t most) {
    std::string_view sql;
    switch (path) {
        case ReadPath::correlation:
            sql =
                "SELECT count(*) FROM (SELECT 1 FROM events_log INDEXED BY events_by_correlation"
                " WHERE correlation_id = ?3 AND seq BETWEEN ?1 AND ?2 LIMIT ?4)";
            break;
        case ReadPath::causation:
            sql =
                "SELECT count(*) FROM (SELECT 1 FROM events_log INDEXED BY events_by_causation"
                " WHERE causation_id = ?3 AND seq BETWEEN ?1 AND ?2 LIMIT ?4)";
            break;
        default:
            sql =
                "SELECT count(*) FROM (SELECT 1 FROM events_log INDEXED BY events_by_type"
                " WHERE type = ?3 AND seq BETWEEN ?1 AND ?2 LIMIT ?4)";
            break;
    }
    Statement& statement = lease.statement(sql);
    const ResetGuard guard(statement);
    statement.bind(1, seqs.first).bind(2, seqs.last).bind(3, key).bind(4, most);
    return statement.step() ? statement.unsigned_integer(0) : 0;
}

struct StreamEntry {
    std::uint64_t version;
    std::uint64_t seq;
};

// The stream's first event with a version of at least `version`.
std::optional<StreamEntry> stream_entry(ReaderPool::Lease& lease, std::string_view stream, std::uint64_t version) {
    Statement& statement = lease.statement(
        "SELECT version, seq FROM events_log INDEXED BY events_by_stream WHERE stream = ?1 AND version >= ?2"
        " ORDER BY version LIMIT 1");
    const ResetGuard guard(statement);
    statement.bind(1, stream).bind(2, version);
    if (!statement.step()) return std::nullopt;
    return StreamEntry{statement.unsigned_integer(0), statement.unsigned_integer(1)};
}

// The versions of the stream's events in `seqs`: a binary search, because versions and seqs grow together.
NumberRange versions_of(ReaderPool::Lease& lease, std::string_view stream, NumberRange seqs) {
    const auto first = stream_entry(lease, stream, 0);
    if (!first) return {};
    Statement& newest = lease.statement(
        "SELECT version FROM events_log INDEXED BY events_by_stream WHERE stream = ?1 ORDER BY version DESC LIMIT 1");
    const ResetGuard guard(newest);
    newest.bind(1, stream);
    if (!newest.step()) return {};
    const std::uint64_t past_last = newest.unsigned_integer(0) + 1;
    // The smallest version whose event has at least `seq`.
    const auto version_from = [&](std::uint64_t seq) {
        std::uint64_t low = first->version;
        std::uint64_t high = past_last;
        if (first->seq >= seq) return low;
        while (low < high) {
            const std::uint64_t middle = low + (high - low) / 2;
            const auto entry = stream_entry(lease, stream, middle);
            if (!entry || entry->seq >= seq) {
                high = middle;
            } else {
                low = entry->version + 1;
            }
        }
        return low;
    };
    const std::uint64_t from = version_from(seqs.first);
    const std::uint64_t past = version_from(seqs.last + 1);
    return past > from ? NumberRange{from, past - 1} : NumberRange{};
}

// The types in the log that match; nothing when there are too many to be merged, or to be looked at.
std::optional<std::vector<std::string>> matching_types(ReaderPool::Lease& lease,
                                                       const std::vector<TypePattern>& patterns) {
    std::vector<std::string> matching;
    std::size_t looked_at = 0;
    for (const TypePattern& pattern : patterns) {
        if (pattern.matches_all()) return std::nullopt;
        if (pattern.is_literal()) {
            matching.emplace_back(pattern.literal());
            continue;
        }
        const std::string prefix = literal_prefix(pattern);
        Statement& next = lease.statement(
            "SELECT type FROM events_log INDEXED BY events_by_type WHERE type > ?1 ORDER BY type LIMIT 1");
        Statement& first = lease.statement(
            "SELECT type FROM events_log INDEXED BY events_by_type WHERE type >= ?1 ORDER BY type LIMIT 1");
        std::string last = prefix;
        for (Statement* statement = &first;; statement = &next) {
            const ResetGuard guard(*statement);
            statement->bind(1, std::string_view(last));
            if (!statement->step()) break;
            std::string type(statement->text(0));
            if (!type.starts_with(prefix)) break;
            if (++looked_at > looked_at_types_max) return std::nullopt;
            if (pattern.matches(type)) matching.push_back(type);
            last = std::move(type);
        }
    }
    std::sort(matching.begin(), matching.end());
    matching.erase(std::unique(matching.begin(), matching.end()), matching.end());
    if (matching.size() > merged_types_max) return std::nullopt;
    return matching;
}

// What choosing needs to know of the best way found so far.
struct Choice {
    WindowPlan& plan;
    std::uint64_t entries;      // an index must have fewer than this to be better
    std::uint64_t counted_max;  // more are not counted

    [[nodiscard]] std::uint64_t most() const { return std::min(entries, counted_max); }
    // `found` was counted up to most().
    bool offer(ReadPath path, std::uint64_t found) {
        if (found >= entries) return false;
        entries = found;
        plan.path = found == 0 ? ReadPath::nothing : path;
        return true;
    }
};

void consider_keys(ReaderPool::Lease& lease, const Window& window, Choice& choice) {
    WindowPlan& plan = choice.plan;
    const auto consider = [&](ReadPath path, const std::optional<std::string>& key) {
        if (key && choice.offer(path, count_entries(lease, path, *key, plan.seqs, choice.most()))) plan.key = *key;
    };
    consider(ReadPath::causation, window.causation_id);
    consider(ReadPath::correlation, window.correlation_id);
    if (!window.stream) return;
    const NumberRange versions = versions_of(lease, *window.stream, plan.seqs);
    if (!choice.offer(ReadPath::stream, versions.count())) return;
    plan.key = *window.stream;
    plan.versions = versions;
}

void consider_types(ReaderPool::Lease& lease, const Window& window, Choice& choice) {
    if (window.types.empty() || choice.plan.path == ReadPath::nothing) return;
    auto types = matching_types(lease, window.types);
    if (!types) return;
    std::uint64_t entries = 0;
    for (const std::string& type : *types) {
        if (entries >= choice.most()) break;
        entries += count_entries(lease, ReadPath::types, type, choice.plan.seqs, choice.most() - entries);
    }
    if (choice.offer(ReadPath::types, entries)) choice.plan.types = std::move(*types);
}

// Removes what the chosen way sees to.
void leave_rest(const Window& window, WindowPlan& plan) {
    plan.rest = window;
    Window& rest = plan.rest;
    rest.from_seq.reset();
    rest.to_seq.reset();
    rest.limit.reset();
    rest.reverse = false;
    if (rest.axis == TimeAxis::recorded) {
        rest.from.reset();
        rest.to.reset();
    }
    if (std::any_of(rest.types.begin(), rest.types.end(), [](const auto& pattern) { return pattern.matches_all(); }))
        rest.types.clear();
    if (plan.path == ReadPath::stream) rest.stream.reset();
    if (plan.path == ReadPath::correlation) rest.correlation_id.reset();
    if (plan.path == ReadPath::causation) rest.causation_id.reset();
    if (plan.path == ReadPath::types) rest.types.clear();
    plan.check_rows = rest.from || rest.to || !rest.types.empty() || rest.stream || rest.source ||
                      rest.correlation_id || rest.causation_id || !rest.tags.empty();
}

// The seqs that the window's bounds and its recorded axis leave.
NumberRange seqs_of(ReaderPool::Lease& lease, const Window& window, const Head& head) {
    NumberRange seqs{std::max(window.from_seq.value_or(Sequence{1}), first_kept_seq(lease)).value,
                     std::min(window.to_seq.value_or(head.seq), head.seq).value};
    if (window.axis != TimeAxis::recorded || seqs.empty()) return seqs;
    if (window.from) seqs.first = last_recorded_before(lease, seqs, *window.from).value + 1;
    if (window.to && !seqs.empty()) seqs.last = last_recorded_before(lease, seqs, *window.to).value;
    return seqs;
}

}  // namespace

std::string_view sql_of(ReadPath path, bool reverse) noexcept {
    const PathSql& sql = sql_of(path);
    return reverse ? sql.reverse : sql.forward;
}

WindowPlan plan_window(ReaderPool::Lease& lease, const Window& window, const Head& head) {
    window.validate();
    WindowPlan plan;
    plan.seqs = seqs_of(lease, window, head);
    if (plan.seqs.empty() || window.limit == std::uint64_t{0}) return plan;

    plan.path = ReadPath::scan;
    if (window.axis == TimeAxis::occurred && (window.from || window.to)) {
        plan.path = ReadPath::blocks;
        plan.occurred = {window.from, window.to};
    }
    const bool any_index = window.causation_id || window.correlation_id || window.stream || !window.types.empty();
    if (any_index && plan.seqs.count() > small_range) {
        const std::uint64_t scanned =
            plan.path == ReadPath::blocks ? count_occurred(lease, plan.seqs, plan.occurred) : plan.seqs.count();
        Choice choice{plan, scanned / index_cost, window.limit ? std::min(scanned, counted_with_limit_max) : scanned};
        consider_keys(lease, window, choice);
        consider_types(lease, window, choice);
    }
    leave_rest(window, plan);
    return plan;
}

Sequence first_kept_seq(ReaderPool::Lease& lease) {
    Statement& statement = lease.statement("SELECT seq FROM events_log ORDER BY seq LIMIT 1");
    const ResetGuard guard(statement);
    if (!statement.step()) return Sequence{1};
    return event_row_seq(statement);
}

Sequence last_recorded_before(ReaderPool::Lease& lease, NumberRange seqs, Timestamp time) {
    Statement& statement = lease.statement("SELECT recorded_at FROM events_log WHERE seq = ?1");
    // All seqs below `low` are before `time`, all from `high` on are not.
    std::uint64_t low = seqs.first;
    std::uint64_t high = seqs.last + 1;
    while (low < high) {
        const std::uint64_t middle = low + (high - low) / 2;
        const ResetGuard guard(statement);
        statement.bind(1, middle);
        if (!statement.step())
            throw Error(ErrorCode::corrupt,
                        fmt::format("search the log by time: seq {} is missing between {} and {}: run verify", middle,
                                    seqs.first, seqs.last));
        if (statement.integer(0) < time.ns) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return Sequence{low - 1};
}

std::string literal_prefix(const TypePattern& pattern) {
    const std::string_view text = pattern.text();
    // A backslash may escape what follows: the prefix may end there, it is only a narrowing.
    return std::string(text.substr(0, text.find_first_of("*\\")));
}

}  // namespace daybook
