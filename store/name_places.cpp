#include "store/name_places.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include <daybook/event/error.hpp>

#include "store/name_tail.hpp"

namespace daybook {

namespace {

// A range of fewer runs is looked up run by run, a longer one from the name's head backwards.
constexpr std::uint64_t looked_up_runs_max = 64;

RunLayout layout_of(ReaderPool::Lease& lease) {
    return read_layout(lease.statement(layout_sql));
}

[[noreturn]] void throw_damaged(NameKind kind, std::string_view name, std::uint64_t run, std::string_view fault) {
    throw Error(ErrorCode::corrupt, fmt::format("find the events of {} '{}': {}'s row for run {} {}: run verify",
                                                to_string(kind), name, sql_of(kind).runs_table, run, fault));
}

// The last event of the name that is in a run; 0 when none is.
std::uint64_t last_indexed(ReaderPool::Lease& lease, NameKind kind, std::string_view name) {
    Statement& head = lease.statement(sql_of(kind).find_head);
    const ResetGuard guard(head);
    head.bind(1, name);
    return head.step() ? head.unsigned_integer(1) : 0;
}

struct RunStep {
    std::optional<std::uint64_t> previous;
    std::uint64_t events;
};

std::optional<RunStep> step_through(ReaderPool::Lease& lease, NameKind kind, std::string_view name, std::uint64_t run) {
    Statement& row = lease.statement(sql_of(kind).walk_run);
    const ResetGuard guard(row);
    row.bind(1, run).bind(2, name);
    if (!row.step()) return std::nullopt;
    RunStep step{.previous = {}, .events = count_of_seqs(row.unsigned_integer(2))};
    if (!row.is_null(1)) step.previous = row.unsigned_integer(1);
    if (step.previous && *step.previous >= run)
        throw_damaged(kind, name, run, "names itself or a later one as the one before");
    return step;
}

// Rows of runs that are not complete are passed over: those of other names may not be there yet, and all of their events are
// in the tail. What is found so never changes, however late it is read.
void add_runs(ReaderPool::Lease& lease, NamePlaces& places, std::string_view name, std::uint64_t newest,
              NumberRange runs, std::uint64_t most) {
    const auto add = [&](std::uint64_t run, const RunStep& step) {
        places.runs.push_back(run);
        places.entries += step.events;
    };
    if (newest > runs.last && runs.count() <= looked_up_runs_max) {
        for (std::uint64_t run = runs.first; run <= runs.last; ++run)
            if (const auto step = step_through(lease, places.kind, name, run)) add(run, *step);
        return;
    }
    for (std::optional<std::uint64_t> run = newest; run && *run >= runs.first && places.entries < most;) {
        const auto step = step_through(lease, places.kind, name, *run);
        if (!step) throw_damaged(places.kind, name, *run, "is missing");
        if (*run <= runs.last) add(*run, *step);
        run = step->previous;
    }
}

void collect_tail(ReaderPool::Lease& lease, const RunLayout& layout, NameKind kind, std::string_view name,
                  NumberRange within, std::vector<std::uint64_t>& seqs) {
    if (!within.empty()) lease.name_tail().collect(lease, layout, kind, name, within, seqs);
}

void add_seqs(ReaderPool::Lease& lease, NameKind kind, const RunLayout& layout, std::string_view name,
              std::uint64_t run, std::vector<std::uint64_t>& seqs) {
    Statement& row = lease.statement(sql_of(kind).find_run);
    const ResetGuard guard(row);
    row.bind(1, run).bind(2, name);
    if (row.step() && !read_seqs(row.blob(2), layout, run, seqs))
        throw_damaged(kind, name, run, "does not list ascending seqs of that run");
}

void sort_out(std::vector<std::uint64_t>& numbers) {
    std::sort(numbers.begin(), numbers.end());
    numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
}

}  // namespace

NamePlaces find_places(ReaderPool::Lease& lease, NameKind kind, std::vector<std::string> names, NumberRange seqs,
                       std::uint64_t most) {
    const ReadTransaction transaction(lease);
    NamePlaces places{.kind = kind, .names = std::move(names), .layout = layout_of(lease)};
    if (seqs.empty()) return places;
    const RunLayout& layout = places.layout;
    const std::uint64_t indexed = std::min(seqs.last, layout.indexed_to());
    for (const std::string& name : places.names) {
        const std::uint64_t last = seqs.first <= indexed ? last_indexed(lease, kind, name) : 0;
        if (last > 0)
            add_runs(lease, places, name, layout.run_of(last), {layout.run_of(seqs.first), layout.run_of(indexed)},
                     most);
        collect_tail(lease, layout, kind, name, {std::max(seqs.first, layout.indexed_to() + 1), seqs.last},
                     places.tail);
    }
    places.entries += places.tail.size();
    sort_out(places.runs);
    sort_out(places.tail);
    return places;
}

void read_run(ReaderPool::Lease& lease, const NamePlaces& places, std::uint64_t run, std::vector<std::uint64_t>& seqs) {
    seqs.clear();
    for (const std::string& name : places.names) add_seqs(lease, places.kind, places.layout, name, run, seqs);
    if (places.names.size() > 1) std::sort(seqs.begin(), seqs.end());
}

std::uint64_t last_place(ReaderPool::Lease& lease, NameKind kind, std::string_view name, std::uint64_t at_most) {
    const ReadTransaction transaction(lease);
    const RunLayout layout = layout_of(lease);
    std::vector<std::uint64_t> seqs;
    collect_tail(lease, layout, kind, name, {layout.indexed_to() + 1, at_most}, seqs);
    if (!seqs.empty()) return seqs.back();
    const std::uint64_t indexed = last_indexed(lease, kind, name);
    if (indexed <= std::min(at_most, layout.indexed_to())) return indexed;
    for (std::optional<std::uint64_t> run = layout.run_of(indexed); run;) {
        seqs.clear();
        if (*run < layout.complete && layout.first_seq(*run) <= at_most)
            add_seqs(lease, kind, layout, name, *run, seqs);
        const auto past = std::upper_bound(seqs.begin(), seqs.end(), at_most);
        if (past != seqs.begin()) return *std::prev(past);
        const auto step = step_through(lease, kind, name, *run);
        if (!step) throw_damaged(kind, name, *run, "is missing");
        run = step->previous;
    }
    return 0;
}

std::vector<std::string> names_with_prefix(ReaderPool::Lease& lease, NameKind kind, std::string_view prefix,
                                           std::size_t most) {
    const ReadTransaction transaction(lease);
    const RunLayout layout = layout_of(lease);
    // Each by itself: a name that is in both is one name.
    std::vector<std::string> of_runs;
    std::vector<std::string> of_tail;
    const auto take = [&](std::vector<std::string>& names, std::string_view name) {
        if (!name.starts_with(prefix) || names.size() > most) return false;
        names.emplace_back(name);
        return true;
    };
    Statement& heads = lease.statement(sql_of(kind).list_heads);
    const ResetGuard guard(heads);
    heads.bind(1, prefix);
    while (heads.step() && take(of_runs, heads.text(0))) {
    }
    lease.name_tail().visit_names(lease, layout, kind, prefix,
                                  [&](std::string_view name) { return take(of_tail, name); });
    std::vector<std::string> found;
    std::set_union(of_runs.begin(), of_runs.end(), of_tail.begin(), of_tail.end(), std::back_inserter(found));
    return found;
}

}  // namespace daybook
