#include "store/run_ids.hpp"

#include <algorithm>
#include <functional>
#include <numeric>

namespace daybook {

namespace {

constexpr std::size_t least_slots = 64;  // a power of two

}  // namespace

std::uint32_t RunIds::hash_of(std::string_view id) noexcept {
    return static_cast<std::uint32_t>(std::hash<std::string_view>{}(id));
}

std::string_view RunIds::id(std::size_t index) const noexcept {
    const std::size_t begin = index == 0 ? 0 : entries_[index - 1].end;
    return std::string_view(texts_).substr(begin, entries_[index].end - begin);
}

std::optional<std::uint64_t> RunIds::find(std::string_view id, std::uint32_t hash) const noexcept {
    if (entries_.empty()) return std::nullopt;
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t slot = hash & mask; slots_[slot] != 0; slot = (slot + 1) & mask) {
        const std::size_t index = slots_[slot] - 1;
        if (entries_[index].hash == hash && this->id(index) == id) return entries_[index].seq;
    }
    return std::nullopt;
}

void RunIds::add(std::string_view id, std::uint64_t seq) {
    make_room(id.size());
    const std::uint32_t hash = hash_of(id);
    texts_ += id;
    entries_.push_back({seq, static_cast<std::uint32_t>(texts_.size()), hash});
    slots_[free_slot(hash)] = static_cast<std::uint32_t>(entries_.size());
}

// The last one's slot is the last that was taken: no other was passed on because of it.
void RunIds::remove_last() noexcept {
    const std::size_t mask = slots_.size() - 1;
    std::size_t slot = entries_.back().hash & mask;
    while (slots_[slot] != entries_.size()) slot = (slot + 1) & mask;
    slots_[slot] = 0;
    entries_.pop_back();
    texts_.resize(entries_.empty() ? 0 : entries_.back().end);
}

std::size_t RunIds::free_slot(std::uint32_t hash) const noexcept {
    const std::size_t mask = slots_.size() - 1;
    std::size_t slot = hash & mask;
    while (slots_[slot] != 0) slot = (slot + 1) & mask;
    return slot;
}

// All that can fail, before anything is changed that would have to be undone.
void RunIds::make_room(std::size_t text_bytes) {
    if (texts_.capacity() - texts_.size() < text_bytes)
        texts_.reserve(std::max(2 * texts_.capacity(), texts_.size() + text_bytes));
    if (entries_.size() == entries_.capacity()) entries_.reserve(std::max(least_slots / 2, 2 * entries_.capacity()));
    if (2 * (entries_.size() + 1) <= slots_.size()) return;
    slots_ = std::vector<std::uint32_t>(std::max(least_slots, 2 * slots_.size()));
    for (std::size_t index = 0; index < entries_.size(); ++index)
        slots_[free_slot(entries_[index].hash)] = static_cast<std::uint32_t>(index + 1);
}

std::vector<std::uint32_t> RunIds::sorted() const {
    std::vector<std::uint32_t> order(entries_.size());
    std::iota(order.begin(), order.end(), std::uint32_t{0});
    const auto before = [this](std::uint32_t a, std::uint32_t b) { return id(a) < id(b); };
    if (!std::is_sorted(order.begin(), order.end(), before)) std::sort(order.begin(), order.end(), before);
    return order;
}

}  // namespace daybook
