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
    static const PathSql one = make_sql("NOT INDEXED", "seq = ?1", "seq");
    static const PathSql correlation =
        make_sql("INDEXED BY events_by_correlation", "correlation_id = ?3 AND seq BETWEEN ?1 AND ?2", "seq");
    static const PathSql causation =
        make_sql("INDEXED BY events_by_causation", "causation_id = ?3 AND seq BETWEEN ?1 AND ?2", "seq");
    static const PathSql none{};
    switch (path) {
        case ReadPath::nothing:
            return none;
        case ReadPath::scan:
        case ReadPath::blocks:
            return scan;
        case ReadPath::correlation:
            return correlation;
        case ReadPath::causation:
            return causation;
        case ReadPath::stream:
        case ReadPath::types:
            return one;
    }
    return none;
}

// How many index entries there are, at most `most`.
std::uint64_t count_entries(ReaderPool::Lease& lease, ReadPath path, std::string_view key, NumberRange seqs,
                            std::uint64_t most) {
    Statement& statement =
        lease.statement(path == ReadPath::correlation
                            ? "SELECT count(*) FROM (SELECT 1 FROM events_log INDEXED BY events_by_correlation"
                              " WHERE correlation_id = ?3 AND seq BETWEEN ?1 AND ?2 LIMIT ?4)"
                            : "SELECT count(*) FROM (SELECT 1 FROM events_log INDEXED BY events_by_causation"
                              " WHERE causation_id = ?3 AND seq BETWEEN ?1 AND ?2 LIMIT ?4)");
    const ResetGuard guard(statement);
    statement.bind(1, seqs.first).bind(2, seqs.last).bind(3, key).bind(4, most);
    return statement.step() ? statement.unsigned_integer(0) : 0;
}

// The types in the log that match; nothing when there are too many to be merged, or to be looked at.
std::optional<std::vector<std::string>> matching_types(ReaderPool::Lease& lease,
                                                       const std::vector<TypePattern>& patterns) {
    std::vector<std::string> matching;
    for (const TypePattern& pattern : patterns) {
        if (pattern.matches_all()) return std::nullopt;
        if (pattern.is_literal()) {
            matching.emplace_back(pattern.literal());
            continue;
        }
        std::vector<std::string> types =
            names_with_prefix(lease, NameKind::type, literal_prefix(pattern), looked_at_types_max);
        if (types.size() > looked_at_types_max) return std::nullopt;
        for (std::string& type : types)
            if (pattern.matches(type)) matching.push_back(std::move(type));
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
    if (!window.stream || plan.path == ReadPath::nothing) return;
    NamePlaces places = find_places(lease, NameKind::stream, {*window.stream}, plan.seqs, choice.entries);
    if (choice.offer(ReadPath::stream, places.entries)) plan.places = std::move(places);
}

void consider_types(ReaderPool::Lease& lease, const Window& window, Choice& choice) {
    if (window.types.empty() || choice.plan.path == ReadPath::nothing) return;
    auto types = matching_types(lease, window.types);
    if (!types) return;
    NamePlaces places = find_places(lease, NameKind::type, std::move(*types), choice.plan.seqs, choice.entries);
    if (choice.offer(ReadPath::types, places.entries)) choice.plan.places = std::move(places);
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

std::string_view sql_of_many(bool reverse) noexcept {
    static const PathSql sql = [] {
        std::string list = "?1";
        for (std::size_t number = 2; number <= seqs_at_once; ++number) list += fmt::format(", ?{}", number);
        return make_sql("NOT INDEXED", fmt::format("seq IN ({})", list), "seq");
    }();
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
