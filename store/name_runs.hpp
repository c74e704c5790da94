// The tables stream_runs, stream_heads, type_runs and type_heads: where the events of each stream, and of each type, are.
//
// A B-tree over (stream, seq) costs half of what a bulk append could be, because its inserts scatter. So the log is cut into
// runs of so many seqs, and when a run is complete, one row for each name in it lists its events: rows are written in the
// order of their key, always at the end. Each row names the run before it that has the name, so that a name's events are
// found from its head backwards without a look at other runs. All of it is a function of the log alone.
// See docs/decisions/0009-runs-instead-of-indexes.md.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <daybook/event/position.hpp>

#include "store/run_layout.hpp"

namespace daybook {

/// What events are found by.
enum class NameKind : std::uint8_t { stream, type };
inline constexpr std::array name_kinds{NameKind::stream, NameKind::type};

/// ?1 seq → seq, stream, type of every event after it.
inline constexpr std::string_view named_events_sql =
    "SELECT seq, stream, type FROM events_log WHERE seq > ?1 ORDER BY seq";

struct NameSql {
    std::string_view runs_table;
    std::string_view heads_table;
    std::string find_head;     ///< ?1 name → events, last_seq
    std::string list_heads;    ///< ?1 name → name, events, last_seq; from that name on
    std::string find_run;      ///< ?1 run, ?2 name → events_before, previous_run, seqs
    std::string walk_run;      ///< ?1 run, ?2 name → events_before, previous_run, bytes of seqs
    std::string list_run;      ///< ?1 run → name, events_before, previous_run, seqs
    std::string run_columns;   ///< run, name, events_before, previous_run, seqs
    std::string head_columns;  ///< name, events, last_seq
};
[[nodiscard]] const NameSql& sql_of(NameKind kind);
[[nodiscard]] std::string_view to_string(NameKind kind) noexcept;

/// Adds a seq of the run to the text of a column `seqs`; ascending.
void append_seq(std::string& seqs, const RunLayout& layout, std::uint64_t seq);
/// The last seq of such a text, which is not empty.
[[nodiscard]] std::uint64_t last_seq(std::string_view seqs, const RunLayout& layout, std::uint64_t run) noexcept;
[[nodiscard]] constexpr std::uint64_t count_of_seqs(std::uint64_t bytes) noexcept {
    return bytes / 2;
}
/// Adds the seqs of a column to `to`. False when they are not ascending seqs of that run: damage.
[[nodiscard]] bool read_seqs(std::string_view seqs, const RunLayout& layout, std::uint64_t run,
                             std::vector<std::uint64_t>& to);

}  // namespace daybook
