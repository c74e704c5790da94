// The statements of one piece of a projection's file: split by SQLite's own rules, bound to the fields of an event, and
// run with messages that name file, line, statement and event.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <daybook/event/event.hpp>
#include <daybook/store/state_database.hpp>

#include "store/state_connection.hpp"

namespace daybook {

/// The fields of an event that a statement can name, in the order of event_parameter_names().
enum class EventField : std::uint8_t {
    seq,
    id,
    type,
    event_version,
    stream,
    version,
    source,
    correlation_id,
    causation_id,
    occurred_at,
    recorded_at,
    tags,
    payload,
    metadata
};

/// Thread-safety: one thread at a time. Must not outlive its connection.
class StateScript {
  public:
    /// Prepares every statement. Throws Error: invalid_projection.
    [[nodiscard]] static StateScript prepare(StateConnection& connection, const SqlScript& script);
    /// Prepares and runs one statement after the other, without an event: each may need what the one before made.
    /// Throws Error: invalid_projection.
    static void run_init(StateConnection& connection, const SqlScript& script);

    /// Runs all statements for `event`. Throws Error: invalid_projection, cancelled, ….
    void run(StateConnection& connection, const EventView& event);

  private:
    struct Binding {
        int index = 0;
        EventField field = EventField::seq;
    };
    struct Item {
        StatementHandle statement;
        std::vector<Binding> bindings;
        std::string where;  // file:line, statement number and its beginning, for messages
    };
    struct Reader;
    std::vector<Item> items_;
};

/// The offset of the first byte of `sql` that is neither white space nor in a comment.
[[nodiscard]] std::size_t skip_blank_sql(std::string_view sql) noexcept;

}  // namespace daybook
