#include "store/id_tail.hpp"

#include <functional>

namespace daybook {

std::vector<std::uint64_t> IdTail::candidates(ReaderPool::Lease& lease, const RunLayout& layout, std::string_view id) {
    const std::lock_guard lock(mutex_);
    read_on(lease, layout);
    std::vector<std::uint64_t> seqs;
    const auto [begin, end] = seqs_.equal_range(std::hash<std::string_view>{}(id));
    for (auto found = begin; found != end; ++found) seqs.push_back(found->second);
    return seqs;
}

void IdTail::add(std::uint64_t seq, const Statement& event) {
    seqs_.emplace(std::hash<std::string_view>{}(event.text(1)), seq);
}

}  // namespace daybook
