#include "store/opening.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include <daybook/event/error.hpp>
#include <daybook/event/posix_file_system.hpp>

#include "store/database_file.hpp"
#include "store/file_system_type.hpp"
#include "store/schema.hpp"
#include "store/schema_check.hpp"

namespace daybook {

namespace {

constexpr std::size_t header_bytes = 112;  // SQLite's header (100) and the b-tree header of page 1

[[noreturn]] void refuse(ErrorCode code, const std::filesystem::path& path, std::string_view why) {
    throw Error(code, fmt::format("open {}: {}", path.string(), why));
}

void refuse_network_file_system(const std::filesystem::path& path, const std::filesystem::path& on_disk) {
    const std::optional<FileSystemType> type = file_system_type_of(on_disk.native());
    if (!type || !type->is_network) return;
    refuse(ErrorCode::network_file_system, path,
           fmt::format("it lies on {} (0x{:x}), where SQLite's write-ahead log is not safe; use a local disk, or set "
                       "allow_network_file_system if only one machine ever uses it",
                       type->name, type->magic));
}

// Whether this process may use the file so; 0, or errno. The effective user counts, as it does in open().
int access_error(const std::string& path, int mode) {
    return ::faccessat(AT_FDCWD, path.c_str(), mode, AT_EACCESS) == 0 ? 0 : errno;
}

std::uint32_t big_endian(std::string_view bytes, std::size_t offset) {
    std::uint32_t value = 0;
    for (std::size_t index = 0; index < 4; ++index)
        value = (value << 8) | static_cast<unsigned char>(bytes[offset + index]);
    return value;
}

struct HeaderReading {
    std::string bytes;
    std::uint64_t size = 0;
};

HeaderReading read_header(const std::string& path, const StoreOptions& options) {
    DatabaseFile file(path, options.vfs_name);
    HeaderReading reading;
    reading.size = file.size();
    reading.bytes = file.read_at(0, std::min<std::size_t>(header_bytes, reading.size));
    return reading;
}

bool is_directory_unwritable(const std::string& path) {
    const int problem = access_error(directory_of(path), W_OK);
    return problem == EACCES || problem == EPERM || problem == EROFS;
}

ConnectionOptions reading_options(const StoreOptions& options) {
    return {.busy_timeout_ms = static_cast<int>(options.busy_timeout.count()), .vfs_name = options.vfs_name};
}

// Makes what is in -wal durable when no living store vouches for it: its writer may have been killed between the
// write and the sync, and what a reader has shown must not vanish with the power.
void sync_orphaned_wal(const std::string& path, FileSystem& files, LockFile* lock) {
    // Who lives and holds the writer lock may be a first opener that has not made it durable yet.
    if (lock != nullptr && lock->somebody_lives() && !lock->somebody_writes()) return;
    const std::unique_ptr<File> wal = open_if_there(files, wal_path_of(path));
    if (wal && wal->size() > 0) wal->sync();
}

}  // namespace

std::unique_ptr<File> open_if_there(FileSystem& files, const std::string& path) {
    if (!files.exists(path)) return nullptr;
    try {
        return files.open(path, OpenMode::read);
    } catch (const Error& error) {
        if (error.code() != ErrorCode::no_such_file) throw;
        return nullptr;  // just now: the last store that closes deletes -wal
    }
}

std::uint64_t bytes_of(FileSystem& files, const std::string& path) {
    const std::unique_ptr<File> file = open_if_there(files, path);
    return file ? file->size() : 0;
}

StoreOptions with_defaults(StoreOptions options) {
    if (!options.files) options.files = std::make_shared<PosixFileSystem>();
    if (!options.clock) options.clock = std::make_shared<SystemClock>();
    if (!options.random) options.random = std::make_shared<SystemRandom>();
    return options;
}

std::filesystem::path resolve_path(const std::filesystem::path& path, const StoreOptions& options) {
    const std::string& text = path.native();
    if (text.empty()) refuse(ErrorCode::unsupported_path, "''", "the path is empty");
    if (text == ":memory:")
        refuse(ErrorCode::unsupported_path, path, "a log in memory is not durable; give the path of a file");
    if (text.starts_with("file:"))
        refuse(ErrorCode::unsupported_path, path,
               "URIs are not taken; give a plain path (./file:… for a file of that name)");
    if (text.find('\0') != std::string::npos) refuse(ErrorCode::unsupported_path, "the path", "it holds a NUL byte");

    std::error_code error;
    std::filesystem::path resolved = std::filesystem::absolute(path, error);
    if (!error) resolved = std::filesystem::weakly_canonical(resolved, error);
    if (error == std::errc::permission_denied)
        refuse(ErrorCode::permission_denied, path, "a directory on the way to it may not be searched");
    if (error) refuse(ErrorCode::unsupported_path, path, error.message());

    struct stat status {};
    if (::lstat(resolved.c_str(), &status) != 0) {
        if (errno == EACCES)
            refuse(ErrorCode::permission_denied, resolved, "a directory on the way to it may not be searched");
        if (!options.allow_network_file_system) refuse_network_file_system(path, resolved.parent_path());
        return resolved;
    }
    if (S_ISLNK(status.st_mode))
        refuse(ErrorCode::unsupported_path, path,
               "it is a symbolic link that leads nowhere; make its target first, or remove it");
    if (S_ISDIR(status.st_mode))
        refuse(ErrorCode::unsupported_path, path, "it is a directory; give the path of a file in it");
    if (!S_ISREG(status.st_mode)) refuse(ErrorCode::unsupported_path, path, "it is not a regular file");
    if (status.st_nlink > 1)
        refuse(
            ErrorCode::unsupported_path, path,
            fmt::format(
                "the file has {} names (hard links), each with a -wal of its own, which corrupts it; remove the others",
                status.st_nlink));
    if (!options.allow_network_file_system) refuse_network_file_system(path, resolved);
    return resolved;
}

FileKind inspect_file(const std::filesystem::path& resolved, const StoreOptions& options) {
    const std::string& path = resolved.native();
    if (!options.files->exists(path)) return FileKind::absent;
    if (const int problem = access_error(path, R_OK); problem == EACCES || problem == EPERM)
        refuse(ErrorCode::permission_denied, resolved, "this user may not read it");
    // -wal first: a log that is just being made has bytes in the database before it has any there.
    std::uint64_t wal_bytes = 0;
    try {
        wal_bytes = bytes_of(*options.files, wal_path_of(path));
    } catch (const Error&) {
        // Not ours to read: whoever needs it will say so.
    }
    const HeaderReading header = read_header(path, options);
    if (header.size == 0 && wal_bytes > 0)  // SQLite would delete that -wal
        refuse(ErrorCode::corrupt, resolved,
               fmt::format(
                   "it is empty, but its -wal holds {} bytes: the database file was cut or replaced; restore it, or "
                   "move the -wal away",
                   wal_bytes));
    if (header.size == 0) return FileKind::undecided;
    if (header.bytes.size() < header_bytes || !header.bytes.starts_with(std::string_view("SQLite format 3\0", 16))) {
        // A power loss may leave zeros where the header was being written: a hot journal cuts them off again, and -wal
        // holds what was being moved into the file. SQLite finds out.
        const bool zeros =
            std::all_of(header.bytes.begin(), header.bytes.end(), [](char byte) { return byte == '\0'; });
        if (zeros && (wal_bytes > 0 || bytes_of(*options.files, path + "-journal") > 0)) return FileKind::undecided;
        refuse(ErrorCode::not_a_daybook, resolved,
               fmt::format("its {} bytes do not begin as a SQLite file does; give a Daybook's path", header.size));
    }
    require_utf8(big_endian(header.bytes, 56), path);
    const SchemaReading reading{
        .application_id = big_endian(header.bytes, 68),
        .version = big_endian(header.bytes, 60),
    };
    if (reading.application_id == application_id) {
        if (reading.version > schema_version)
            require_readable_schema({SchemaState::newer, reading.application_id, reading.version}, path);
        return FileKind::daybook;
    }
    // Page 1 is the root of sqlite_schema: an empty leaf (13, with 0 cells) when there are no tables.
    const bool has_tables = header.bytes[100] != 13 || header.bytes[103] != 0 || header.bytes[104] != 0;
    if (reading.application_id != 0 || has_tables)
        require_readable_schema({SchemaState::foreign, reading.application_id, reading.version}, path);
    return FileKind::undecided;
}

std::unique_ptr<Connection> connect_for_reading(const std::filesystem::path& resolved, const StoreOptions& options) {
    return std::make_unique<Connection>(resolved.native(), reading_options(options));
}

Head read_head(Connection& connection) {
    // One statement, one snapshot.
    Statement statement = connection.prepare(
        "SELECT (SELECT store_id FROM store_info WHERE id = 1), e.seq, e.digest, r.result_seq, r.digest FROM (SELECT 1)"
        " LEFT JOIN (SELECT seq, digest FROM events_log ORDER BY seq DESC LIMIT 1) AS e"
        " LEFT JOIN (SELECT result_seq, digest FROM event_results_log ORDER BY result_seq DESC LIMIT 1) AS r");
    const ResetGuard guard(statement);
    if (!statement.step()) throw Error(ErrorCode::corrupt, "read the head of the log: no row");
    const std::optional<Uuid> store_id = Uuid::parse(statement.text(0));
    if (!store_id) throw Error(ErrorCode::corrupt, "read the head of the log: store_info holds no store_id");
    Head head;
    head.store_id = *store_id;
    if (!statement.is_null(1)) {
        head.seq = Sequence{statement.unsigned_integer(1)};
        head.digest = statement.digest(2);
    }
    if (!statement.is_null(3)) {
        head.result_seq = ResultSequence{statement.unsigned_integer(3)};
        head.result_digest = statement.digest(4);
    }
    return head;
}

std::optional<std::string> behind_mark(Connection& connection, const std::optional<Head>& mark) {
    if (!mark) return std::nullopt;
    const Head head = read_head(connection);
    if (head.store_id != mark->store_id) return std::nullopt;
    if (mark->seq > head.seq || mark->result_seq > head.result_seq)
        return fmt::format(
            "the log ends at event {} and result {}, but the mark in its lock file says that it reached event {} and "
            "result {}: "
            "its tail was lost (a damaged or missing -wal, or an older copy put in its place); nothing is written "
            "until "
            "`daybook doctor --accept-loss` or a restored backup",
            head.seq.value, head.result_seq.value, mark->seq.value, mark->result_seq.value);
    const auto differs = [&](const char* sql, std::uint64_t number, const Digest& digest) {
        if (number == 0) return false;
        Statement statement = connection.prepare(sql);
        const ResetGuard guard(statement);
        statement.bind(1, number);
        return !statement.step() || statement.digest(0) != digest;
    };
    if (differs("SELECT digest FROM events_log WHERE seq = ?", mark->seq.value, mark->digest) ||
        differs("SELECT digest FROM event_results_log WHERE result_seq = ?", mark->result_seq.value,
                mark->result_digest))
        return fmt::format(
            "the log's event {} or result {} is not the one that the mark in its lock file names: its history was "
            "replaced; "
            "nothing is written until `daybook doctor --accept-loss` or a restored backup",
            mark->seq.value, mark->result_seq.value);
    return std::nullopt;
}

namespace {

struct OpenedFile {
    ReadingConnection reading;
    std::optional<Head> mark;
};

OpenedFile open_file(const std::filesystem::path& path, const StoreOptions& options) {
    const std::filesystem::path resolved = resolve_path(path, options);
    const std::string& name = resolved.native();
    FileSystem& files = *options.files;
    switch (inspect_file(resolved, options)) {
        case FileKind::absent:
            refuse(ErrorCode::no_such_file, path, "there is no such file; `daybook init` makes one");
        case FileKind::undecided:
            // A last closer may have moved -wal into the file between the two looks: then the file shows it now.
            if (bytes_of(files, wal_path_of(name)) == 0 && inspect_file(resolved, options) == FileKind::undecided)
                require_readable_schema({}, name);
            break;
        case FileKind::daybook:
            break;
    }

    std::optional<LockFile> lock;
    try {
        if (files.exists(lock_path_of(name))) lock.emplace(files, name, false);
    } catch (const Error&) {
        // Not ours to read: then nobody is known to keep -wal alive, and there is no mark to compare.
    }

    OpenedFile file;
    ReadingConnection& opened = file.reading;
    std::optional<SchemaReading> schema;
    try {
        sync_orphaned_wal(name, files, lock ? &*lock : nullptr);
        if (lock) file.mark = lock->read_mark();
        opened.connection = connect_for_reading(resolved, options);
        schema = read_schema(*opened.connection);
    } catch (const Error& error) {
        const bool refused = error.code() == ErrorCode::permission_denied || error.code() == ErrorCode::read_only ||
                             error.code() == ErrorCode::io_error;
        if (!refused || !is_directory_unwritable(name)) throw;
        opened.connection.reset();
        std::uint64_t wal_bytes = 1;  // one that cannot even be looked at may hold anything
        try {
            wal_bytes = bytes_of(files, wal_path_of(name));
        } catch (const Error&) {
        }
        if (wal_bytes > 0)
            refuse(
                ErrorCode::read_only, resolved,
                fmt::format(
                    "its -wal holds commits that cannot be read from here ({}); use `daybook backup` where it can be "
                    "written, or copy the file and its -wal together to a directory of your own",
                    error.what()));
        // Nothing but the database file itself: it is read as it is, without locks, and cannot change under us unless
        // somebody else can write where we cannot.
        ConnectionOptions immutable = reading_options(options);
        immutable.immutable = true;
        opened.connection = std::make_unique<Connection>(name, immutable);
        opened.immutable = true;
        schema = read_schema(*opened.connection);
    }
    require_readable_schema(*schema, name);
    return file;
}

}  // namespace

ReadingConnection open_for_reading(const std::filesystem::path& path, const StoreOptions& given) {
    auto [opened, mark] = open_file(path, with_defaults(given));
    const std::string attempted = fmt::format("open {}", path.string());
    for (const std::string& what : require_own_schema(*opened.connection, attempted, SchemaUse::reading))
        opened.warnings.push_back(
            fmt::format("{}: {}: it is not used in reading; run verify before anything else", attempted, what));
    if (const auto behind = behind_mark(*opened.connection, mark)) opened.warnings.push_back(*behind);
    return std::move(opened);
}

std::unique_ptr<Connection> open_for_verifying(const std::filesystem::path& path, const StoreOptions& options) {
    return std::move(open_file(path, with_defaults(options)).reading.connection);
}

std::unique_ptr<Connection> open_reading_connection(const std::filesystem::path& path, const StoreOptions& options) {
    return open_for_reading(path, options).connection;
}

}  // namespace daybook
