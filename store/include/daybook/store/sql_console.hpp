// History asked in SQL: one read-only statement at a time, on a connection that can do nothing else.
// Rules: docs/internals/console.md.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <daybook/store/store_options.hpp>

namespace daybook {

/// A cell: NULL, INTEGER, REAL, TEXT, BLOB.
struct SqlBlob {
    std::string bytes;
    bool operator==(const SqlBlob&) const = default;
};
using SqlValue = std::variant<std::monostate, std::int64_t, double, std::string, SqlBlob>;

struct SqlConsoleOptions {
    StoreOptions store{.access = Access::read};
    std::chrono::milliseconds time_limit{30'000};         ///< of one statement, all its rows and the
                                                          ///< caller's time between them. Default: 30 s
    std::size_t value_bytes_max = std::size_t{16} << 20;  ///< of one value. Default: 16 MiB; 64 KiB..1 GB
};

/// Thread-safety: one thread at a time, but interrupt() from any.
class SqlConsole {
  public:
    explicit SqlConsole(const std::filesystem::path& path, SqlConsoleOptions options = {});
    SqlConsole(SqlConsole&&) noexcept;
    SqlConsole& operator=(SqlConsole&&) noexcept;
    ~SqlConsole();

    /// Begins a statement. `parameters` are bound to :NAME (given without the colon); all of its parameters must be given.
    /// Throws Error: invalid_sql - not one statement, it does not parse, it would write, attach or load, a function that
    /// is not allowed, a parameter missing or unknown.
    void run(std::string_view sql, const std::map<std::string, SqlValue>& parameters = {});
    [[nodiscard]] const std::vector<std::string>& columns() const noexcept;
    /// The next row, or null at the end. Lives until the next call.
    /// Throws Error: time_limit, invalid_sql (an error while running), cancelled, corrupt.
    [[nodiscard]] const std::vector<SqlValue>* next();
    void interrupt() noexcept;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace daybook
