// The ids of one run's events, in memory, and where each is.
//
// A hash table of its own because a writer adds every id to it and looks for every id in it, and lets a whole run go at once:
// a map of strings took a tenth of a bulk append.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace daybook {

/// Thread-safety: one thread at a time.
class RunIds {
  public:
    explicit RunIds(std::uint64_t run) noexcept : run_(run) {}

    [[nodiscard]] std::uint64_t run() const noexcept { return run_; }
    [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
    /// In the order in which they were added.
    [[nodiscard]] std::string_view id(std::size_t index) const noexcept;
    [[nodiscard]] std::uint64_t seq(std::size_t index) const noexcept { return entries_[index].seq; }

    [[nodiscard]] static std::uint32_t hash_of(std::string_view id) noexcept;
    /// The seq of the event that has it.
    [[nodiscard]] std::optional<std::uint64_t> find(std::string_view id, std::uint32_t hash) const noexcept;
    /// `id` is not in it. Either adds it or, without memory, throws and does not.
    void add(std::string_view id, std::uint64_t seq);
    /// Takes back the last that was added.
    void remove_last() noexcept;
    /// Their indexes, in the order of the ids.
    [[nodiscard]] std::vector<std::uint32_t> sorted() const;

  private:
    struct Entry {
        std::uint64_t seq;
        std::uint32_t end;  // of its text
        std::uint32_t hash;
    };

    [[nodiscard]] std::size_t free_slot(std::uint32_t hash) const noexcept;
    void make_room(std::size_t text_bytes);

    std::uint64_t run_;
    std::string texts_;  // one behind the other
    std::vector<Entry> entries_;
    std::vector<std::uint32_t> slots_;  // by hash: 0, or 1 + the index of an entry; the next free one when it is taken
};

}  // namespace daybook
