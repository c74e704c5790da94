// The peer in every bench row: a loop over SQLite's C API, with the same table, indexes and triggers as the store, the
// same pragmas that decide durability, and nothing else: no checks, no digests, no derived tables.
#pragma once

#include <sqlite3.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace daybook::bench {

class RawSqlite {
  public:
    /// Makes `path` with the schema of the store.
    explicit RawSqlite(const std::filesystem::path& path);
    ~RawSqlite();
    RawSqlite(const RawSqlite&) = delete;
    RawSqlite& operator=(const RawSqlite&) = delete;

    /// Inserts `count` events in one transaction, made durable by its commit.
    void append(std::size_t count, std::string_view payload);
    /// Reads every event by primary key and touches every column; returns the bytes seen.
    [[nodiscard]] std::uint64_t scan();
    /// As scan(), and counts the events of each stream: the fold of the replay row. Returns the events seen.
    [[nodiscard]] std::uint64_t fold();
    [[nodiscard]] std::uint64_t events() const noexcept { return seq_; }

  private:
    void check(int rc) const;
    sqlite3* db_ = nullptr;
    sqlite3_stmt* insert_ = nullptr;
    sqlite3_stmt* select_ = nullptr;
    std::uint64_t seq_ = 0;
};

/// The id and the stream that event `n` has in every bench: 1,000 streams in turn.
[[nodiscard]] std::string bench_id(std::uint64_t n);
[[nodiscard]] std::string bench_stream(std::uint64_t n);

}  // namespace daybook::bench
