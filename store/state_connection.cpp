#include "store/state_connection.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "store/sqlite_error.hpp"

namespace daybook {

namespace {

// Their answers depend on chance, on the connection's past or on the library's build.
constexpr std::array refused_functions{"random",
                                       "randomblob",
                                       "changes",
                                       "total_changes",
                                       "last_insert_rowid",
                                       "load_extension",
                                       "sqlite_version",
                                       "sqlite_source_id",
                                       "sqlite_compileoption_used",
                                       "sqlite_compileoption_get",
                                       "sqlite_log",
                                       "sqlite_offset",
                                       "fts3_tokenizer"};
// Tables that come with SQLite: what they answer depends on how pages lie in the file, or on the connection.
constexpr std::array refused_tables{"dbstat",        "sqlite_stmt", "fts3tokenize",
                                    "sqlite_dbpage", "bytecode",    "tables_used"};

constexpr std::string_view bookkeeping = "daybook_state";

bool same(const char* a, std::string_view b) noexcept {
    return a != nullptr && std::string_view(a).size() == b.size() &&
           sqlite3_strnicmp(a, b.data(), static_cast<int>(b.size())) == 0;
}

std::string_view text_of(sqlite3_value* value) noexcept {
    const auto* text = reinterpret_cast<const char*>(sqlite3_value_text(value));
    return text == nullptr ? std::string_view()
                           : std::string_view(text, static_cast<std::size_t>(sqlite3_value_bytes(value)));
}

}  // namespace

StateConnection::StateConnection(const std::string& path, bool create, const StateDatabaseOptions& options)
    : clock_(options.vfs_name), time_(options.clock ? options.clock : std::make_shared<SystemClock>()) {
    const bool in_memory = path == ":memory:";
    connection_ = std::make_unique<Connection>(
        path, ConnectionOptions{.writable = !options.read_only,
                                .create = create,
                                .busy_timeout_ms = static_cast<int>(options.busy_timeout.count()),
                                .cache_bytes = options.cache_bytes,
                                .value_bytes_max = options.value_bytes_max,
                                .vfs_name = clock_.vfs_name()});
    set_pragmas(in_memory);
    replace_functions();
    sqlite3_set_authorizer(handle(), &StateConnection::authorize, this);
}

StateConnection::~StateConnection() {
    date_statements_.clear();
    connection_.reset();
    sqlite3_close(dates_);
}

void StateConnection::set_pragmas(bool in_memory) {
    if (!sqlite3_db_readonly(handle(), "main")) {
        // A rollback journal: one file when closed, and no -wal that somebody could lose. It also undoes WAL mode that
        // another program may have set.
        const std::string_view wanted = in_memory ? "memory" : "delete";
        const auto mode = connection_->query_text(fmt::format("PRAGMA journal_mode = {}", wanted));
        if (mode != wanted)
            throw Error(ErrorCode::busy,
                        fmt::format("open a state database: its journal mode stays \"{}\", it should be "
                                    "\"{}\": somebody else has it open; close that and try again",
                                    mode.value_or(""), wanted));
    }
    // A misspelt name in double quotes is an error, not a string.
    sqlite3_db_config(handle(), SQLITE_DBCONFIG_DQS_DDL, 0, static_cast<int*>(nullptr));
    sqlite3_db_config(handle(), SQLITE_DBCONFIG_DQS_DML, 0, static_cast<int*>(nullptr));
    connection_->execute("PRAGMA temp_store = MEMORY");  // sorting leaves no file behind
    connection_->execute("PRAGMA secure_delete = OFF");  // Debian zeroes every freed page: slow, and this is no secret
}

void StateConnection::replace_functions() {
    // A DEFAULT is not shown to the authorizer, so the refused functions are replaced as well.
    for (const char* name : refused_functions)
        if (sqlite3_create_function_v2(handle(), name, -1, SQLITE_UTF8 | SQLITE_INNOCUOUS, const_cast<char*>(name),
                                       &StateConnection::call_refused_function, nullptr, nullptr, nullptr) != SQLITE_OK)
            throw_sqlite_error(handle(), "set up a state database");
    date_functions_ = {{{this, "date", 1},
                        {this, "time", 1},
                        {this, "datetime", 1},
                        {this, "julianday", 1},
                        {this, "unixepoch", 1},
                        {this, "strftime", 2}}};
    for (DateFunction& function : date_functions_)
        if (sqlite3_create_function_v2(handle(), function.name, -1, SQLITE_UTF8 | SQLITE_INNOCUOUS, &function,
                                       &StateConnection::call_date_function, nullptr, nullptr, nullptr) != SQLITE_OK)
            throw_sqlite_error(handle(), "set up a state database");
}

void StateConnection::call_refused_function(sqlite3_context* context, int, sqlite3_value**) {
    const std::string message =
        fmt::format("{}() is refused: a state must be the same whenever and wherever it is computed",
                    static_cast<const char*>(sqlite3_user_data(context)));
    sqlite3_result_error(context, message.c_str(), static_cast<int>(message.size()));
}

void StateConnection::call_date_function(sqlite3_context* context, int count, sqlite3_value** values) {
    const auto& function = *static_cast<const DateFunction*>(sqlite3_user_data(context));
    for (int i = function.modifiers_from; i < count; ++i) {
        const std::string modifier(text_of(values[i]));
        if (!same(modifier.c_str(), "localtime") && !same(modifier.c_str(), "utc")) continue;
        const std::string message =
            fmt::format("{}() with '{}' is refused: it depends on the machine's time zone; every time is UTC",
                        function.name, modifier);
        sqlite3_result_error(context, message.c_str(), static_cast<int>(message.size()));
        return;
    }
    sqlite3_stmt* statement = function.owner->date_statement(function.name, count);
    if (statement == nullptr) {
        sqlite3_result_error_nomem(context);
        return;
    }
    for (int i = 0; i < count; ++i) sqlite3_bind_value(statement, i + 1, values[i]);
    if (sqlite3_step(statement) == SQLITE_ROW) {
        sqlite3_result_value(context, sqlite3_column_value(statement, 0));
    } else {
        sqlite3_result_error(context, sqlite3_errmsg(function.owner->dates_), -1);
    }
    sqlite3_reset(statement);
}

sqlite3_stmt* StateConnection::date_statement(const char* name, int arguments) {
    StatementHandle& kept = date_statements_[{name, arguments}];
    if (kept) return kept.get();
    if (dates_ == nullptr &&
        sqlite3_open_v2(":memory:", &dates_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                        clock_.vfs_name().c_str()) != SQLITE_OK)
        return nullptr;
    std::string sql = fmt::format("SELECT {}(", name);
    for (int i = 0; i < arguments; ++i) sql += i == 0 ? "?" : ",?";
    sql += ")";
    sqlite3_stmt* statement = nullptr;
    sqlite3_prepare_v3(dates_, sql.c_str(), -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
    kept.reset(statement);
    return statement;
}

int StateConnection::deny(std::string what) {
    denied_ = std::move(what);
    return SQLITE_DENY;
}

int StateConnection::authorize(void* self, int action, const char* a, const char* b, const char* database,
                               const char*) {
    auto& connection = *static_cast<StateConnection*>(self);
    if (connection.speaker_ == StateSpeaker::daybook) return SQLITE_OK;
    const bool query = connection.speaker_ == StateSpeaker::query;
    const std::string_view speaker = query ? "a query of a state" : "a projection";
    const bool creates_temporary = action == SQLITE_CREATE_TEMP_TABLE || action == SQLITE_CREATE_TEMP_INDEX ||
                                   action == SQLITE_CREATE_TEMP_VIEW || action == SQLITE_CREATE_TEMP_TRIGGER;
    // ALTER TABLE looks through the temporary schema too.
    if (creates_temporary || (same(database, "temp") && !same(a, "sqlite_temp_master")))
        return connection.deny(fmt::format("{} has no temporary tables, views or triggers", speaker));
    if (!query &&
        (same(a, bookkeeping) || (same(b, bookkeeping) && action != SQLITE_FUNCTION && action != SQLITE_READ)))
        return connection.deny(fmt::format("{} is Daybook's own table", bookkeeping));
    switch (action) {
        case SQLITE_SELECT:
        case SQLITE_RECURSIVE:
            return SQLITE_OK;
        case SQLITE_READ:
            for (const char* name : refused_tables)
                if (same(a, name)) return connection.deny(fmt::format("{} cannot read {}", speaker, name));
            return SQLITE_OK;
        case SQLITE_FUNCTION:
            for (const char* name : refused_functions)
                if (same(b, name))
                    return connection.deny(fmt::format(
                        "{}() is refused: a state must be the same whenever and wherever it is computed", name));
            return SQLITE_OK;
        case SQLITE_PRAGMA:
            // ALTER TABLE looks at the rows this way.
            if (!query && same(a, "quick_check")) return SQLITE_OK;
            return connection.deny(fmt::format("{} cannot use PRAGMA {}", speaker, a == nullptr ? "" : a));
        case SQLITE_INSERT:
        case SQLITE_UPDATE:
        case SQLITE_DELETE:
        case SQLITE_CREATE_TABLE:
        case SQLITE_CREATE_INDEX:
        case SQLITE_CREATE_VIEW:
        case SQLITE_CREATE_TRIGGER:
        case SQLITE_DROP_TABLE:
        case SQLITE_DROP_INDEX:
        case SQLITE_DROP_VIEW:
        case SQLITE_DROP_TRIGGER:
        case SQLITE_ALTER_TABLE:
        case SQLITE_REINDEX:
            if (query) return connection.deny("a query of a state cannot change it");
            return SQLITE_OK;
        case SQLITE_ATTACH:
        case SQLITE_DETACH:
            return connection.deny(fmt::format("{} sees only its own database: no ATTACH or DETACH", speaker));
        case SQLITE_TRANSACTION:
        case SQLITE_SAVEPOINT:
            return connection.deny(
                fmt::format("{} cannot begin or end transactions: each event is applied whole", speaker));
        case SQLITE_CREATE_VTABLE:
        case SQLITE_DROP_VTABLE:
            return connection.deny(
                fmt::format("{} has no virtual tables (table-valued functions such as json_each "
                            "need none)",
                            speaker));
        case SQLITE_ANALYZE:
            return connection.deny(fmt::format("{} cannot use ANALYZE", speaker));
        default:
            return connection.deny(fmt::format("{} cannot do this (action {})", speaker, action));
    }
}

void StateConnection::watch(std::optional<std::chrono::nanoseconds> deadline, std::function<bool()> asked) {
    deadline_ = deadline;
    asked_ = std::move(asked);
    timed_out_ = false;
    const bool any = deadline_.has_value() || asked_;
    // Every 20,000 instructions: about once a millisecond.
    sqlite3_progress_handler(handle(), any ? 20'000 : 0, any ? &StateConnection::on_progress : nullptr, this);
}

int StateConnection::on_progress(void* self) {
    auto& connection = *static_cast<StateConnection*>(self);
    if (connection.deadline_ && connection.time_->steady() >= *connection.deadline_) {
        connection.timed_out_ = true;
        return 1;
    }
    try {
        return connection.asked_ && connection.asked_() ? 1 : 0;
    } catch (...) {  // no exception may cross SQLite
        return 1;
    }
}

}  // namespace daybook
