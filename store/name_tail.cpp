#include "store/name_tail.hpp"

#include <algorithm>

namespace daybook {

namespace {

// What is in runs by now is let go when there is so much of it: then what is left is read again.
constexpr std::uint64_t runs_kept_max = 4;

}  // namespace

void NameTail::collect(ReaderPool::Lease& lease, const RunLayout& layout, NameKind kind, std::string_view name,
                       NumberRange within, std::vector<std::uint64_t>& seqs) {
    const std::lock_guard lock(mutex_);
    read_on(lease, layout);
    const Places& places = places_[static_cast<std::size_t>(kind)];
    const auto found = places.find(name);
    if (found == places.end()) return;
    const std::vector<std::uint64_t>& all = found->second;
    seqs.insert(seqs.end(), std::lower_bound(all.begin(), all.end(), within.first),
                std::upper_bound(all.begin(), all.end(), within.last));
}

void NameTail::visit_names(ReaderPool::Lease& lease, const RunLayout& layout, NameKind kind, std::string_view first,
                           const std::function<bool(std::string_view)>& visit) {
    const std::lock_guard lock(mutex_);
    read_on(lease, layout);
    const Places& places = places_[static_cast<std::size_t>(kind)];
    for (auto place = places.lower_bound(first); place != places.end(); ++place)
        if (!visit(place->first)) return;
}

void NameTail::read_on(ReaderPool::Lease& lease, const RunLayout& layout) {
    const bool has_gap = layout.indexed_to() < after_ || layout.indexed_to() > last_;
    if (has_gap || layout.indexed_to() - after_ > runs_kept_max * layout.run_events) start_over(layout.indexed_to());
    Statement& events = lease.statement(named_events_sql);
    const ResetGuard guard(events);
    events.bind(1, last_);
    try {
        while (events.step()) {
            const std::uint64_t seq = events.unsigned_integer(0);
            add(NameKind::stream, events.text(1), seq);
            add(NameKind::type, events.text(2), seq);
            last_ = seq;
        }
    } catch (...) {  // perhaps with an event's stream but not its type
        start_over(layout.indexed_to());
        throw;
    }
}

void NameTail::add(NameKind kind, std::string_view name, std::uint64_t seq) {
    Places& places = places_[static_cast<std::size_t>(kind)];
    auto place = places.find(name);
    if (place == places.end()) place = places.emplace(std::string(name), std::vector<std::uint64_t>()).first;
    place->second.push_back(seq);
}

void NameTail::start_over(std::uint64_t after) {
    for (Places& places : places_) places.clear();
    after_ = after;
    last_ = after;
}

}  // namespace daybook
