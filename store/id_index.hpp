// The writer's side of the table event_ids: whether an id is in the log, for the ids in the table and for those behind it.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <daybook/event/position.hpp>

#include "store/batch_insert.hpp"
#include "store/connection.hpp"
#include "store/run_ids.hpp"

namespace daybook {

/// Holds the ids of every event behind the last complete run, with what the open transaction has added: RunIndex says which.
/// Thread-safety: one thread at a time, with its connection.
class IdIndex {
  public:
    explicit IdIndex(Connection& connection);

    /// Nothing is behind the table. Throws Error.
    void start_over();
    /// The event with that id. Throws Error: corrupt - the table leads to an event with another.
    [[nodiscard]] std::optional<Sequence> find(std::string_view id);
    /// The same, if it is behind the table.
    [[nodiscard]] std::optional<Sequence> find_recent(std::string_view id) const noexcept;
    /// `id` is that of no event; runs never decrease.
    void add(std::string_view id, std::uint64_t seq, std::uint64_t run);
    void take_back_last() noexcept;

    /// The run has all of its events: the order in which its ids are to be written.
    [[nodiscard]] std::vector<std::uint32_t> complete(std::uint64_t run);
    [[nodiscard]] bool is_written(std::uint64_t run, std::uint32_t index);
    /// `order`: of complete().
    void write(std::uint64_t run, std::span<const std::uint32_t> order);
    /// The run's ids are in the table.
    void drop(std::uint64_t run) noexcept;

  private:
    [[nodiscard]] const RunIds* ids_of(std::uint64_t run) const noexcept;

    Statement read_id_, compare_id_, read_last_ids_;
    BatchInsert put_id_;
    std::deque<RunIds> runs_;    // ascending; those that have an event
    std::string last_id_;        // no id of any event comes after it …
    std::string last_old_uuid_;  // … of those in complete runs that are kept as UUIDs, none after this one …
    std::string last_old_text_;  // … and of the others none after this one
};

}  // namespace daybook
