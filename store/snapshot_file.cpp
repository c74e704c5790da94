#include <daybook/store/snapshot_file.hpp>

#include <fmt/format.h>

#include <array>
#include <system_error>

#include <daybook/event/error.hpp>
#include <daybook/event/posix_file_system.hpp>
#include <daybook/event/sha256.hpp>

#include "store/connection.hpp"

namespace daybook {

namespace {

constexpr std::int64_t application_id = 0x44'62'53'6e;  // "DbSn"
constexpr std::size_t largest_state_bytes = 900'000'000;
constexpr std::size_t row_bytes_max = 1'000'000'000;  // SQLite's own limit

constexpr const char* ddl =
    "CREATE TABLE snapshots (\n"
    "    projection  TEXT    NOT NULL,\n"
    "    version     TEXT    NOT NULL,\n"
    "    source_hash TEXT    NOT NULL,\n"
    "    store_id    TEXT    NOT NULL,\n"
    "    seq         INTEGER NOT NULL,\n"
    "    digest      TEXT    NOT NULL,\n"
    "    events      INTEGER NOT NULL,\n"
    "    checksum    BLOB    NOT NULL,  -- SHA-256 of the other columns\n"
    "    state       BLOB    NOT NULL,\n"
    "    PRIMARY KEY (projection, version, source_hash, store_id, seq, digest)\n"
    ") STRICT";

void feed(Sha256& hash, std::string_view field) {
    std::array<char, 8> length{};
    for (std::size_t i = 0; i < length.size(); ++i)
        length[i] = static_cast<char>((static_cast<std::uint64_t>(field.size()) >> (8 * i)) & 0xffU);
    hash.update(std::string_view(length.data(), length.size()));
    hash.update(field);
}

Digest checksum_of(const SnapshotKey& key, const Position& position, std::uint64_t events, std::string_view state) {
    Sha256 hash;
    feed(hash, key.projection);
    feed(hash, key.version);
    feed(hash, key.source_hash.to_hex());
    feed(hash, position.store_id.to_string());
    feed(hash, std::to_string(position.seq.value));
    feed(hash, position.digest.to_hex());
    feed(hash, std::to_string(events));
    feed(hash, state);
    return hash.finish();
}

struct Row {
    std::int64_t rowid = 0;
    SnapshotKey key;
    Position position;
    std::uint64_t events = 0;
    std::string checksum;
};

constexpr std::string_view row_columns =
    "SELECT rowid, projection, version, source_hash, store_id, seq, digest, events, checksum FROM snapshots ";

// Empty when the row cannot be one of ours.
std::optional<Row> read_row(const Statement& row) {
    try {
        const auto store_id = Uuid::parse(row.text(4));
        if (!store_id) return std::nullopt;
        return Row{.rowid = row.integer(0),
                   .key = {std::string(row.text(1)), std::string(row.text(2)), Digest::from_hex(row.text(3))},
                   .position = {*store_id, Sequence{row.unsigned_integer(5)}, Digest::from_hex(row.text(6))},
                   .events = row.unsigned_integer(7),
                   .checksum = std::string(row.blob(8))};
    } catch (const Error&) {
        return std::nullopt;
    }
}

// The state of a row, if every byte is as it was written.
std::optional<std::string> read_state(Connection& connection, const Row& row) {
    Statement statement = connection.prepare("SELECT state FROM snapshots WHERE rowid = ?");
    statement.bind(1, row.rowid);
    if (!statement.step()) return std::nullopt;
    const std::string_view state = statement.blob(0);
    const Digest sum = checksum_of(row.key, row.position, row.events, state);
    const std::string_view expected(reinterpret_cast<const char*>(sum.bytes.data()), sum.bytes.size());
    if (row.checksum != expected) return std::nullopt;
    return std::string(state);
}

std::string name_of(const SnapshotKey& key) {
    return fmt::format("{} version {}", key.projection, key.version);
}

std::string file_name(const std::filesystem::path& path) {
    return std::filesystem::absolute(path).lexically_normal().string();
}

std::filesystem::path with_suffix(std::filesystem::path path, std::string_view suffix) {
    path += suffix;
    return path;
}

// Whether our table is there. Throws Error: not_a_daybook - something else is: a trigger, a view or a generated column
// would be somebody else's code that our statements run.
bool has_own_schema(Connection& connection) {
    Statement others = connection.prepare(
        "SELECT count(*) FROM sqlite_schema WHERE NOT (type = 'table' AND name = 'snapshots' AND sql = ?) "
        "AND NOT (type = 'index' AND tbl_name = 'snapshots' AND sql IS NULL)");
    others.bind(1, std::string_view(ddl));
    if (!others.step() || others.integer(0) != 0)
        throw Error(ErrorCode::not_a_daybook, "its schema is not the one of a file of snapshots");
    return connection.query_integer("SELECT count(*) FROM sqlite_schema") != 0;
}

std::unique_ptr<Connection> open_for_reading(const std::filesystem::path& path, const std::string& vfs_name) {
    ConnectionOptions options{.synchronous_full = false, .value_bytes_max = row_bytes_max, .vfs_name = vfs_name};
    std::unique_ptr<Connection> connection;
    try {
        connection = std::make_unique<Connection>(file_name(path), options);
        (void)connection->query_integer("SELECT count(*) FROM sqlite_schema");
    } catch (const Error&) {
        // A directory that cannot be written has no room for -shm; without a -wal the file alone is all there is.
        std::error_code error;
        const auto bytes = std::filesystem::file_size(with_suffix(path, "-wal"), error);
        if (!error && bytes > 0) throw;
        options.immutable = true;
        connection = std::make_unique<Connection>(file_name(path), options);
        (void)connection->query_integer("SELECT count(*) FROM sqlite_schema");
    }
    if (connection->query_integer("PRAGMA application_id") != application_id || !has_own_schema(*connection))
        throw Error(ErrorCode::not_a_daybook, "it is not a file of snapshots");
    return connection;
}

// Writing: alone, under a lock of its own, because SQLite before 3.51.3 can lose commits when one connection
// checkpoints while another writes.
class Writing {
  public:
    /// Throws Error; `busy` when somebody else is writing.
    Writing(const std::filesystem::path& path, FileSystem& files, const std::string& vfs_name) {
        lock_ = files.open(file_name(with_suffix(path, "-lock")), OpenMode::create);
        if (!lock_->try_lock(0, LockMode::exclusive)) throw Error(ErrorCode::busy, "another process is writing it");
        // Made here and not by SQLite, which asks the umask: a state tells as much as the log, whose files are for their
        // owner alone. Its -wal and -shm take the rights of the file.
        if (!files.exists(file_name(path))) static_cast<void>(files.open(file_name(path), OpenMode::create_new));
        connection_ = std::make_unique<Connection>(
            file_name(path), ConnectionOptions{.writable = true,
                                               .create = true,
                                               .synchronous_full = false,  // losing the last snapshots loses no answer
                                               .value_bytes_max = row_bytes_max,
                                               .vfs_name = vfs_name});
        const auto id = connection_->query_integer("PRAGMA application_id");
        if (id != application_id && (id != 0 || connection_->query_integer("SELECT count(*) FROM sqlite_schema") != 0))
            throw Error(ErrorCode::not_a_daybook, "it is not a file of snapshots");
        const bool is_new = !has_own_schema(*connection_);
        if (id == 0) connection_->execute(fmt::format("PRAGMA application_id = {}", application_id).c_str());
        if (connection_->query_text("PRAGMA journal_mode = WAL") != "wal")
            throw Error(ErrorCode::busy, "it cannot be switched to WAL mode");
        if (is_new) connection_->execute(ddl);
        connection_->execute("BEGIN IMMEDIATE");
    }
    ~Writing() {
        connection_.reset();
        try {
            if (lock_) lock_->unlock(0);
        } catch (const Error&) {  // closing the file unlocks it too
        }
    }
    Writing(const Writing&) = delete;
    Writing& operator=(const Writing&) = delete;

    Connection& connection() noexcept { return *connection_; }
    void commit() {
        connection_->execute("COMMIT");
        connection_->allow_checkpoint_on_close(true);
    }

  private:
    std::unique_ptr<File> lock_;
    std::unique_ptr<Connection> connection_;
};

}  // namespace

SnapshotFile::SnapshotFile(const std::filesystem::path& database, SnapshotFileOptions options)
    : path_(with_suffix(database, ".snapshots")), options_(std::move(options)) {
    if (options_.state_bytes_max > largest_state_bytes)
        throw Error(ErrorCode::invalid_argument,
                    fmt::format("keep snapshots in {}: state_bytes_max is {}, it can be at most {}", path_.string(),
                                options_.state_bytes_max, largest_state_bytes));
    if (!options_.files) options_.files = std::make_shared<PosixFileSystem>();
}

void SnapshotFile::note(const std::string& text) const {
    if (options_.note) options_.note(text);
}

std::optional<Snapshot> SnapshotFile::find(const SnapshotKey& key, const Uuid& store_id, Sequence up_to,
                                           const std::function<bool(const Position&)>& serves) const {
    if (!options_.files->exists(file_name(path_))) return std::nullopt;
    std::unique_ptr<Connection> connection;
    std::vector<Row> rows;
    try {
        connection = open_for_reading(path_, options_.vfs_name);
        Statement statement = connection->prepare(
            std::string(row_columns) +
            "WHERE projection = ? AND version = ? AND source_hash = ? AND store_id = ? AND seq <= ? ORDER BY seq DESC");
        const std::string source = key.source_hash.to_hex();
        const std::string store = store_id.to_string();
        statement.bind(1, std::string_view(key.projection))
            .bind(2, std::string_view(key.version))
            .bind(3, std::string_view(source))
            .bind(4, std::string_view(store))
            .bind(5, up_to);
        while (statement.step()) {
            if (auto row = read_row(statement)) {
                rows.push_back(std::move(*row));
            } else {
                note(
                    fmt::format("snapshots in {}: one of {} is damaged and was ignored", path_.string(), name_of(key)));
            }
        }
    } catch (const Error& error) {
        note(fmt::format("snapshots in {} were ignored: {}", path_.string(), error.what()));
        return std::nullopt;
    }
    for (const Row& row : rows) {
        if (!serves(row.position)) continue;
        try {
            if (auto state = read_state(*connection, row)) return Snapshot{row.position, row.events, std::move(*state)};
            note(fmt::format("snapshots in {}: that of {} at seq {} is damaged and was ignored", path_.string(),
                             name_of(key), row.position.seq.value));
        } catch (const Error& error) {
            note(fmt::format("snapshots in {}: that of {} at seq {} was ignored: {}", path_.string(), name_of(key),
                             row.position.seq.value, error.what()));
        }
    }
    return std::nullopt;
}

bool SnapshotFile::save(const SnapshotKey& key, const Snapshot& snapshot) {
    if (snapshot.state.size() > options_.state_bytes_max) {
        note(fmt::format("no snapshot of {} at seq {}: its state is {} bytes, the limit is {}", name_of(key),
                         snapshot.position.seq.value, snapshot.state.size(), options_.state_bytes_max));
        return false;
    }
    try {
        Writing writing(path_, *options_.files, options_.vfs_name);
        const std::string source = key.source_hash.to_hex();
        const std::string store = snapshot.position.store_id.to_string();
        const std::string digest = snapshot.position.digest.to_hex();
        {
            Statement found = writing.connection().prepare(
                std::string(row_columns) +
                "WHERE projection = ? AND version = ? AND source_hash = ? AND store_id = ? AND seq = ? AND digest = ?");
            found.bind(1, std::string_view(key.projection))
                .bind(2, std::string_view(key.version))
                .bind(3, std::string_view(source))
                .bind(4, std::string_view(store))
                .bind(5, snapshot.position.seq)
                .bind(6, std::string_view(digest));
            if (found.step()) {
                const auto row = read_row(found);
                if (row && read_state(writing.connection(), *row)) return false;  // the first writer has won
                const std::int64_t damaged = found.integer(0);
                found.reset();
                Statement remove = writing.connection().prepare("DELETE FROM snapshots WHERE rowid = ?");
                remove.bind(1, damaged);
                remove.run();
            }
        }
        const Digest checksum = checksum_of(key, snapshot.position, snapshot.events, snapshot.state);
        {
            Statement insert = writing.connection().prepare(
                "INSERT INTO snapshots (projection, version, source_hash, store_id, seq, digest, events, checksum, "
                "state) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
            insert.bind(1, std::string_view(key.projection))
                .bind(2, std::string_view(key.version))
                .bind(3, std::string_view(source))
                .bind(4, std::string_view(store))
                .bind(5, snapshot.position.seq)
                .bind(6, std::string_view(digest))
                .bind(7, snapshot.events)
                .bind(8, checksum)
                .bind_blob(9, snapshot.state.data(), snapshot.state.size());
            insert.run();
        }
        writing.commit();
        return true;
    } catch (const Error& error) {
        note(fmt::format("no snapshot of {} at seq {} was kept in {}: {}", name_of(key), snapshot.position.seq.value,
                         path_.string(), error.what()));
        return false;
    }
}

std::vector<Position> SnapshotFile::positions(const SnapshotKey& key) const {
    std::vector<Position> positions;
    if (!options_.files->exists(file_name(path_))) return positions;
    try {
        const std::unique_ptr<Connection> connection = open_for_reading(path_, options_.vfs_name);
        Statement statement = connection->prepare(
            std::string(row_columns) + "WHERE projection = ? AND version = ? AND source_hash = ? ORDER BY seq, digest");
        const std::string source = key.source_hash.to_hex();
        statement.bind(1, std::string_view(key.projection))
            .bind(2, std::string_view(key.version))
            .bind(3, std::string_view(source));
        while (statement.step())
            if (const auto row = read_row(statement)) positions.push_back(row->position);
    } catch (const Error& error) {
        note(fmt::format("snapshots in {} were ignored: {}", path_.string(), error.what()));
    }
    return positions;
}

std::size_t SnapshotFile::prune(std::size_t keep) {
    if (!options_.files->exists(file_name(path_))) return 0;
    try {
        Writing writing(path_, *options_.files, options_.vfs_name);
        std::vector<std::int64_t> doomed;
        {
            Statement statement = writing.connection().prepare(
                std::string(row_columns) + "ORDER BY projection, version, source_hash, store_id, seq DESC");
            std::optional<Row> before;
            std::size_t kept = 0;
            while (statement.step()) {
                auto row = read_row(statement);
                if (!row || !read_state(writing.connection(), *row)) {
                    doomed.push_back(statement.integer(0));
                    continue;
                }
                if (!before || before->key != row->key || before->position.store_id != row->position.store_id) kept = 0;
                if (++kept > keep) doomed.push_back(row->rowid);
                before = std::move(row);
            }
        }
        Statement remove = writing.connection().prepare("DELETE FROM snapshots WHERE rowid = ?");
        for (const std::int64_t rowid : doomed) {
            remove.bind(1, rowid);
            remove.run();
        }
        remove = Statement();
        writing.commit();
        return doomed.size();
    } catch (const Error& error) {
        note(fmt::format("snapshots in {} were not pruned: {}", path_.string(), error.what()));
        return 0;
    }
}

}  // namespace daybook
