#include "bench/raw_sqlite.hpp"

#include <fmt/format.h>

#include <fstream>
#include <iterator>
#include <stdexcept>
#include <utility>

namespace daybook::bench {

namespace {

std::string schema_of_the_store() {
    std::ifstream file(DAYBOOK_SCHEMA_FILE);
    std::string sql{std::istreambuf_iterator<char>(file), {}};
    require(!sql.empty(), "cannot read " DAYBOOK_SCHEMA_FILE);
    return sql;
}

constexpr const char* index_free_schema =
    "CREATE TABLE events_log (seq INTEGER PRIMARY KEY, event_id TEXT, type TEXT, event_version TEXT, stream TEXT, "
    "version INTEGER, source TEXT, correlation_id TEXT, causation_id TEXT, occurred_at INTEGER, recorded_at INTEGER, "
    "tags TEXT, payload TEXT, metadata TEXT, salt BLOB, payload_hash BLOB, digest BLOB)";

}  // namespace

RawSqlite::RawSqlite(const std::filesystem::path& path, RawSchema schema, std::uint64_t streams)
    : names_(streams), versions_(streams) {
    check(
        sqlite3_open_v2(path.c_str(), &db_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr));
    execute("PRAGMA journal_mode = WAL");
    execute("PRAGMA synchronous = FULL");
    execute("PRAGMA cache_size = -16384");
    execute(schema == RawSchema::ours ? schema_of_the_store().c_str() : index_free_schema);
    // What keeps a loop by hand from storing an id twice, as the store does by its runs.
    if (schema == RawSchema::ours) execute("CREATE UNIQUE INDEX events_by_id ON events_log (event_id)");
    prepare_insert();
}

void RawSqlite::prepare_insert() {
    // As the store does: the triggers are for other programs.
    check(sqlite3_db_config(db_, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, static_cast<int*>(nullptr)));
    check(sqlite3_prepare_v2(db_,
                             "INSERT INTO events_log (seq, event_id, type, event_version, stream, version, source, "
                             "occurred_at, recorded_at, tags, payload, metadata, salt, payload_hash, digest) "
                             "VALUES (?, ?, 'bench:appended', '1', ?, ?, 'engine', ?, ?, '{}', ?, '{}', ?, ?, ?)",
                             -1, &insert_, nullptr));
}

RawSqlite RawSqlite::writing(const std::filesystem::path& path) {
    RawSqlite raw;
    raw.check(sqlite3_open_v2(path.c_str(), &raw.db_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr));
    raw.execute("PRAGMA synchronous = FULL");
    raw.execute("PRAGMA cache_size = -16384");
    raw.names_ = StreamNames(1000);
    raw.versions_.resize(1000);
    raw.prepare_insert();
    return raw;
}

RawSqlite RawSqlite::reading(const std::filesystem::path& path) {
    RawSqlite raw;
    raw.check(sqlite3_open_v2(path.c_str(), &raw.db_, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, nullptr));
    raw.execute("PRAGMA cache_size = -16384");
    return raw;
}

RawSqlite RawSqlite::in_memory() {
    RawSqlite raw;
    raw.check(sqlite3_open(":memory:", &raw.db_));
    return raw;
}

RawSqlite::RawSqlite(RawSqlite&& other) noexcept
    : db_(std::exchange(other.db_, nullptr)),
      insert_(std::exchange(other.insert_, nullptr)),
      seq_(other.seq_),
      names_(other.names_),
      versions_(std::move(other.versions_)) {}

RawSqlite::~RawSqlite() {
    sqlite3_finalize(insert_);
    sqlite3_close(db_);
}

void RawSqlite::check(int rc) const {
    if (rc != SQLITE_OK && rc != SQLITE_DONE && rc != SQLITE_ROW)
        throw std::runtime_error(fmt::format("raw SQLite: {}", sqlite3_errmsg(db_)));
}

void RawSqlite::execute(const char* sql) const {
    check(sqlite3_exec(db_, sql, nullptr, nullptr, nullptr));
}

void RawSqlite::append(std::size_t count) {
    begin();
    for (std::size_t i = 0; i < count; ++i) insert_next();
    commit();
}

void RawSqlite::insert_next() {
    ++seq_;
    insert(ordered_id(seq_), names_.next_number());
}

void RawSqlite::append_after_others(const std::string& prefix) {
    begin();
    {
        RawStatement last(*this, "SELECT max(seq) FROM events_log");
        require(last.step(), "a maximum is one row");
        seq_ = last.number(0) + 1;
    }
    insert(prefix + ordered_id(seq_), names_.next_number());
    commit();
}

void RawSqlite::insert(std::string_view id, std::uint64_t stream_number) {
    static const std::string zeros(32, '\0');
    constexpr sqlite3_int64 noon = 1'769'860'800'000'000'000;
    const std::string stream = StreamNames::name(stream_number);
    const auto text = [&](int index, std::string_view value) {
        check(sqlite3_bind_text(insert_, index, value.data(), static_cast<int>(value.size()), SQLITE_STATIC));
    };
    check(sqlite3_bind_int64(insert_, 1, static_cast<sqlite3_int64>(seq_)));
    text(2, id);
    text(3, stream);
    check(sqlite3_bind_int64(insert_, 4, static_cast<sqlite3_int64>(++versions_[stream_number])));
    check(sqlite3_bind_int64(insert_, 5, noon));
    check(sqlite3_bind_int64(insert_, 6, noon));
    text(7, payload);
    check(sqlite3_bind_blob(insert_, 8, zeros.data(), 16, SQLITE_STATIC));
    check(sqlite3_bind_blob(insert_, 9, zeros.data(), 32, SQLITE_STATIC));
    check(sqlite3_bind_blob(insert_, 10, zeros.data(), 32, SQLITE_STATIC));
    check(sqlite3_step(insert_));
    check(sqlite3_reset(insert_));
}

std::uint64_t RawSqlite::scan() {
    RawStatement select(*this,
                        "SELECT seq, event_id, type, event_version, stream, version, source, correlation_id, "
                        "causation_id, occurred_at, recorded_at, tags, payload, metadata, digest "
                        "FROM events_log ORDER BY seq");
    std::uint64_t bytes = 0;
    while (select.step()) bytes += select.touch();
    return bytes;
}

std::uint64_t RawSqlite::events() {
    RawStatement count(*this, "SELECT count(*) FROM events_log");
    require(count.step(), "a count is one row");
    return count.number(0);
}

RawStatement::RawStatement(const RawSqlite& raw, const char* sql) : raw_(raw) {
    raw_.check(sqlite3_prepare_v2(raw.handle(), sql, -1, &statement_, nullptr));
}

bool RawStatement::step() {
    const int rc = sqlite3_step(statement_);
    raw_.check(rc);
    return rc == SQLITE_ROW;
}

void RawStatement::bind(int index, std::string_view text) {
    raw_.check(sqlite3_bind_text(statement_, index, text.data(), static_cast<int>(text.size()), SQLITE_STATIC));
}

void RawStatement::bind(int index, std::uint64_t number) {
    raw_.check(sqlite3_bind_int64(statement_, index, static_cast<sqlite3_int64>(number)));
}

std::string_view RawStatement::text(int column) const {
    return {reinterpret_cast<const char*>(sqlite3_column_text(statement_, column)),
            static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

std::uint64_t RawStatement::number(int column) const {
    return static_cast<std::uint64_t>(sqlite3_column_int64(statement_, column));
}

std::uint64_t RawStatement::touch() const {
    std::uint64_t bytes = 0;
    const int columns = sqlite3_column_count(statement_);
    for (int column = 0; column < columns; ++column) {
        // Numbers are read as numbers: asking for their text would convert them.
        if (sqlite3_column_type(statement_, column) == SQLITE_INTEGER) {
            bytes += number(column) & 7;
        } else {
            bytes += static_cast<std::uint64_t>(sqlite3_column_bytes(statement_, column));
        }
    }
    return bytes;
}

}  // namespace daybook::bench
