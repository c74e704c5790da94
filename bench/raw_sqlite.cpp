#include "bench/raw_sqlite.hpp"

#include <fmt/format.h>

#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <stdexcept>

namespace daybook::bench {

std::string bench_id(std::uint64_t n) {
    return fmt::format("0190a5b4-0000-7000-8000-{:012x}", n);
}
std::string bench_stream(std::uint64_t n) {
    return fmt::format("stream-{}", n % 1000);
}

void RawSqlite::check(int rc) const {
    if (rc != SQLITE_OK && rc != SQLITE_DONE && rc != SQLITE_ROW)
        throw std::runtime_error(fmt::format("raw SQLite: {}", sqlite3_errmsg(db_)));
}

RawSqlite::RawSqlite(const std::filesystem::path& path) {
    check(
        sqlite3_open_v2(path.c_str(), &db_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr));
    const auto run = [&](const char* sql) { check(sqlite3_exec(db_, sql, nullptr, nullptr, nullptr)); };
    run("PRAGMA journal_mode = WAL");
    run("PRAGMA synchronous = FULL");
    run("PRAGMA cache_size = -16384");
    std::ifstream schema(DAYBOOK_SCHEMA_FILE);
    const std::string sql{std::istreambuf_iterator<char>(schema), {}};
    if (sql.empty()) throw std::runtime_error("raw SQLite: cannot read " DAYBOOK_SCHEMA_FILE);
    run(sql.c_str());
    check(sqlite3_prepare_v2(db_,
                             "INSERT INTO events_log (seq, event_id, type, event_version, stream, version, source, "
                             "occurred_at, recorded_at, tags, payload, metadata, salt, payload_hash, digest) "
                             "VALUES (?, ?, 'bench:appended', '1', ?, ?, 'engine', ?, ?, '{}', ?, '{}', ?, ?, ?)",
                             -1, &insert_, nullptr));
    check(sqlite3_prepare_v2(db_,
                             "SELECT seq, event_id, type, event_version, stream, version, source, correlation_id, "
                             "causation_id, occurred_at, recorded_at, tags, payload, metadata, digest "
                             "FROM events_log ORDER BY seq",
                             -1, &select_, nullptr));
}

RawSqlite::~RawSqlite() {
    sqlite3_finalize(insert_);
    sqlite3_finalize(select_);
    sqlite3_close(db_);
}

void RawSqlite::append(std::size_t count, std::string_view payload) {
    const std::string zeros(32, '\0');
    constexpr sqlite3_int64 noon = 1'769'860'800'000'000'000;
    check(sqlite3_exec(db_, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr));
    for (std::size_t i = 0; i < count; ++i) {
        const std::uint64_t n = ++seq_;
        const std::string id = bench_id(n), stream = bench_stream(n);
        const auto text = [&](int index, std::string_view value) {
            check(sqlite3_bind_text(insert_, index, value.data(), static_cast<int>(value.size()), SQLITE_STATIC));
        };
        check(sqlite3_bind_int64(insert_, 1, static_cast<sqlite3_int64>(n)));
        text(2, id);
        text(3, stream);
        check(sqlite3_bind_int64(insert_, 4, static_cast<sqlite3_int64>(n / 1000 + 1)));
        check(sqlite3_bind_int64(insert_, 5, noon));
        check(sqlite3_bind_int64(insert_, 6, noon));
        text(7, payload);
        check(sqlite3_bind_blob(insert_, 8, zeros.data(), 16, SQLITE_STATIC));
        check(sqlite3_bind_blob(insert_, 9, zeros.data(), 32, SQLITE_STATIC));
        check(sqlite3_bind_blob(insert_, 10, zeros.data(), 32, SQLITE_STATIC));
        check(sqlite3_step(insert_));
        check(sqlite3_reset(insert_));
    }
    check(sqlite3_exec(db_, "COMMIT", nullptr, nullptr, nullptr));
}

std::uint64_t RawSqlite::scan() {
    std::uint64_t bytes = 0;
    const int columns = sqlite3_column_count(select_);
    while (sqlite3_step(select_) == SQLITE_ROW) {
        for (int column = 0; column < columns; ++column) {
            // Numbers are read as numbers: asking for their text would convert them.
            if (sqlite3_column_type(select_, column) == SQLITE_INTEGER) {
                bytes += static_cast<std::uint64_t>(sqlite3_column_int64(select_, column)) & 7;
            } else {
                bytes += static_cast<std::uint64_t>(sqlite3_column_bytes(select_, column));
            }
        }
    }
    check(sqlite3_reset(select_));
    return bytes;
}

std::uint64_t RawSqlite::fold() {
    std::map<std::string, std::uint64_t, std::less<>> counts;
    std::uint64_t events = 0;
    const int columns = sqlite3_column_count(select_);
    while (sqlite3_step(select_) == SQLITE_ROW) {
        for (int column = 0; column < columns; ++column) {
            if (sqlite3_column_type(select_, column) != SQLITE_INTEGER) sqlite3_column_bytes(select_, column);
        }
        const std::string_view stream(reinterpret_cast<const char*>(sqlite3_column_text(select_, 4)),
                                      static_cast<std::size_t>(sqlite3_column_bytes(select_, 4)));
        const auto found = counts.find(stream);
        if (found != counts.end()) {
            ++found->second;
        } else {
            counts.emplace(stream, 1);
        }
        ++events;
    }
    check(sqlite3_reset(select_));
    return events;
}

}  // namespace daybook::bench
