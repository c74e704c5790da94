// The derived tables, for a log that a test wrote by SQL.
#pragma once

#include <string>

#include <daybook/event/position.hpp>

#include "store/connection.hpp"
#include "store/name_runs.hpp"
#include "store/run_index.hpp"
#include "store/run_layout.hpp"

namespace daybook::test {

/// Writes the complete runs up to `head`, each of so many events.
inline void write_runs(Connection& connection, int run_events, Sequence head) {
    Statement set(connection, "UPDATE store_info SET run_events = ?1");
    set.bind(1, std::int64_t{run_events}).run();
    RunIndex runs(connection);
    runs.catch_up(head);
    Statement layout(connection, layout_sql);
    while (read_layout(layout).complete < head.value / static_cast<std::uint64_t>(run_events)) {
        connection.execute("BEGIN IMMEDIATE");
        runs.write_due();
        connection.execute("COMMIT");
        runs.committed();
    }
}

/// As write_runs(), but of the last complete run only so many rows, as a commit in between leaves it.
inline void write_runs_in_part(Connection& connection, int run_events, Sequence head, int rows_of_last_run) {
    write_runs(connection, run_events, head);
    const std::int64_t last = static_cast<std::int64_t>(head.value) / run_events - 1;
    for (const NameKind kind : name_kinds) {
        const NameSql& sql = sql_of(kind);
        const std::string name(to_string(kind));
        const std::string events = kind == NameKind::stream ? "version" : "events";
        const std::string part = " (SELECT " + name + " FROM " + std::string(sql.runs_table) +
                                 " WHERE run = " + std::to_string(last) + " ORDER BY 1 LIMIT -1 OFFSET " +
                                 std::to_string(rows_of_last_run) + ")";
        const std::string heads(sql.heads_table);
        const std::string runs(sql.runs_table);
        // Back to what the heads said before: from the run that the row names, or nothing.
        connection.execute(("INSERT OR REPLACE INTO " + heads + " SELECT r." + name +
                            ", r.events_before, (SELECT max(seq)" + " FROM events_log AS e WHERE e." + name + " = r." +
                            name + " AND e.seq <= " + std::to_string(last * run_events) + ") FROM " + runs +
                            " AS r WHERE r.run = " + std::to_string(last) + " AND r.previous_run IS NOT NULL AND r." +
                            name + " IN" + part)
                               .c_str());
        connection.execute(("DELETE FROM " + heads + " WHERE " + name + " IN (SELECT " + name + " FROM " + runs +
                            " WHERE run = " + std::to_string(last) + " AND previous_run IS NULL AND " + name + " IN" +
                            part + ")")
                               .c_str());
        connection.execute(
            ("DELETE FROM " + runs + " WHERE run = " + std::to_string(last) + " AND " + name + " IN" + part).c_str());
    }
    connection.execute(("DELETE FROM event_ids WHERE seq > " + std::to_string(last * run_events)).c_str());
    connection.execute(("UPDATE store_info SET indexed_runs = " + std::to_string(last)).c_str());
}

inline void write_block(Connection& connection, std::uint64_t block) {
    Statement put(connection,
                  "INSERT INTO occurred_blocks SELECT ?1, min(occurred_at), max(occurred_at) FROM events_log"
                  " WHERE (seq - 1) / 1024 = ?1");
    put.bind(1, block).run();
}

}  // namespace daybook::test
