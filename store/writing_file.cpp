#include "store/writing_file.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <exception>
#include <utility>

#include "event/test_hooks.hpp"
#include "store/opening.hpp"
#include "store/schema.hpp"
#include "store/schema_check.hpp"
#include "store/wal_checkpoint.hpp"

namespace daybook {

namespace {

[[noreturn]] void refuse(ErrorCode code, const std::string& path, std::string_view why) {
    throw Error(code, fmt::format("open {} for writing: {}", path, why));
}

int busy_timeout_ms(const StoreOptions& options) {
    return static_cast<int>(options.busy_timeout.count());
}

void require_write_permission(const std::string& path, std::string_view what) {
    if (::faccessat(AT_FDCWD, path.c_str(), W_OK, AT_EACCESS) == 0) return;
    if (errno == EROFS) refuse(ErrorCode::read_only, path, "the file system is mounted read-only; open it for reading");
    if (errno == EACCES || errno == EPERM)
        refuse(ErrorCode::permission_denied, path, fmt::format("this user may not write {}", what));
}

// Refuses before anything is made or touched.
FileKind examine(const std::filesystem::path& resolved, const StoreOptions& options) {
    const std::string& path = resolved.native();
    const FileKind kind = inspect_file(resolved, options);
    const std::string directory = directory_of(path);
    if (kind == FileKind::absent) {
        if (options.access != Access::create)
            refuse(ErrorCode::no_such_file, path, "there is no such file; `daybook init` makes one");
        if (struct stat status{};
            ::stat(directory.c_str(), &status) != 0 && errno == ENOENT && options.vfs_name.empty())
            refuse(ErrorCode::no_such_file, path, fmt::format("there is no directory {}; make it first", directory));
        // SQLite would delete it. Another process may be making the log right now: there is a database before there are
        // bytes in -wal.
        if (bytes_of(*options.files, wal_path_of(path)) > 0 && !options.files->exists(path))
            refuse(ErrorCode::corrupt, path,
                   "there is no such file, but a -wal with commits that belongs to it; put the database back, or move "
                   "the -wal away");
    } else {
        require_write_permission(path, "the file");
    }
    require_write_permission(directory,
                             fmt::format("its directory {}, where -wal and the lock file belong", directory));
    // A file that looks new may be another program's whose tables are in -wal still.
    if (kind == FileKind::undecided && bytes_of(*options.files, wal_path_of(path)) > 0) {
        const SchemaReading reading = read_schema(*connect_for_reading(resolved, options));
        if (reading.state == SchemaState::foreign || reading.state == SchemaState::newer)
            require_readable_schema(reading, path);
    }
    return kind;
}

// Root must not leave files beside a user's log that this user cannot open.
void give_to_owner_of(const std::string& database, const std::string& path) {
    struct stat owner {};
    if (::geteuid() != 0 || ::lstat(database.c_str(), &owner) != 0 || owner.st_uid == 0) return;
    if (::lchown(path.c_str(), owner.st_uid, owner.st_gid) != 0) return;  // it works for root all the same
}

// A new, empty file with mode 0600. It gets its name only when nobody here holds a descriptor of it any more: closing
// one would drop the locks that another thread's connection may have taken on it.
void create_empty(FileSystem& files, const std::string& path) {
    std::string unnamed = path + ".new";
    // A file of that name is a user's, or empty and left by a process killed right here: who knows, it stays.
    for (int number = 1; files.exists(unnamed); ++number) unnamed = fmt::format("{}.new{}", path, number);
    files.open(unnamed, OpenMode::create_new).reset();
    files.rename_new(unnamed, path);
    files.sync_directory(directory_of(path));
}

void switch_to_wal(Connection& connection, const std::string& path) {
    if (connection.query_text("PRAGMA journal_mode") == "wal") return;
    // It reports failure by naming another mode.
    const std::optional<std::string> mode = connection.query_text("PRAGMA journal_mode = WAL");
    if (mode != "wal")
        refuse(
            ErrorCode::io_error, path,
            fmt::format("SQLite cannot use a write-ahead log here (it stays in mode '{}')", mode.value_or("unknown")));
}

// What earlier processes wrote may be in the page cache only: it becomes durable before it is served or built upon. Also
// before SQLite opens it: whoever recovers -wal shows all of it to every reader, those of other processes too.
void sync_wal(const std::string& path, FileSystem& files) {
    const std::unique_ptr<File> file = open_if_there(files, wal_path_of(path));
    if (!file || file->size() == 0) return;
    file->sync();
    files.sync_directory(directory_of(path));  // with NORMAL nobody may have synced its name either
}

// The life lock alone, never longer than the writer lock: who opens a log comes in by the writer lock, and must then find
// the life lock free or shared, also when the one before failed.
class LifeAlone {
  public:
    explicit LifeAlone(LockFile& lock) : lock_(lock), held_(lock.try_hold_life_alone()) {}
    ~LifeAlone() {
        try {
            share();
        } catch (...) {
            // Closing the lock file gives it up as well.
        }
    }
    LifeAlone(const LifeAlone&) = delete;
    LifeAlone& operator=(const LifeAlone&) = delete;

    [[nodiscard]] bool is_held() const noexcept { return held_; }
    void share() {
        if (std::exchange(held_, false)) lock_.share_life();
    }

  private:
    LockFile& lock_;
    bool held_;
};

}  // namespace

WritingFile open_for_writing(const std::filesystem::path& resolved, const StoreOptions& options) {
    const std::string& path = resolved.native();
    FileSystem& files = *options.files;
    static_cast<void>(examine(resolved, options));

    WritingFile opened;
    opened.lock = std::make_unique<LockFile>(files, path, true);
    LockFile& lock = *opened.lock;
    const WriterLock writer_lock(lock, *options.clock, options.busy_timeout);
    LifeAlone alone(lock);
    const bool first = alone.is_held();
    if (!first) lock.share_life();

    if (!files.exists(path)) {
        if (!first) refuse(ErrorCode::io_error, path, "the file was removed while another store has it open");
        if (options.access != Access::create)
            refuse(ErrorCode::no_such_file, path, "there is no such file; `daybook init` makes one");
        lock.clear_mark();  // of a log that once had this name
        create_empty(files, path);
        DAYBOOK_KILL_POINT(file_created);
    }
    give_to_owner_of(path, lock.path());

    if (first) sync_wal(path, files);
    // The mark first, then the snapshot that it is compared with; and that before any checkpoint or write.
    const std::optional<Head> mark = lock.read_mark();
    auto connection = std::make_unique<Connection>(path, ConnectionOptions{.writable = true,
                                                                           .triggers = false,
                                                                           .busy_timeout_ms = busy_timeout_ms(options),
                                                                           .cache_bytes = options.cache_bytes,
                                                                           .vfs_name = options.vfs_name});
    const SchemaReading schema = read_schema(*connection);
    const bool is_new = schema.state == SchemaState::empty;
    if (schema.state == SchemaState::foreign || schema.state == SchemaState::newer)
        require_readable_schema(schema, path);
    // Before anything runs: a trigger in the file would fire with the first event, a view in a table's place when it is read.
    if (!is_new)
        static_cast<void>(
            require_own_schema(*connection, fmt::format("open {} for writing", path), SchemaUse::writing));
    if (is_new && mark)
        refuse(ErrorCode::log_behind_mark, path,
               fmt::format("the file is empty, but the mark in {} says that its log reached event {}: its content was "
                           "lost; restore "
                           "a backup, or remove the lock file to begin a new log",
                           lock.path(), mark->seq.value));
    if (std::optional<std::string> behind = is_new ? std::nullopt : behind_mark(*connection, mark)) {
        opened.head = read_head(*connection);
        opened.refusal.emplace(ErrorCode::log_behind_mark, fmt::format("write to {}: {}", path, *behind));
        opened.warnings.push_back(std::move(*behind));
        alone.share();
        return opened;  // the connection closes without a checkpoint: -wal stays as it is
    }

    switch_to_wal(*connection, path);
    // SQLite syncs the directory with its first sync of -wal and does not ask whether that succeeded: a commit that is
    // acknowledged must not lose -wal by its name.
    if (first) files.sync_directory(directory_of(path));
    DAYBOOK_KILL_POINT(before_migration);
    if (schema.state != SchemaState::current)
        migrate(*connection, schema, {uuid_v4(*options.random), options.clock->now(), options.run_events});
    opened.head = read_head(*connection);
    DAYBOOK_KILL_POINT(after_migration);
    if (first) {
        // A foreign reader may hold some of it back in -wal.
        if (!checkpoint(*connection, CheckpointMode::truncate, busy_timeout_ms(options))) sync_wal(path, files);
        DAYBOOK_KILL_POINT(opened_first);
        lock.write_mark(opened.head);
        alone.share();
    }
    opened.wake = files.open(wake_path_of(path), OpenMode::create);
    give_to_owner_of(path, wake_path_of(path));
    if (options.durability == Durability::normal) {
        connection->execute("PRAGMA synchronous = NORMAL");
        if (connection->query_integer("PRAGMA synchronous") != 1)
            refuse(ErrorCode::io_error, path, "SQLite did not take the synchronous setting");
    }
    opened.connection = std::move(connection);
    return opened;
}

namespace {

void move_all_into_database(WritingFile& file, const StoreOptions& options) {
    // Another process may write for long: its own close does then what we would do.
    const auto patience = std::min<std::chrono::nanoseconds>(options.busy_timeout, std::chrono::seconds(1));
    std::optional<WriterLock> writer_lock;
    try {
        writer_lock.emplace(*file.lock, *options.clock, patience);
    } catch (const Error& error) {
        if (error.code() == ErrorCode::busy) return;
        throw;
    }
    const LifeAlone alone(*file.lock);
    if (!alone.is_held()) return;
    if (!checkpoint(*file.connection, CheckpointMode::truncate, 0)) return;
    file.lock->write_mark(read_head(*file.connection));
    file.connection->allow_checkpoint_on_close(true);  // -wal is empty now: SQLite may delete it
    file.connection.reset();                           // before the writer lock is given up
    DAYBOOK_KILL_POINT(before_last_unlock);
}

}  // namespace

void close_for_writing(WritingFile& file, bool trusted, const StoreOptions& options) {
    DAYBOOK_KILL_POINT(before_close);
    std::exception_ptr failure;
    if (trusted && file.connection) {
        try {
            move_all_into_database(file, options);
        } catch (...) {
            failure = std::current_exception();
        }
    }
    file.connection.reset();
    if (file.lock) file.lock->release_life();
    if (failure) std::rethrow_exception(failure);
}

}  // namespace daybook
