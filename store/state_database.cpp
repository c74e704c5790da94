#include <daybook/store/state_database.hpp>

#include <fmt/format.h>

#include <system_error>

#include <daybook/event/posix_file_system.hpp>

#include "store/database_file.hpp"
#include "store/opening.hpp"
#include "store/sqlite_error.hpp"
#include "store/state_connection.hpp"
#include "store/state_script.hpp"

namespace daybook {

namespace {

constexpr std::int64_t application_id = 0x44'62'53'74;  // "DbSt"
constexpr std::string_view application_id_bytes = "DbSt";
constexpr std::uint64_t application_id_at = 68;  // in the header of a SQLite file
constexpr std::uint64_t header_bytes = 100;
constexpr std::int64_t format_version = 1;

constexpr const char* bookkeeping_ddl =
    "CREATE TABLE daybook_state (\n"
    "    id          INTEGER PRIMARY KEY CHECK (id = 1),\n"
    "    projection  TEXT    NOT NULL,\n"
    "    version     TEXT    NOT NULL,\n"
    "    source_hash TEXT    NOT NULL,  -- SHA-256 of the projection's source\n"
    "    window      TEXT    NOT NULL,  -- the options that must stay the same\n"
    "    store_id    TEXT    NOT NULL,\n"
    "    seq         INTEGER NOT NULL,  -- everything up to here is in this state\n"
    "    digest      TEXT    NOT NULL,  -- of the log's chain at seq\n"
    "    events      INTEGER NOT NULL,  -- applied\n"
    "    occurred_to INTEGER            -- events at or after it were left out\n"
    ") STRICT";

StateDatabaseOptions checked_options(StateDatabaseOptions options) {
    const auto refuse = [](const std::string& what) {
        throw Error(ErrorCode::invalid_argument, fmt::format("open a state database: {}", what));
    };
    if (options.cache_bytes < (std::size_t{1} << 20) || options.cache_bytes > (std::size_t{1} << 30))
        refuse(fmt::format("cache_bytes is {}, it must be 1 MiB to 1 GiB", options.cache_bytes));
    if (options.value_bytes_max < 1024 || options.value_bytes_max > 1'000'000'000)
        refuse(fmt::format("value_bytes_max is {}, it must be 1,024 to 1,000,000,000", options.value_bytes_max));
    if (options.busy_timeout.count() < 0 || options.busy_timeout > std::chrono::minutes(10))
        refuse(fmt::format("busy_timeout is {} ms, it must be 0 to 10 minutes", options.busy_timeout.count()));
    if (!options.files) options.files = std::make_shared<PosixFileSystem>();
    return options;
}

// A name that SQLite takes for a file whatever it looks like: "file:x" would be a URI, ":memory:" no file.
std::string file_name(const std::filesystem::path& path) {
    if (path.empty()) throw Error(ErrorCode::unsupported_path, "open a state database: the path is empty");
    return std::filesystem::absolute(path).lexically_normal().string();
}

Uuid uuid_from(std::string_view text) {
    const auto id = Uuid::parse(text);
    if (!id) throw Error(ErrorCode::corrupt, fmt::format("read a state: \"{}\" is no store id", text));
    return *id;
}

}  // namespace

struct StateDatabase::Impl {
    std::filesystem::path path;
    std::string name;  // for messages
    StateDatabaseOptions options;
    std::shared_ptr<StateConnection> state;
    std::vector<StateScript> scripts;
    std::optional<StateIdentity> identity;
    StateProgress progress;

    Connection& connection() const { return state->connection(); }

    void open(const std::string& file, bool create) {
        name = file == ":memory:" ? "a state in memory" : file;
        state = std::make_shared<StateConnection>(file, create, options);
    }

    void load() {
        const StateConnection::Speaking speaking(*state, StateSpeaker::daybook);
        identity.reset();
        progress = {};
        if (!connection().query_integer("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'daybook_state'"))
            return;
        Statement row = connection().prepare(
            "SELECT projection, version, source_hash, window, store_id, seq, digest, events, occurred_to "
            "FROM daybook_state WHERE id = 1");
        if (!row.step()) throw Error(ErrorCode::corrupt, fmt::format("read {}: daybook_state is empty", name));
        identity = StateIdentity{.projection = std::string(row.text(0)),
                                 .version = std::string(row.text(1)),
                                 .source_hash = Digest::from_hex(row.text(2)),
                                 .window = std::string(row.text(3))};
        progress.position = {uuid_from(row.text(4)), Sequence{row.unsigned_integer(5)}, Digest::from_hex(row.text(6))};
        progress.events = row.unsigned_integer(7);
        if (!row.is_null(8)) progress.occurred_to = Timestamp{row.integer(8)};
    }

    void write_progress(const StateProgress& to) {
        Statement update = connection().prepare(
            "UPDATE daybook_state SET store_id = ?, seq = ?, digest = ?, events = ?, occurred_to = ? WHERE id = 1");
        const std::string store_id = to.position.store_id.to_string();
        const std::string digest = to.position.digest.to_hex();
        update.bind(1, std::string_view(store_id))
            .bind(2, to.position.seq)
            .bind(3, std::string_view(digest))
            .bind(4, to.events)
            .bind(5, to.occurred_to);
        update.run();
    }

    void need_identity(std::string_view what) const {
        if (!identity) throw Error(ErrorCode::internal, fmt::format("{} {}: it was not initialised", what, name));
    }
};

StateDatabase::StateDatabase(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
StateDatabase::StateDatabase(StateDatabase&&) noexcept = default;
StateDatabase& StateDatabase::operator=(StateDatabase&&) noexcept = default;
StateDatabase::~StateDatabase() = default;

StateDatabase StateDatabase::in_memory(StateDatabaseOptions options) {
    auto impl = std::make_unique<Impl>();
    impl->options = checked_options(std::move(options));
    impl->options.read_only = false;
    impl->open(":memory:", true);
    return StateDatabase(std::move(impl));
}

StateDatabase StateDatabase::create(const std::filesystem::path& path, StateDatabaseOptions options) {
    auto impl = std::make_unique<Impl>();
    impl->options = checked_options(std::move(options));
    impl->options.read_only = false;
    const std::string file = file_name(path);
    {
        // SQLite has no "only if it is new": the file is made here, empty, and closed before SQLite opens it.
        const std::unique_ptr<File> made = impl->options.files->open(file, OpenMode::create_new);
    }
    impl->path = path;
    impl->open(file, false);
    return StateDatabase(std::move(impl));
}

StateDatabase StateDatabase::open(const std::filesystem::path& path, StateDatabaseOptions options) {
    auto impl = std::make_unique<Impl>();
    impl->options = checked_options(std::move(options));
    switch (inspect(path, impl->options)) {
        case StateFileKind::state:
            break;
        case StateFileKind::missing:
            throw Error(ErrorCode::no_such_file,
                        fmt::format("open the state {}: there is no such file", path.string()));
        case StateFileKind::log:
            throw Error(
                ErrorCode::target_exists,
                fmt::format("open the state {}: this is a daybook, not a state; give another path", path.string()));
        case StateFileKind::other:
            throw Error(ErrorCode::target_exists,
                        fmt::format("open the state {}: something else is there, not a state database", path.string()));
    }
    impl->path = path;
    impl->open(file_name(path), false);
    const std::int64_t version = impl->connection().query_integer("PRAGMA user_version").value_or(0);
    if (version != format_version)
        throw Error(ErrorCode::target_exists, fmt::format("open the state {}: its format is {}, this program knows {}",
                                                          path.string(), version, format_version));
    impl->load();
    if (!impl->identity)
        throw Error(ErrorCode::corrupt,
                    fmt::format("open the state {}: its table daybook_state is gone", path.string()));
    return StateDatabase(std::move(impl));
}

StateFileKind StateDatabase::inspect(const std::filesystem::path& path, const StateDatabaseOptions& options) {
    std::error_code error;
    const auto status = std::filesystem::status(path, error);
    if (status.type() == std::filesystem::file_type::not_found) return StateFileKind::missing;
    if (error) throw Error(ErrorCode::permission_denied, fmt::format("look at {}: {}", path.string(), error.message()));
    if (status.type() != std::filesystem::file_type::regular) return StateFileKind::other;
    const StoreOptions store = with_defaults({.access = Access::read,
                                              .allow_network_file_system = true,
                                              .vfs_name = options.vfs_name,
                                              .files = options.files});
    try {
        if (inspect_file(resolve_path(path, store), store) == FileKind::daybook) return StateFileKind::log;
    } catch (const Error& refused) {
        if (refused.code() == ErrorCode::schema_too_new) return StateFileKind::log;
        if (refused.code() == ErrorCode::unsupported_path) return StateFileKind::other;
        if (refused.code() != ErrorCode::not_a_daybook) throw;
    }
    // From its bytes, not with a query: beside a state whose writer was killed lies a hot journal, which only a writer
    // may roll back.
    try {
        DatabaseFile file(file_name(path), options.vfs_name);
        const bool ours = file.size() >= header_bytes &&
                          file.read_at(0, 16) == std::string_view("SQLite format 3\0", 16) &&
                          file.read_at(application_id_at, application_id_bytes.size()) == application_id_bytes;
        return ours ? StateFileKind::state : StateFileKind::other;
    } catch (const Error& refused) {
        if (refused.code() == ErrorCode::unsupported_path) return StateFileKind::other;
        throw;
    }
}

void StateDatabase::initialise(const StateIdentity& identity, const Position& start,
                               const std::vector<SqlScript>& init) {
    Connection& connection = impl_->connection();
    if (impl_->identity)
        throw Error(ErrorCode::internal, fmt::format("initialise {}: it holds a state already", impl_->name));
    connection.execute("BEGIN IMMEDIATE");
    try {
        connection.execute(bookkeeping_ddl);
        {
            Statement insert = connection.prepare(
                "INSERT INTO daybook_state (id, projection, version, source_hash, window, store_id, seq, digest, "
                "events) "
                "VALUES (1, ?, ?, ?, ?, ?, ?, ?, 0)");
            const std::string source_hash = identity.source_hash.to_hex();
            const std::string store_id = start.store_id.to_string();
            const std::string digest = start.digest.to_hex();
            insert.bind(1, std::string_view(identity.projection))
                .bind(2, std::string_view(identity.version))
                .bind(3, std::string_view(source_hash))
                .bind(4, std::string_view(identity.window))
                .bind(5, std::string_view(store_id))
                .bind(6, start.seq)
                .bind(7, std::string_view(digest));
            insert.run();
        }
        for (const SqlScript& script : init) StateScript::run_init(*impl_->state, script);
        connection.execute(fmt::format("PRAGMA application_id = {}", application_id).c_str());
        connection.execute(fmt::format("PRAGMA user_version = {}", format_version).c_str());
        connection.execute("COMMIT");
    } catch (...) {
        connection.rollback();
        throw;
    }
    impl_->load();
}

std::size_t StateDatabase::prepare(const SqlScript& script) {
    impl_->scripts.push_back(StateScript::prepare(*impl_->state, script));
    return impl_->scripts.size() - 1;
}

void StateDatabase::interrupt_when(std::function<bool()> asked) {
    impl_->state->watch({}, std::move(asked));
}

void StateDatabase::begin() {
    impl_->need_identity("fill");
    Connection& connection = impl_->connection();
    connection.execute("BEGIN IMMEDIATE");
    if (impl_->path.empty()) return;
    // Another process may have moved the file's state since the last batch.
    const std::optional<StateIdentity> identity = impl_->identity;
    const StateProgress progress = impl_->progress;
    try {
        impl_->load();
        if (impl_->identity != identity || impl_->progress != progress)
            throw Error(ErrorCode::busy,
                        fmt::format("fill {}: another process has moved it to seq {} meanwhile; let one "
                                    "of them finish, then run this again",
                                    impl_->name, impl_->progress.position.seq.value));
    } catch (...) {
        connection.rollback();
        throw;
    }
}

void StateDatabase::apply(std::size_t script, const EventView& event) {
    StateClock& clock = impl_->state->clock();
    clock.set(event.recorded_at);
    try {
        impl_->scripts.at(script).run(*impl_->state, event);
    } catch (...) {
        clock.clear();
        throw;
    }
    clock.clear();
}

void StateDatabase::commit(const StateProgress& progress) {
    Connection& connection = impl_->connection();
    // Outside of a transaction the progress alone would be written, and the events that it names would be missing.
    if (!connection.in_transaction())
        throw Error(ErrorCode::internal, fmt::format("commit {}: no transaction is open", impl_->name));
    try {
        impl_->write_progress(progress);
        connection.execute("COMMIT");
    } catch (...) {
        connection.rollback();
        throw;
    }
    impl_->progress = progress;
}

void StateDatabase::rollback() noexcept {
    impl_->connection().rollback();
}

const std::optional<StateIdentity>& StateDatabase::identity() const noexcept {
    return impl_->identity;
}
const StateProgress& StateDatabase::progress() const noexcept {
    return impl_->progress;
}
const std::filesystem::path& StateDatabase::path() const noexcept {
    return impl_->path;
}
void StateDatabase::interrupt() noexcept {
    impl_->state->interrupt();
}

// Reading ---------------------------------------------------------------------------------------------------------

struct StateRows::Impl {
    std::shared_ptr<StateConnection> state;  // outlives the statement
    StateSpeaker speaker = StateSpeaker::query;
    StatementHandle statement;
    std::string sql;
    std::vector<std::string> columns;
    std::vector<SqlValue> row;

    ~Impl() { state->watch({}, {}); }

    [[noreturn]] void fail(int rc) {
        std::string why = sqlite3_errmsg(state->handle());
        ErrorCode code = error_code_of(rc);
        if (state->timed_out()) {
            code = ErrorCode::time_limit;
            why = "it ran longer than its time limit";
        } else if ((rc & 0xff) == SQLITE_AUTH || (rc & 0xff) == SQLITE_ERROR) {
            code = ErrorCode::invalid_sql;
            if (!state->denied().empty()) why = state->denied();
        } else if (code == ErrorCode::internal || code == ErrorCode::too_large) {
            code = ErrorCode::invalid_sql;
        }
        throw Error(code, fmt::format("query a state with \"{}\": {}", sql, why));
    }
};

StateRows::StateRows(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
StateRows::StateRows(StateRows&&) noexcept = default;
StateRows& StateRows::operator=(StateRows&&) noexcept = default;
StateRows::~StateRows() = default;

const std::vector<std::string>& StateRows::columns() const noexcept {
    return impl_->columns;
}

const std::vector<SqlValue>* StateRows::next() {
    if (!impl_->statement) return nullptr;
    const StateConnection::Speaking speaking(*impl_->state, impl_->speaker);
    sqlite3_stmt* statement = impl_->statement.get();
    impl_->state->clock().clear();
    const int rc = sqlite3_step(statement);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE) impl_->fail(rc);
    if (impl_->state->clock().refused())
        throw Error(
            ErrorCode::invalid_sql,
            fmt::format("query a state with \"{}\": a state has no \"now\"; give the time as a value", impl_->sql));
    if (rc == SQLITE_DONE) {
        impl_->statement.reset();
        return nullptr;
    }
    const int count = sqlite3_column_count(statement);
    impl_->row.resize(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i) {
        SqlValue& value = impl_->row[static_cast<std::size_t>(i)];
        switch (sqlite3_column_type(statement, i)) {
            case SQLITE_INTEGER:
                value = static_cast<std::int64_t>(sqlite3_column_int64(statement, i));
                break;
            case SQLITE_FLOAT:
                value = sqlite3_column_double(statement, i);
                break;
            case SQLITE_TEXT: {
                const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, i));
                if (text == nullptr) throw Error(ErrorCode::out_of_memory, "read a row of a state");
                value = std::string(text, static_cast<std::size_t>(sqlite3_column_bytes(statement, i)));
                break;
            }
            case SQLITE_BLOB: {
                const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement, i));
                const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement, i));
                value = SqlBlob{bytes == nullptr ? std::string() : std::string(bytes, size)};
                break;
            }
            default:
                value = std::monostate{};
                break;
        }
    }
    return &impl_->row;
}

namespace {

struct BindValue {
    sqlite3_stmt* statement;
    int index;
    int operator()(std::monostate) const { return sqlite3_bind_null(statement, index); }
    int operator()(std::int64_t value) const { return sqlite3_bind_int64(statement, index, value); }
    int operator()(double value) const { return sqlite3_bind_double(statement, index, value); }
    int operator()(const std::string& text) const {
        return sqlite3_bind_text64(statement, index, text.c_str(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
    }
    int operator()(const SqlBlob& blob) const {
        return sqlite3_bind_blob64(statement, index, blob.bytes.c_str(), blob.bytes.size(), SQLITE_TRANSIENT);
    }
};

void bind_parameters(sqlite3_stmt* statement, std::string_view sql, const std::map<std::string, SqlValue>& parameters) {
    const auto refuse = [sql](const std::string& what) {
        throw Error(ErrorCode::invalid_sql, fmt::format("query a state with \"{}\": {}", sql, what));
    };
    std::size_t used = 0;
    for (int index = 1; index <= sqlite3_bind_parameter_count(statement); ++index) {
        const char* name = sqlite3_bind_parameter_name(statement, index);
        if (name == nullptr || name[0] != ':') refuse("write parameters as :NAME");
        const auto found = parameters.find(name + 1);
        if (found == parameters.end()) refuse(fmt::format("parameter {} was not given", name));
        if (std::visit(BindValue{statement, index}, found->second) != SQLITE_OK)
            refuse(fmt::format("parameter {} is too large", name));
        ++used;
    }
    if (used != parameters.size()) refuse("a parameter was given that the statement does not have");
}

}  // namespace

StateRows StateDatabase::query(std::string_view sql, const std::map<std::string, SqlValue>& parameters,
                               std::chrono::milliseconds time_limit) {
    auto rows = std::make_unique<StateRows::Impl>();
    rows->state = impl_->state;
    rows->sql = sql;
    const StateConnection::Speaking speaking(*impl_->state, StateSpeaker::query);
    sqlite3_stmt* raw = nullptr;
    const char* tail = nullptr;
    impl_->state->watch({}, {});
    const int rc = sqlite3_prepare_v3(impl_->state->handle(), rows->sql.data(), static_cast<int>(rows->sql.size()), 0,
                                      &raw, &tail);
    rows->statement.reset(raw);
    if (rc != SQLITE_OK) rows->fail(rc);
    if (raw == nullptr) throw Error(ErrorCode::invalid_sql, "query a state: there is no statement in the text");
    const std::string_view rest(tail, rows->sql.size() - static_cast<std::size_t>(tail - rows->sql.data()));
    if (skip_blank_sql(rest) != rest.size())
        throw Error(ErrorCode::invalid_sql, fmt::format("query a state with \"{}\": more than one statement", sql));
    if (sqlite3_stmt_readonly(raw) == 0)
        throw Error(ErrorCode::invalid_sql, fmt::format("query a state with \"{}\": a query cannot change it", sql));
    bind_parameters(raw, sql, parameters);
    for (int i = 0; i < sqlite3_column_count(raw); ++i) rows->columns.emplace_back(sqlite3_column_name(raw, i));
    impl_->state->watch(impl_->state->steady() + time_limit, {});
    return StateRows(std::move(rows));
}

std::vector<std::string> StateDatabase::tables() {
    const StateConnection::Speaking speaking(*impl_->state, StateSpeaker::daybook);
    std::vector<std::string> names;
    Statement statement = impl_->connection().prepare(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' "
        "AND name <> 'daybook_state' ORDER BY name");
    while (statement.step()) names.emplace_back(statement.text(0));
    return names;
}

namespace {

std::string quote_name(std::string_view name) {
    std::string out = "\"";
    for (const char c : name) {
        out += c;
        if (c == '"') out += c;
    }
    return out + '"';
}

// The columns that put a table's rows in an order of their own.
std::string order_of(Connection& connection, std::string_view table) {
    std::string order;
    bool has_rowid_name = true;
    Statement columns = connection.prepare("SELECT name, pk FROM pragma_table_xinfo(?) ORDER BY pk");
    columns.bind(1, table);
    bool taken[3] = {false, false, false};
    constexpr std::string_view rowid_names[3] = {"rowid", "_rowid_", "oid"};
    while (columns.step()) {
        const std::string name(columns.text(0));
        for (std::size_t i = 0; i < 3; ++i)
            if (sqlite3_stricmp(name.c_str(), rowid_names[i].data()) == 0) taken[i] = true;
        if (columns.integer(1) > 0) order += (order.empty() ? "" : ", ") + quote_name(name);
    }
    Statement kind = connection.prepare("SELECT wr FROM pragma_table_list WHERE schema = 'main' AND name = ?");
    kind.bind(1, table);
    if (kind.step() && kind.integer(0) != 0) has_rowid_name = false;
    // A primary key may hold several NULLs: the rowid decides between them.
    for (std::size_t i = 0; i < 3 && has_rowid_name; ++i) {
        if (taken[i]) continue;
        order += (order.empty() ? "" : ", ") + std::string(rowid_names[i]);
        break;
    }
    return order.empty() ? "1" : order;
}

}  // namespace

StateRows StateDatabase::table_rows(std::string_view table) {
    const StateConnection::Speaking speaking(*impl_->state, StateSpeaker::daybook);
    {
        Statement exists = impl_->connection().prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?");
        exists.bind(1, table);
        if (!exists.step())
            throw Error(ErrorCode::not_found,
                        fmt::format("read table \"{}\" of {}: there is no such table", table, impl_->name));
    }
    auto rows = std::make_unique<StateRows::Impl>();
    rows->state = impl_->state;
    rows->speaker = StateSpeaker::daybook;
    rows->sql = fmt::format("SELECT * FROM {} ORDER BY {}", quote_name(table), order_of(impl_->connection(), table));
    sqlite3_stmt* raw = nullptr;
    const int rc = sqlite3_prepare_v3(impl_->state->handle(), rows->sql.data(), static_cast<int>(rows->sql.size()), 0,
                                      &raw, nullptr);
    rows->statement.reset(raw);
    if (rc != SQLITE_OK) rows->fail(rc);
    for (int i = 0; i < sqlite3_column_count(raw); ++i) rows->columns.emplace_back(sqlite3_column_name(raw, i));
    return StateRows(std::move(rows));
}

// Copies ----------------------------------------------------------------------------------------------------------

std::string StateDatabase::serialize() {
    const StateConnection::Speaking speaking(*impl_->state, StateSpeaker::daybook);
    sqlite3_int64 bytes = 0;
    unsigned char* copy = sqlite3_serialize(impl_->state->handle(), "main", &bytes, 0);
    if (copy == nullptr) throw Error(ErrorCode::out_of_memory, fmt::format("copy {}: {} bytes", impl_->name, bytes));
    std::string result(reinterpret_cast<const char*>(copy), static_cast<std::size_t>(bytes));
    sqlite3_free(copy);
    return result;
}

void StateDatabase::deserialize(std::string_view bytes) {
    const StateConnection::Speaking speaking(*impl_->state, StateSpeaker::daybook);
    impl_->scripts.clear();
    const auto refuse = [this, bytes](std::string_view why) {
        throw Error(ErrorCode::corrupt, fmt::format("load {} bytes into {}: {}", bytes.size(), impl_->name, why));
    };
    Connection image(":memory:", {.writable = true, .create = true});
    // SQLite only reads it: the buffer stays the caller's.
    if (sqlite3_deserialize(image.handle(), "main", reinterpret_cast<unsigned char*>(const_cast<char*>(bytes.data())),
                            static_cast<sqlite3_int64>(bytes.size()), static_cast<sqlite3_int64>(bytes.size()),
                            SQLITE_DESERIALIZE_READONLY) != SQLITE_OK)
        refuse("SQLite does not take them");
    try {
        if (image.query_integer("PRAGMA application_id") != application_id ||
            image.query_integer("PRAGMA user_version") != format_version)
            refuse("they are not a state database");
    } catch (const Error& error) {
        refuse(error.what());
    }
    sqlite3_backup* backup = sqlite3_backup_init(impl_->state->handle(), "main", image.handle(), "main");
    if (backup == nullptr) throw_sqlite_error(impl_->state->handle(), fmt::format("load a state into {}", impl_->name));
    sqlite3_backup_step(backup, -1);
    const int rc = sqlite3_backup_finish(backup);
    if (rc != SQLITE_OK)
        throw_sqlite_error(rc, sqlite3_errmsg(impl_->state->handle()),
                           fmt::format("load a state into {}", impl_->name));
    impl_->load();
    if (!impl_->identity) refuse("the table daybook_state is missing");
}

}  // namespace daybook
