#include "store/connection.hpp"

#include <SQLiteCpp/Exception.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "event/test_hooks.hpp"
#include "store/sqlite_error.hpp"

namespace daybook {

Statement::Statement(Connection& connection, std::string_view sql) {
    const char* tail = nullptr;
    const int rc = sqlite3_prepare_v3(connection.handle(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement_, &tail);
    if (rc != SQLITE_OK) throw_sqlite_error(connection.handle(), fmt::format("prepare \"{}\"", sql));
}

Statement::Statement(Statement&& other) noexcept : statement_(std::exchange(other.statement_, nullptr)) {}

Statement& Statement::operator=(Statement&& other) noexcept {
    std::swap(statement_, other.statement_);
    return *this;
}

Statement::~Statement() {
    sqlite3_finalize(statement_);
}

void Statement::check(int rc) const {
    if (rc != SQLITE_OK)
        throw_sqlite_error(sqlite3_db_handle(statement_), fmt::format("bind to \"{}\"", sqlite3_sql(statement_)));
}

Statement& Statement::bind(int index, std::int64_t value) {
    check(sqlite3_bind_int64(statement_, index, value));
    return *this;
}

Statement& Statement::bind(int index, std::string_view text) {
    // An empty view may have no data pointer, which SQLite would take for NULL.
    check(sqlite3_bind_text64(statement_, index, text.empty() ? "" : text.data(), text.size(), SQLITE_STATIC,
                              SQLITE_UTF8));
    return *this;
}

Statement& Statement::bind(int index, const std::optional<std::string>& text) {
    return text ? bind(index, std::string_view(*text)) : bind_null(index);
}

Statement& Statement::bind(int index, const std::optional<Timestamp>& time) {
    return time ? bind(index, time->ns) : bind_null(index);
}

Statement& Statement::bind(int index, const Digest& digest) {
    return bind_blob(index, digest.bytes.data(), digest.bytes.size());
}

Statement& Statement::bind_blob(int index, const void* bytes, std::size_t size) {
    check(sqlite3_bind_blob64(statement_, index, size == 0 ? "" : bytes, size, SQLITE_STATIC));
    return *this;
}

Statement& Statement::bind_null(int index) {
    check(sqlite3_bind_null(statement_, index));
    return *this;
}

bool Statement::step() {
    const int rc = sqlite3_step(statement_);
    if (rc == SQLITE_ROW) return true;
    if (rc == SQLITE_DONE) return false;
    throw_sqlite_error(sqlite3_db_handle(statement_), fmt::format("run \"{}\"", sqlite3_sql(statement_)));
}

void Statement::run() {
    const ResetGuard guard(*this);
    while (step()) {
    }
}

void Statement::reset() noexcept {
    if (statement_ == nullptr) return;
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
}

std::int64_t Statement::integer(int column) const {
    return sqlite3_column_int64(statement_, column);
}

std::string_view Statement::text(int column) const {
    const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
    if (bytes == nullptr) return nothing_of(column);
    return {bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

// NULL, a blob of no bytes, or no memory: which must not be taken for one of them.
std::string_view Statement::nothing_of(int column) const {
    if (sqlite3_errcode(sqlite3_db_handle(statement_)) != SQLITE_NOMEM) return {};
    throw Error(ErrorCode::out_of_memory,
                fmt::format("read column {} of \"{}\": SQLite is out of memory", column, sqlite3_sql(statement_)));
}

std::string_view Statement::blob(int column) const {
    const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_, column));
    if (bytes == nullptr) return nothing_of(column);
    return {bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

bool Statement::is_null(int column) const {
    return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

Digest Statement::digest(int column) const {
    const std::string_view bytes = blob(column);
    Digest digest;
    if (bytes.size() != digest.bytes.size())
        throw Error(ErrorCode::corrupt, fmt::format("read a digest: {} bytes instead of 32", bytes.size()));
    std::memcpy(digest.bytes.data(), bytes.data(), bytes.size());
    return digest;
}

std::optional<std::string_view> Statement::optional_text(int column) const {
    if (is_null(column)) return std::nullopt;
    return text(column);
}

namespace {

// sqlite3_db_config is variadic: one place for its casts.
void configure(sqlite3* db, int what, int value) {
    sqlite3_db_config(db, what, value, static_cast<int*>(nullptr));
}

// Reading the schema, SQLite also loads what ANALYZE left in tables of the file. A column of such a table may be
// generated, and then that runs its expression before anybody can look at the schema (and no authorizer is asked). So
// while the schema is read, these statements are stopped before their first row, and SQLite goes on without statistics.
class WithoutStatistics {
  public:
    explicit WithoutStatistics(sqlite3* db) : db_(db) {
        sqlite3_progress_handler(db_, 1, &stop_statistics, db_);
        optimize_without(factor_out_constants);
    }
    ~WithoutStatistics() {
        sqlite3_progress_handler(db_, 0, nullptr, nullptr);
        optimize_without(0);
    }
    WithoutStatistics(const WithoutStatistics&) = delete;
    WithoutStatistics& operator=(const WithoutStatistics&) = delete;

  private:
    // Constant expressions would be computed before the first row, and before the progress handler is asked. (The bit is
    // SQLITE_FactorOutConst of sqliteInt.h.)
    static constexpr int factor_out_constants = 0x8;
    void optimize_without(int bits) { sqlite3_test_control(SQLITE_TESTCTRL_OPTIMIZATIONS, db_, bits); }

    // SQLite keeps no text of the statements with which it reads a schema: what is not the one that reads the five columns
    // of sqlite_schema reads statistics (first with three columns, then with two).
    static int stop_statistics(void* db) {
        constexpr int schema_columns = 5;
        auto* connection = static_cast<sqlite3*>(db);
        for (sqlite3_stmt* statement = sqlite3_next_stmt(connection, nullptr); statement != nullptr;
             statement = sqlite3_next_stmt(connection, statement)) {
            if (sqlite3_stmt_busy(statement) == 0) continue;
            const char* sql = sqlite3_sql(statement);
            const bool is_of_statistics = sql == nullptr ? sqlite3_column_count(statement) != schema_columns
                                                         : std::strstr(sql, "sqlite_stat") != nullptr;
            if (is_of_statistics) return 1;
        }
        return 0;
    }

    sqlite3* const db_;
};

// Percent-encodes what would end or change a URI's path.
std::string immutable_uri(const std::string& path) {
    std::string uri = path.starts_with('/') ? "file://" : "file:";
    for (const char c : path) {
        if (c == '%' || c == '?' || c == '#') {
            uri += fmt::format("%{:02X}", static_cast<unsigned char>(c));
        } else {
            uri += c;
        }
    }
    return uri + "?immutable=1";
}

}  // namespace

Connection::Connection(const std::string& path, const ConnectionOptions& options) {
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE;
    flags |= options.writable ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
    if (options.create) flags |= SQLITE_OPEN_CREATE;
    // Debian compiles USE_URI, so that a path that begins "file:" is parsed as a URI: callers refuse or prefix it.
    std::string name = path;
    if (options.immutable) {
        name = immutable_uri(path);
        flags |= SQLITE_OPEN_URI;
    }
    try {
        database_.emplace(name.c_str(), flags, options.busy_timeout_ms,
                          options.vfs_name.empty() ? nullptr : options.vfs_name.c_str());
    } catch (const SQLite::Exception& error) {
        throw_sqlite_error(error.getExtendedErrorCode() > 0 ? error.getExtendedErrorCode() : error.getErrorCode(),
                           error.what(), fmt::format("open {}", path));
    }
    sqlite3* db = handle();
    sqlite3_extended_result_codes(db, 1);
    configure(db, SQLITE_DBCONFIG_DEFENSIVE, 1);       // no writable_schema, no journal_mode=OFF
    configure(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0);  // a view or trigger in the file runs no function with effects
    configure(db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0);
    configure(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, options.triggers ? 1 : 0);
    configure(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1);  // a close must not destroy a -wal that lost its tail
    sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
    sqlite3_limit(db, SQLITE_LIMIT_LENGTH,
                  static_cast<int>(std::min<std::size_t>(options.value_bytes_max, 1'000'000'000)));
    // Automatic checkpoints lose commits on 3.40.1 (WAL-reset bug).
    sqlite3_wal_autocheckpoint(db, DAYBOOK_PLANTED(autocheckpoint_on) ? 6 : 0);
    try {
        const WithoutStatistics guard(db);
        set_up(options);
    } catch (const Error& error) {  // the first pragma that reads the file meets a damaged one: say which
        std::string message = error.what();
        message.resize(std::min(message.size(), message.rfind(" [")));
        throw Error(error.code(), fmt::format("open {}: {}", path, message));
    }
}

// The first of these that needs the schema reads it.
void Connection::set_up(const ConnectionOptions& options) {
    execute("PRAGMA mmap_size = 0");         // with mmap an I/O error is a SIGBUS
    execute("PRAGMA cell_size_check = ON");  // finds damaged pages when they are read
    execute("PRAGMA foreign_keys = ON");
    execute("PRAGMA recursive_triggers = ON");  // REPLACE then fires delete triggers
    // Spilling and a savepoint rollback lose commits on 3.40.1.
    if (!DAYBOOK_PLANTED(spill_with_savepoints)) execute("PRAGMA cache_spill = OFF");
    execute(
        "PRAGMA temp_store = MEMORY");  // what a statement may have to undo: its file would be one more that can fail
    execute(fmt::format("PRAGMA cache_size = -{}", options.cache_bytes / 1024).c_str());
    if (DAYBOOK_PLANTED(synchronous_off)) return execute("PRAGMA synchronous = OFF");
    execute(options.synchronous_full ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
    const std::int64_t expected = options.synchronous_full ? 2 : 1;
    if (query_integer("PRAGMA synchronous") != expected)
        throw Error(ErrorCode::io_error, "SQLite did not take the synchronous setting");
}

Connection::~Connection() = default;

void Connection::execute(const char* sql) {
    if (sqlite3_exec(handle(), sql, nullptr, nullptr, nullptr) != SQLITE_OK)
        throw_sqlite_error(handle(), fmt::format("run \"{}\"", sql));
}

std::optional<std::int64_t> Connection::query_integer(std::string_view sql) {
    Statement statement(*this, sql);
    if (!statement.step() || statement.is_null(0)) return std::nullopt;
    return statement.integer(0);
}

std::optional<std::string> Connection::query_text(std::string_view sql) {
    Statement statement(*this, sql);
    if (!statement.step() || statement.is_null(0)) return std::nullopt;
    return std::string(statement.text(0));
}

void Connection::rollback() noexcept {
    if (in_transaction()) sqlite3_exec(handle(), "ROLLBACK", nullptr, nullptr, nullptr);
}

void Connection::allow_checkpoint_on_close(bool allow) {
    configure(handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, allow ? 0 : 1);
}

}  // namespace daybook
