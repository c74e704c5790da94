// The derived tables, for a log that a test wrote by SQL.
#pragma once

#include <daybook/event/position.hpp>

#include "store/connection.hpp"
#include "store/name_index.hpp"

namespace daybook::test {

/// Writes the complete runs of streams and types up to `head`, each of so many events.
inline void write_runs(Connection& connection, int run_events, Sequence head) {
    Statement set(connection, "UPDATE store_info SET run_events = ?1");
    set.bind(1, std::int64_t{run_events}).run();
    NameIndex names(connection);
    connection.execute("BEGIN IMMEDIATE");
    names.catch_up(head);
    names.write_due();
    connection.execute("COMMIT");
    names.committed();
}

inline void write_block(Connection& connection, std::uint64_t block) {
    Statement put(connection,
                  "INSERT INTO occurred_blocks SELECT ?1, min(occurred_at), max(occurred_at) FROM events_log"
                  " WHERE (seq - 1) / 1024 = ?1");
    put.bind(1, block).run();
}

}  // namespace daybook::test
