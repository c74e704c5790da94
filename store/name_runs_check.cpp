#include "store/name_runs_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include <daybook/event/error.hpp>

namespace daybook {

NameRunsCheck::NameRunsCheck(Verification& verification, const std::optional<RunLayout>& layout)
    : verification_(verification), tables_can_be_read_(layout.has_value()), layout_(layout.value_or(RunLayout{})) {}

template <typename Part>
void NameRunsCheck::compare(Part part) {
    if (!tables_can_be_read_) return;
    try {
        part();
    } catch (const Error& error) {
        if (error.code() != ErrorCode::corrupt)
            throw;  // an error of the disk, or no memory, says nothing of the tables
        tables_can_be_read_ = false;
        verification_.problem(
            "derived_stream_runs", std::nullopt,
            fmt::format("what derived tables say of streams and types cannot be read: {}", error.what()));
    }
}

void NameRunsCheck::problem(std::string_view table, std::optional<std::uint64_t> seq, std::string_view message) {
    verification_.problem(fmt::format("derived_{}", table), seq, fmt::format("{} {}", table, message));
}

void NameRunsCheck::add(std::uint64_t seq, std::string_view stream, std::uint64_t version, std::string_view type) {
    if (const std::uint64_t run = layout_.run_of(seq); !run_ || run != *run_) compare([&] { begin_run(run); });
    last_seq_ = seq;
    const Entry& entry = put(NameKind::stream, stream, seq);
    if (version != entry.events)
        verification_.problem("stream_version_gap", seq,
                              fmt::format("event {} has version {} of stream '{}', after {} earlier events of it", seq,
                                          version, stream, entry.events - 1));
    put(NameKind::type, type, seq);
}

NameRunsCheck::Entry& NameRunsCheck::put(NameKind kind, std::string_view name, std::uint64_t seq) {
    Names& names = names_[static_cast<std::size_t>(kind)];
    auto found = names.known.find(name);
    if (found == names.known.end()) found = names.known.try_emplace(std::string(name)).first;
    Entry& entry = found->second;
    ++entry.events;
    if (!tables_can_be_read_) return entry;
    if (entry.seqs.empty()) names.in_run.push_back(&*found);
    append_seq(entry.seqs, layout_, seq);
    return entry;
}

void NameRunsCheck::begin_run(std::uint64_t run) {
    const std::uint64_t first_unseen = run_ ? *run_ + 1 : 0;
    if (run_) end_run();
    if (run > first_unseen)
        for (const NameKind kind : name_kinds) require_no_rows(kind, first_unseen, run - 1);
    run_ = run;
}

void NameRunsCheck::end_run() {
    const bool is_complete = last_seq_ == layout_.last_seq(*run_) || *run_ < layout_.complete;
    const Rows rows = *run_ < layout_.complete                   ? Rows::all
                      : is_complete && *run_ == layout_.complete ? Rows::some
                                                                 : Rows::none;
    for (const NameKind kind : name_kinds) compare_run(kind, rows);
}

void NameRunsCheck::compare_run(NameKind kind, Rows rows) {
    const std::string_view table = sql_of(kind).runs_table;
    Names& names = names_[static_cast<std::size_t>(kind)];
    std::sort(names.in_run.begin(), names.in_run.end(),
              [](const Named* a, const Named* b) { return a->first < b->first; });
    const auto settle = [&](Named& named, bool in_table) {
        Entry& entry = named.second;
        if (!in_table && rows == Rows::all)
            problem(table, layout_.first_seq(*run_), fmt::format("has no row for '{}' in run {}", named.first, *run_));
        if (in_table || rows == Rows::all) {
            entry.head_events = entry.events;
            entry.head_seq = last_seq(entry.seqs, layout_, *run_);
        }
        entry.events_before_run = entry.events;
        entry.previous_run = run_;
        entry.seqs.clear();
    };
    Statement kept(verification_.connection(), sql_of(kind).list_run);
    kept.bind(1, *run_);
    auto next = names.in_run.begin();
    while (kept.step()) {
        const std::string_view name = kept.text(0);
        for (; next != names.in_run.end() && (*next)->first < name; ++next) settle(**next, false);
        const bool is_ours = rows != Rows::none && next != names.in_run.end() && (*next)->first == name;
        if (!is_ours) {
            problem(table, std::nullopt, fmt::format("has a row for '{}' in run {}, where none belongs", name, *run_));
            continue;
        }
        compare_row(kind, kept, **next);
        settle(**next, true);
        ++next;
    }
    for (; next != names.in_run.end(); ++next) settle(**next, false);
    names.in_run.clear();
}

void NameRunsCheck::compare_row(NameKind kind, const Statement& row, const Named& named) {
    const Entry& entry = named.second;
    const std::optional<std::uint64_t> previous =
        row.is_null(2) ? std::nullopt : std::optional(row.unsigned_integer(2));
    if (row.unsigned_integer(1) == entry.events_before_run && previous == entry.previous_run &&
        row.blob(3) == entry.seqs)
        return;
    problem(sql_of(kind).runs_table, layout_.first_seq(*run_),
            fmt::format(
                "says of '{}' in run {}: {} events before it, the last in run {}, {} in it; the log has {}, the "
                "last in run {}, and {}",
                named.first, *run_, row.integer(1), previous ? fmt::to_string(*previous) : "none",
                count_of_seqs(row.blob(3).size()), entry.events_before_run,
                entry.previous_run ? fmt::to_string(*entry.previous_run) : "none", count_of_seqs(entry.seqs.size())));
}

void NameRunsCheck::require_no_rows(NameKind kind, std::uint64_t first_run, std::uint64_t last_run) {
    Statement rows(
        verification_.connection(),
        fmt::format("SELECT count(*), min(run) FROM {} WHERE run BETWEEN ?1 AND ?2", sql_of(kind).runs_table));
    rows.bind(1, first_run).bind(2, last_run);
    if (rows.step() && rows.integer(0) > 0)
        problem(sql_of(kind).runs_table, std::nullopt,
                fmt::format("has {} rows of run {} or later, of which the log has no event", rows.integer(0),
                            rows.integer(1)));
}

void NameRunsCheck::compare_heads(NameKind kind) {
    const std::string_view table = sql_of(kind).heads_table;
    Names& names = names_[static_cast<std::size_t>(kind)];
    std::vector<const Named*> expected;
    for (const Named& named : names.known)
        if (named.second.head_events > 0) expected.push_back(&named);
    std::sort(expected.begin(), expected.end(), [](const Named* a, const Named* b) { return a->first < b->first; });
    const auto lacks = [&](const Named& named) {
        problem(table, named.second.head_seq,
                fmt::format("lacks '{}', which has {} events in the runs, the last of them event {}", named.first,
                            named.second.head_events, named.second.head_seq));
    };
    Statement kept(verification_.connection(), sql_of(kind).list_heads);
    kept.bind(1, std::string_view());
    auto next = expected.begin();
    while (kept.step()) {
        const std::string_view name = kept.text(0);
        for (; next != expected.end() && (*next)->first < name; ++next) lacks(**next);
        if (next == expected.end() || (*next)->first != name) {
            problem(table, std::nullopt,
                    fmt::format("has '{}' with {} events, of which the runs have none", name, kept.integer(1)));
            continue;
        }
        const Entry& entry = (*next)->second;
        if (kept.unsigned_integer(1) != entry.head_events || kept.unsigned_integer(2) != entry.head_seq)
            problem(
                table, entry.head_seq,
                fmt::format("says that '{}' has {} events, the last of them event {}; the runs have {}, the last of "
                            "them event {}",
                            name, kept.integer(1), kept.integer(2), entry.head_events, entry.head_seq));
        ++next;
    }
    for (; next != expected.end(); ++next) lacks(**next);
}

void NameRunsCheck::finish() {
    compare([this] { compare_rest(); });
}

void NameRunsCheck::compare_rest() {
    const std::uint64_t first_unseen = run_ ? *run_ + 1 : 0;
    if (run_) end_run();
    if (layout_.indexed_to() > last_seq_)
        verification_.problem(
            "derived_stream_runs", last_seq_,
            fmt::format("store_info says that {} runs are complete, up to event {}; the log ends at {}",
                        layout_.complete, layout_.indexed_to(), last_seq_));
    for (const NameKind kind : name_kinds) {
        require_no_rows(kind, first_unseen, INT64_MAX);
        compare_heads(kind);
    }
}

}  // namespace daybook
