#include <daybook/store/sql_console.hpp>

#include <fmt/format.h>

#include <atomic>
#include <memory>
#include <utility>

#include <daybook/event/clock.hpp>
#include <daybook/event/error.hpp>

#include "store/connection.hpp"
#include "store/console_rules.hpp"
#include "store/opening.hpp"
#include "store/schema_check.hpp"
#include "store/sqlite_error.hpp"

namespace daybook {

namespace {

// Steps of SQLite's machine between two looks at the clock: some tens of microseconds.
constexpr int steps_between_looks = 1'000;

struct Finalizer {
    void operator()(sqlite3_stmt* statement) const noexcept { sqlite3_finalize(statement); }
};

SqlConsoleOptions validated(SqlConsoleOptions options) {
    std::string faults;
    if (options.time_limit < std::chrono::milliseconds{1}) faults = "time_limit must be at least 1 ms";
    if (options.value_bytes_max < 65'536 || options.value_bytes_max > 1'000'000'000)
        faults += faults.empty() ? "value_bytes_max must be 65,536 to 1,000,000,000 bytes"
                                 : "; value_bytes_max must be 65,536 to 1,000,000,000 bytes";
    if (!faults.empty()) throw Error(ErrorCode::invalid_argument, fmt::format("open a console: {}", faults));
    options.store = with_defaults(std::move(options.store));
    options.store.access = Access::read;
    return options;
}

}  // namespace

struct SqlConsole::Impl {
  public:
    Impl(const std::filesystem::path& path, SqlConsoleOptions options);
    ~Impl() { finish(); }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    void run(std::string_view sql, const std::map<std::string, SqlValue>& parameters);
    [[nodiscard]] const std::vector<std::string>& columns() const noexcept { return columns_; }
    const std::vector<SqlValue>* next();
    void interrupt() noexcept;

  private:
    void begin();
    void finish() noexcept;
    void prepare(std::string_view sql);
    void bind(const std::map<std::string, SqlValue>& parameters);
    void bind(int index, const SqlValue& value);
    [[nodiscard]] SqlValue cell(int column) const;
    [[nodiscard]] bool is_late() const { return options_.store.clock->steady() >= deadline_; }
    [[noreturn]] void refuse(std::string_view why) const;
    [[noreturn]] void throw_failure(int rc);
    static int look_at_clock(void* self);

    const std::string path_;
    const SqlConsoleOptions options_;
    const std::unique_ptr<Connection> connection_;
    std::int64_t checked_schema_ = -1;  // SQLite's cookie of the schema that was found to be ours
    ConsoleRules rules_;
    std::unique_ptr<sqlite3_stmt, Finalizer> statement_;  // dies before its rules and connection
    std::map<std::string, SqlValue> parameters_;          // what is bound, not copied by SQLite
    std::vector<std::string> columns_;
    std::vector<SqlValue> row_;
    std::chrono::nanoseconds deadline_{};
    bool timed_out_ = false;
    std::atomic<bool> interrupted_{false};
};

SqlConsole::Impl::Impl(const std::filesystem::path& path, SqlConsoleOptions options)
    : path_(path.string()),
      options_(validated(std::move(options))),
      connection_(open_reading_connection(path, options_.store)),
      rules_(*connection_, options_.value_bytes_max) {
    begin();
    finish();
    sqlite3_progress_handler(connection_->handle(), steps_between_looks, &look_at_clock, this);
}

// A read transaction, in which the schema is known to be ours.
void SqlConsole::Impl::begin() {
    rules_.enforce(false);
    connection_->execute("BEGIN");
    const std::int64_t cookie = connection_->query_integer("PRAGMA schema_version").value_or(0);
    if (cookie == checked_schema_) return;
    static_cast<void>(require_own_schema(*connection_, fmt::format("query {}", path_), SchemaUse::console));
    // SQLite connects a virtual table at its first use by declaring a table, which the authorizer could not tell from
    // a CREATE TABLE: it is done here, unenforced, for the two that are allowed.
    static_cast<void>(connection_->query_integer("SELECT 1 FROM json_each('[]'), json_tree('[]')"));
    checked_schema_ = cookie;
}

void SqlConsole::Impl::finish() noexcept {
    statement_.reset();
    rules_.enforce(false);
    deadline_ = std::chrono::nanoseconds::max();
    connection_->rollback();
}

void SqlConsole::Impl::refuse(std::string_view why) const {
    throw Error(ErrorCode::invalid_sql, fmt::format("query {}: {}", path_, why));
}

void SqlConsole::Impl::throw_failure(int rc) {
    const std::string detail = sqlite3_errmsg(connection_->handle());
    const std::string refusal = rules_.take_refusal();
    const bool timed_out = std::exchange(timed_out_, false);
    finish();
    if (timed_out)
        throw Error(ErrorCode::time_limit,
                    fmt::format("query {}: it ran longer than {} ms and was stopped: narrow it, or allow more time",
                                path_, options_.time_limit.count()));
    if (!refusal.empty()) refuse(fmt::format("this console only reads: {}", refusal));
    switch (rc & 0xff) {
        case SQLITE_INTERRUPT:
            throw Error(ErrorCode::cancelled, fmt::format("query {}: interrupted", path_));
        case SQLITE_TOOBIG:
            refuse(fmt::format("a value or the statement is too large: values may have {} bytes, statements 1000000",
                               options_.value_bytes_max));
        case SQLITE_ERROR:
        case SQLITE_AUTH:
        case SQLITE_READONLY:
        case SQLITE_MISMATCH:
        case SQLITE_RANGE:
        case SQLITE_CONSTRAINT:
            refuse(fmt::format("SQLite says \"{}\"", detail));
        default:
            throw_sqlite_error(rc, detail, fmt::format("query {}", path_));
    }
}

int SqlConsole::Impl::look_at_clock(void* self) {
    auto& console = *static_cast<Impl*>(self);
    if (console.interrupted_.load()) return 1;
    if (!console.is_late()) return 0;
    console.timed_out_ = true;
    return 1;
}

void SqlConsole::Impl::run(std::string_view sql, const std::map<std::string, SqlValue>& parameters) {
    finish();
    columns_.clear();
    interrupted_ = false;
    timed_out_ = false;
    if (sql.find('\0') != std::string_view::npos) refuse("the statement holds a NUL character");
    if (is_blank_sql(sql)) refuse("there is no statement: give one SELECT");
    if (const std::string refusal = refusal_of_first_words(sql); !refusal.empty())
        refuse(fmt::format("this console only reads: {}", refusal));
    try {
        begin();
        deadline_ = options_.store.clock->steady() + options_.time_limit;
        prepare(sql);
        bind(parameters);
    } catch (...) {
        finish();
        throw;
    }
    const int count = sqlite3_column_count(statement_.get());
    for (int column = 0; column < count; ++column) columns_.emplace_back(sqlite3_column_name(statement_.get(), column));
    row_.resize(columns_.size());
}

void SqlConsole::Impl::prepare(std::string_view sql) {
    sqlite3_stmt* statement = nullptr;
    const char* rest = nullptr;
    static_cast<void>(rules_.take_refusal());
    rules_.enforce(true);
    const int rc =
        sqlite3_prepare_v3(connection_->handle(), sql.data(), static_cast<int>(sql.size()), 0, &statement, &rest);
    statement_.reset(statement);
    if (rc != SQLITE_OK) throw_failure(rc);
    if (!is_blank_sql(sql.substr(static_cast<std::size_t>(rest - sql.data()))))
        refuse("there is more than one statement: run them one by one");
    if (statement == nullptr) refuse("there is no statement: give one SELECT");
    // The authorizer has refused every way to write that is known; this one is SQLite's own word.
    if (sqlite3_stmt_readonly(statement) == 0) refuse("this console only reads: the statement would write");
}

void SqlConsole::Impl::bind(const std::map<std::string, SqlValue>& parameters) {
    parameters_ = parameters;
    const int count = sqlite3_bind_parameter_count(statement_.get());
    std::map<std::string_view, bool> known;
    for (int index = 1; index <= count; ++index) {
        const char* name = sqlite3_bind_parameter_name(statement_.get(), index);
        if (name == nullptr || *name != ':')
            refuse(fmt::format("parameter {} is not written :NAME", name == nullptr ? "?" : name));
        const auto given = parameters_.find(name + 1);
        if (given == parameters_.end()) refuse(fmt::format("the parameter {} has no value", name));
        known[given->first] = true;
        bind(index, given->second);
    }
    for (const auto& [name, value] : parameters_)
        if (!known.contains(name)) refuse(fmt::format("the statement has no parameter :{}", name));
}

void SqlConsole::Impl::bind(int index, const SqlValue& value) {
    sqlite3_stmt* statement = statement_.get();
    int rc = SQLITE_OK;
    if (const auto* integer = std::get_if<std::int64_t>(&value)) {
        rc = sqlite3_bind_int64(statement, index, *integer);
    } else if (const auto* real = std::get_if<double>(&value)) {
        rc = sqlite3_bind_double(statement, index, *real);
    } else if (const auto* text = std::get_if<std::string>(&value)) {
        rc = sqlite3_bind_text64(statement, index, text->data(), text->size(), SQLITE_STATIC, SQLITE_UTF8);
    } else if (const auto* blob = std::get_if<SqlBlob>(&value)) {
        rc = sqlite3_bind_blob64(statement, index, blob->bytes.data(), blob->bytes.size(), SQLITE_STATIC);
    }  // NULL is what an unbound parameter is
    if (rc != SQLITE_OK) throw_failure(rc);
}

SqlValue SqlConsole::Impl::cell(int column) const {
    sqlite3_stmt* row = statement_.get();
    const auto bytes = [&](const void* data) {
        return std::string(static_cast<const char*>(data), static_cast<std::size_t>(sqlite3_column_bytes(row, column)));
    };
    switch (sqlite3_column_type(row, column)) {
        case SQLITE_INTEGER:
            return sqlite3_column_int64(row, column);
        case SQLITE_FLOAT:
            return sqlite3_column_double(row, column);
        case SQLITE_TEXT: {
            const void* text = sqlite3_column_text(row, column);
            if (text == nullptr) throw Error(ErrorCode::out_of_memory, fmt::format("query {}: out of memory", path_));
            return bytes(text);
        }
        case SQLITE_BLOB: {
            const void* blob = sqlite3_column_blob(row, column);  // null when it has no bytes
            return SqlBlob{blob == nullptr ? std::string() : bytes(blob)};
        }
        default:
            return std::monostate{};
    }
}

const std::vector<SqlValue>* SqlConsole::Impl::next() {
    if (!statement_) return nullptr;
    // Also here: a caller who is slow between rows would otherwise hold the read transaction for ever.
    timed_out_ = is_late();
    if (timed_out_ || interrupted_.load()) throw_failure(SQLITE_INTERRUPT);
    const int rc = sqlite3_step(statement_.get());
    if (rc == SQLITE_DONE) {
        finish();
        return nullptr;
    }
    if (rc != SQLITE_ROW) throw_failure(rc);
    for (std::size_t column = 0; column < row_.size(); ++column) row_[column] = cell(static_cast<int>(column));
    return &row_;
}

void SqlConsole::Impl::interrupt() noexcept {
    interrupted_ = true;
}

SqlConsole::SqlConsole(const std::filesystem::path& path, SqlConsoleOptions options)
    : impl_(std::make_unique<Impl>(path, std::move(options))) {}
SqlConsole::SqlConsole(SqlConsole&&) noexcept = default;
SqlConsole& SqlConsole::operator=(SqlConsole&&) noexcept = default;
SqlConsole::~SqlConsole() = default;

void SqlConsole::run(std::string_view sql, const std::map<std::string, SqlValue>& parameters) {
    impl_->run(sql, parameters);
}
const std::vector<std::string>& SqlConsole::columns() const noexcept {
    return impl_->columns();
}
const std::vector<SqlValue>* SqlConsole::next() {
    return impl_->next();
}
void SqlConsole::interrupt() noexcept {
    impl_->interrupt();
}

}  // namespace daybook
