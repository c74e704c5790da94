#include "store/name_tail.hpp"

#include <algorithm>

namespace daybook {

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

void NameTail::add(std::uint64_t seq, const Statement& event) {
    put(NameKind::stream, event.text(1), seq);
    put(NameKind::type, event.text(2), seq);
}

void NameTail::put(NameKind kind, std::string_view name, std::uint64_t seq) {
    Places& places = places_[static_cast<std::size_t>(kind)];
    auto place = places.find(name);
    if (place == places.end()) place = places.emplace(std::string(name), std::vector<std::uint64_t>()).first;
    place->second.push_back(seq);
}

void NameTail::clear() noexcept {
    for (Places& places : places_) places.clear();
}

}  // namespace daybook
