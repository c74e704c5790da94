// The table event_ids: where the event with an id is. It has the ids of the complete runs; the end of the log is looked
// through besides (docs/internals/runs.md).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <daybook/event/position.hpp>
#include <daybook/event/uuid.hpp>

#include "store/reader_pool.hpp"

namespace daybook {

/// An id as the table keeps it: half as long when it is a UUID, so that more of them share a page.
class IdKey {
  public:
    /// `id` must live as long.
    explicit IdKey(std::string_view id) noexcept;
    /// Must live until the statement was stepped.
    void bind(Statement& statement, int index) const;
    [[nodiscard]] bool is_uuid() const noexcept { return uuid_.has_value(); }
    /// The id that a column of the table stands for. Throws Error: corrupt - no id is kept so.
    [[nodiscard]] static std::string id_in(const Statement& row, int column);

  private:
    std::string_view text_;
    std::optional<Uuid> uuid_;
};

/// ?1 key → seq
inline constexpr std::string_view find_id_sql = "SELECT seq FROM event_ids WHERE id = ?1";
/// ?1 seq, ?2 id → a row if that event has it.
inline constexpr std::string_view compare_id_sql = "SELECT 1 FROM events_log WHERE seq = ?1 AND event_id = ?2";
/// → the keys of the last UUID and of the last other id, or NULL
inline constexpr std::string_view last_ids_sql =
    "SELECT (SELECT max(id) FROM event_ids WHERE id >= x''), (SELECT max(id) FROM event_ids WHERE id < x'')";
/// Whoever is about to write the row has seen that there is none.
inline constexpr std::string_view put_ids_sql = "INSERT OR FAIL INTO event_ids";

/// Of the event with that id. Begins and ends a read transaction.
/// Throws Error: corrupt - the table leads to an event with another id.
[[nodiscard]] std::optional<Sequence> find_id(ReaderPool::Lease& lease, std::string_view id);

/// Whether that event has it, by compare_id_sql.
[[nodiscard]] bool has_id(Statement& compare_id, Sequence seq, std::string_view id);
/// What is to be said when it has not, and the table says so.
[[noreturn]] void throw_wrong_id(std::string_view id, Sequence seq);

}  // namespace daybook
