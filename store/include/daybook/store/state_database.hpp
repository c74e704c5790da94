// The database that a SQL projection fills: a SQLite database of its own, in memory or a file, never the log.
//
// It runs the statements of a projection with the fields of one event bound, lets them reach nothing but
// itself, and makes "now" the event's recorded_at. What the statements are and which events they get is
// replay/'s business.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <daybook/event/clock.hpp>
#include <daybook/event/event.hpp>
#include <daybook/event/file_system.hpp>
#include <daybook/event/position.hpp>
#include <daybook/event/timestamp.hpp>
#include <daybook/store/sql_console.hpp>

namespace daybook {

struct StateDatabaseOptions {
    std::size_t cache_bytes = std::size_t{64} << 20;  ///< page cache. Default: 64 MiB; 1 MiB..1 GiB
    std::size_t value_bytes_max = std::size_t{64}
                                  << 20;            ///< of one value or row. Default: 64 MiB; 1 KiB..1,000,000,000
    std::chrono::milliseconds busy_timeout{5'000};  ///< waiting for another user of a state file. Default: 5 s
    bool read_only = false;                         ///< open() only: nothing can be applied. Default: false

    // Seams for tests. Empty = the machine's own.
    std::string vfs_name{};
    std::shared_ptr<FileSystem> files{};
    std::shared_ptr<Clock> clock{};  ///< for time limits only: it never reaches a statement
};

/// Whose state it is. A fold goes on in an existing state only if all of this is the same.
struct StateIdentity {
    std::string projection;
    std::string version;
    Digest source_hash;
    std::string window;  ///< the window's options as text, without those that may move forward
    bool operator==(const StateIdentity&) const = default;
};

/// How far a state has got. Written in the same transaction as the state.
struct StateProgress {
    Position position;                       ///< every event up to here was applied, or was outside the window
    std::uint64_t events = 0;                ///< applied, from the beginning
    std::optional<Timestamp> occurred_to{};  ///< events at or after it, on the occurred axis, were left out
    bool operator==(const StateProgress&) const = default;
};

/// A piece of a projection's file: one or more statements.
struct SqlScript {
    std::string sql;
    std::string file;            ///< for messages
    std::size_t first_line = 1;  ///< of `sql` in the file, from 1
};

/// What is at a path that a state should go to.
enum class StateFileKind : std::uint8_t {
    missing,
    state,  ///< a state database
    log,    ///< a daybook: never overwritten
    other   ///< an empty file, another program's file, a directory
};

/// Rows of a query on a state. Thread-safety: one thread at a time. Must not outlive its StateDatabase, and
/// ends before anything is applied to it.
class StateRows {
  public:
    struct Impl;
    explicit StateRows(std::unique_ptr<Impl> impl) noexcept;
    StateRows(StateRows&&) noexcept;
    StateRows& operator=(StateRows&&) noexcept;
    ~StateRows();

    [[nodiscard]] const std::vector<std::string>& columns() const noexcept;
    /// The next row, or null at the end. Lives until the next call.
    /// Throws Error: time_limit, cancelled, invalid_sql (an error while running), corrupt.
    [[nodiscard]] const std::vector<SqlValue>* next();

  private:
    std::unique_ptr<Impl> impl_;
};

/// Rules for statements: docs/internals/state_database.md. In short: no ATTACH, PRAGMA, transactions,
/// temporary or virtual tables; no random(), randomblob(), changes(), total_changes(), last_insert_rowid(),
/// `localtime` and `utc` modifiers; not the bookkeeping table daybook_state.
///
/// Not in WAL mode: a rollback journal, FULL sync, no savepoints, no cache spill.
/// Thread-safety: one thread at a time, but interrupt() from any.
class StateDatabase {
  public:
    [[nodiscard]] static StateDatabase in_memory(StateDatabaseOptions options = {});
    /// A new file. Throws Error: target_exists - there is something at `path`; permission_denied, io_error.
    [[nodiscard]] static StateDatabase create(const std::filesystem::path& path, StateDatabaseOptions options = {});
    /// An existing state file. Throws Error: no_such_file; target_exists - it is something else; busy,
    /// corrupt.
    [[nodiscard]] static StateDatabase open(const std::filesystem::path& path, StateDatabaseOptions options = {});
    /// Looks at `path` without changing it. Throws Error: permission_denied, io_error.
    [[nodiscard]] static StateFileKind inspect(const std::filesystem::path& path,
                                               const StateDatabaseOptions& options = {});

    StateDatabase(StateDatabase&&) noexcept;
    StateDatabase& operator=(StateDatabase&&) noexcept;
    ~StateDatabase();

    // Filling ---------------------------------------------------------------------------------------------

    /// Makes the bookkeeping and runs the `@init` scripts, in one transaction. `start`: the position before
    /// the first event. Throws Error: invalid_projection - names file, line and statement; nothing is left
    /// behind.
    void initialise(const StateIdentity& identity, const Position& start, const std::vector<SqlScript>& init);
    /// Prepares all statements of `script` and returns the number to give to apply().
    /// Throws Error: invalid_projection - it does not parse, uses what is refused, or a parameter that no
    /// event has.
    [[nodiscard]] std::size_t prepare(const SqlScript& script);

    /// While a statement runs, `asked` is polled (about once a millisecond); true makes it fail with `cancelled`.
    void interrupt_when(std::function<bool()> asked);

    /// Opens a transaction. Throws Error: busy - also when another process has moved this state; read_only, io_error.
    void begin();
    /// Runs the statements of `script`, in order, for `event`, inside the transaction.
    /// Throws Error: invalid_projection - names file, line, statement and event; the transaction must be
    /// rolled back.
    void apply(std::size_t script, const EventView& event);
    /// Writes `progress` and commits both. Throws Error: disk_full, io_error, busy; the transaction is rolled
    /// back.
    void commit(const StateProgress& progress);
    void rollback() noexcept;

    /// Empty before initialise().
    [[nodiscard]] const std::optional<StateIdentity>& identity() const noexcept;
    /// As last committed.
    [[nodiscard]] const StateProgress& progress() const noexcept;

    // Reading ---------------------------------------------------------------------------------------------

    /// Begins one read-only statement. `parameters` are bound to :NAME (given without the colon).
    /// Throws Error: invalid_sql - not one statement, it does not parse, it would write, a parameter missing
    /// or unknown.
    [[nodiscard]] StateRows query(std::string_view sql, const std::map<std::string, SqlValue>& parameters = {},
                                  std::chrono::milliseconds time_limit = std::chrono::milliseconds{30'000});
    /// The projection's tables, by name.
    [[nodiscard]] std::vector<std::string> tables();
    /// All rows of one table, by its primary key (or rowid). Throws Error: not_found.
    [[nodiscard]] StateRows table_rows(std::string_view table);

    // Copies ----------------------------------------------------------------------------------------------

    /// The whole database, bookkeeping included, as bytes. Not inside a transaction.
    [[nodiscard]] std::string serialize();
    /// Replaces the whole content by what serialize() gave; statements must be prepared after it.
    /// Throws Error: corrupt - these bytes are not a state database.
    void deserialize(std::string_view bytes);

    /// Empty for one in memory.
    [[nodiscard]] const std::filesystem::path& path() const noexcept;
    /// Makes a running statement fail with `cancelled`.
    void interrupt() noexcept;

  private:
    struct Impl;
    friend class StateRows;
    explicit StateDatabase(std::unique_ptr<Impl> impl) noexcept;
    std::unique_ptr<Impl> impl_;
};

}  // namespace daybook
