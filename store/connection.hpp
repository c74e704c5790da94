// One SQLite connection with every setting made explicitly, and its prepared statements.
//
// SQLiteCpp opens and closes the database; statements are our own thin layer, because SQLiteCpp 3.2.1 cannot bind a
// string_view with its length, asserts in its destructor when a statement lives on, and rethrows on reset.
#pragma once

#include <SQLiteCpp/Database.h>
#include <sqlite3.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <daybook/event/position.hpp>
#include <daybook/event/timestamp.hpp>

namespace daybook {

class Connection;

/// A prepared statement. Bound text and blobs are NOT copied: they must live until the next reset().
/// Thread-safety: one thread at a time, with its connection.
class Statement {
  public:
    Statement() = default;
    /// `persistent`: kept for the connection's life.
    Statement(Connection& connection, std::string_view sql);
    Statement(Statement&& other) noexcept;
    Statement& operator=(Statement&& other) noexcept;
    ~Statement();

    /// Parameters are counted from 1.
    Statement& bind(int index, std::int64_t value);
    Statement& bind(int index, std::uint64_t value) { return bind(index, static_cast<std::int64_t>(value)); }
    Statement& bind(int index, std::string_view text);
    Statement& bind(int index, const std::optional<std::string>& text);
    Statement& bind(int index, Timestamp time) { return bind(index, time.ns); }
    Statement& bind(int index, const std::optional<Timestamp>& time);
    Statement& bind(int index, Sequence seq) { return bind(index, seq.value); }
    Statement& bind(int index, const Digest& digest);
    Statement& bind_blob(int index, const void* bytes, std::size_t size);
    Statement& bind_null(int index);

    /// True while there is a row. Throws Error.
    bool step();
    /// Steps once to its end, then resets. Throws Error.
    void run();
    /// Ends the statement's read transaction; keeps no binding. Never throws: an error was reported by step().
    void reset() noexcept;

    /// Columns are counted from 0. Text and blobs live until the next step() or reset().
    [[nodiscard]] std::int64_t integer(int column) const;
    [[nodiscard]] std::uint64_t unsigned_integer(int column) const {
        return static_cast<std::uint64_t>(integer(column));
    }
    [[nodiscard]] std::string_view text(int column) const;
    [[nodiscard]] std::string_view blob(int column) const;
    [[nodiscard]] bool is_null(int column) const;
    [[nodiscard]] Digest digest(int column) const;
    [[nodiscard]] std::optional<std::string_view> optional_text(int column) const;

    [[nodiscard]] sqlite3_stmt* handle() const noexcept { return statement_; }

  private:
    void check(int rc) const;
    [[nodiscard]] std::string_view nothing_of(int column) const;
    sqlite3_stmt* statement_ = nullptr;
};

/// Resets a statement when a scope ends, so that no read transaction stays open behind an exception.
class ResetGuard {
  public:
    explicit ResetGuard(Statement& statement) noexcept : statement_(statement) {}
    ~ResetGuard() { statement_.reset(); }
    ResetGuard(const ResetGuard&) = delete;
    ResetGuard& operator=(const ResetGuard&) = delete;

  private:
    Statement& statement_;
};

struct ConnectionOptions {
    bool writable = false;
    bool create = false;
    bool immutable = false;  ///< only when nobody can write and there is no -wal with bytes in it
    bool synchronous_full = true;
    /// Off for the writer of the log: it does nothing that they refuse, and they cost a third of a bulk append. They guard
    /// the file from other programs.
    bool triggers = true;
    int busy_timeout_ms = 0;  ///< SQLite's own waiting; writers wait on the lock file instead
    std::size_t cache_bytes = std::size_t{16} << 20;
    std::size_t value_bytes_max = std::size_t{64} << 20;
    std::string vfs_name{};
};

/// Thread-safety: one thread at a time. Opened NOMUTEX, NOFOLLOW, private cache, no URI, DEFENSIVE, trusted_schema off,
/// no extension loading, no ATTACH, autocheckpoint 0, mmap 0, cache_spill off, checkpoint on close off.
class Connection {
  public:
    Connection(const std::string& path, const ConnectionOptions& options);
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    [[nodiscard]] sqlite3* handle() const noexcept { return database_->getHandle(); }
    /// Runs SQL without results. Throws Error.
    void execute(const char* sql);
    [[nodiscard]] Statement prepare(std::string_view sql) { return Statement(*this, sql); }
    /// The first column of the first row of `sql`; nothing when there is no row.
    [[nodiscard]] std::optional<std::int64_t> query_integer(std::string_view sql);
    [[nodiscard]] std::optional<std::string> query_text(std::string_view sql);
    /// Whether a write transaction is open.
    [[nodiscard]] bool in_transaction() const noexcept { return sqlite3_get_autocommit(handle()) == 0; }
    /// ROLLBACK if still inside; never throws.
    void rollback() noexcept;
    /// Lets the last close checkpoint and delete -wal again (after the mark was compared).
    void allow_checkpoint_on_close(bool allow);

  private:
    void set_up(const ConnectionOptions& options);

    std::optional<SQLite::Database> database_;
};

}  // namespace daybook
