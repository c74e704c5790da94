// What stands beside most rows: a loop over SQLite's C API with prepared statements and the pragmas that decide durability,
// and nothing else: no checks, no digests, no derived tables.
#pragma once

#include <sqlite3.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "bench/setting.hpp"

namespace daybook::bench {

enum class RawSchema : std::uint8_t {
    ours,        ///< tables, indexes and triggers of the store, and a unique index of ids in the place of its runs
    index_free,  ///< the columns of events_log and nothing else
};

class RawSqlite {
  public:
    RawSqlite(const std::filesystem::path& path, RawSchema schema, std::uint64_t streams = 1000);
    /// Opens a log that is there, to read it; of the store's or of another RawSqlite.
    static RawSqlite reading(const std::filesystem::path& path);
    /// Opens one that is there, to write beside other processes.
    static RawSqlite writing(const std::filesystem::path& path);
    static RawSqlite in_memory();
    ~RawSqlite();
    RawSqlite(RawSqlite&& other) noexcept;
    RawSqlite& operator=(RawSqlite&&) = delete;

    /// Inserts `count` events in one transaction, made durable by its commit.
    void append(std::size_t count);
    /// The same in pieces, which all must come from one thread at a time.
    void begin() const { execute("BEGIN IMMEDIATE"); }
    void insert_next();
    void commit() const { execute("COMMIT"); }
    /// One event in one transaction, behind what other processes have inserted; its id begins with `prefix`.
    void append_after_others(const std::string& prefix);
    /// Reads every event by primary key and touches every column; returns the bytes seen.
    [[nodiscard]] std::uint64_t scan();
    [[nodiscard]] std::uint64_t events();
    [[nodiscard]] sqlite3* handle() const noexcept { return db_; }
    void execute(const char* sql) const;
    void check(int rc) const;

  private:
    RawSqlite() = default;
    void prepare_insert();
    void insert(std::string_view id, std::uint64_t stream_number);

    sqlite3* db_ = nullptr;
    sqlite3_stmt* insert_ = nullptr;
    std::uint64_t seq_ = 0;
    StreamNames names_{1};
    std::vector<std::uint64_t> versions_;
};

/// A prepared statement of a loop by hand.
class RawStatement {
  public:
    RawStatement(const RawSqlite& raw, const char* sql);
    ~RawStatement() { sqlite3_finalize(statement_); }
    RawStatement(const RawStatement&) = delete;
    RawStatement& operator=(const RawStatement&) = delete;

    [[nodiscard]] sqlite3_stmt* handle() const noexcept { return statement_; }
    [[nodiscard]] bool step();
    void reset() { sqlite3_reset(statement_); }
    void bind(int index, std::string_view text);
    void bind(int index, std::uint64_t number);
    [[nodiscard]] std::string_view text(int column) const;
    [[nodiscard]] std::uint64_t number(int column) const;
    /// Touches every column of the row; returns their bytes.
    [[nodiscard]] std::uint64_t touch() const;

  private:
    const RawSqlite& raw_;
    sqlite3_stmt* statement_ = nullptr;
};

}  // namespace daybook::bench
