// Opening a log's file: which paths are refused, what the file is, and how a reading connection is made
// (RULES §2, §3).
//
// Nothing here is remembered between calls: there is no table of open files. See docs/internals/opening.md.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <daybook/event/position.hpp>
#include <daybook/store/store_options.hpp>

#include "store/connection.hpp"
#include "store/lock_file.hpp"

namespace daybook {

/// The one spelling of `path` that the lock file, SQLite and messages use: absolute, links resolved.
/// Throws Error: unsupported_path - empty, `:memory:`, `file:…`, a directory, no regular file, several hard
/// links, a link that leads nowhere; network_file_system; permission_denied.
[[nodiscard]] std::filesystem::path resolve_path(const std::filesystem::path& path, const StoreOptions& options);

/// What the file is, as its first bytes tell. A Daybook's newest commits may still be in -wal.
enum class FileKind : std::uint8_t {
    absent,
    undecided,  ///< 0 bytes, or an SQLite file with no tables and application_id 0: new, unless -wal holds
                ///< more
    daybook,
};

/// Reads the header without opening a connection: nothing is written, no file appears beside it, and SQLite's
/// locks of other connections of this process stay (the bytes are read through SQLite's own VFS, which keeps
/// account of them). `resolved` must come from resolve_path(). Throws Error: not_a_daybook, schema_too_new,
/// permission_denied, io_error.
[[nodiscard]] FileKind inspect_file(const std::filesystem::path& resolved, const StoreOptions& options);

struct ReadingConnection {
    std::unique_ptr<Connection> connection;
    bool immutable = false;             ///< opened without locks: the directory cannot be written, and -wal is empty
    std::vector<std::string> warnings;  ///< for example that the log lies behind its mark
};

/// Opens an existing log for reading: refuses what must be refused, makes a -wal that nobody keeps alive
/// durable, looks at the schema, compares the mark. Throws Error: no_such_file, not_a_daybook (also a new file: run
/// init), schema_too_new, schema_too_old, unsupported_path,
///               network_file_system, permission_denied, read_only - a -wal with commits that cannot be
///               opened here; busy, io_error, corrupt - also tables and indexes that are not the schema's.
[[nodiscard]] ReadingConnection open_for_reading(const std::filesystem::path& path, const StoreOptions& options);

/// The same, but leaves schema and mark to the caller, who reports on them; no statement has touched a table.
[[nodiscard]] std::unique_ptr<Connection> open_for_verifying(const std::filesystem::path& path,
                                                             const StoreOptions& options);

/// The same for who does not show warnings.
[[nodiscard]] std::unique_ptr<Connection> open_reading_connection(const std::filesystem::path& path,
                                                                  const StoreOptions& options);

/// One more reading connection to a log that this store has open for writing: no checks.
[[nodiscard]] std::unique_ptr<Connection> connect_for_reading(const std::filesystem::path& resolved,
                                                              const StoreOptions& options);

/// Both chains' ends in one snapshot. The file must have its tables.
[[nodiscard]] Head read_head(Connection& connection);

/// What is wrong when the log does not reach the mark, or is another history at it; empty when all is well.
/// The mark must have been read before the snapshot that `connection` sees.
[[nodiscard]] std::optional<std::string> behind_mark(Connection& connection, const std::optional<Head>& mark);

/// For reading; null when there is no such file. Another process may make and delete -wal at any time.
[[nodiscard]] std::unique_ptr<File> open_if_there(FileSystem& files, const std::string& path);
/// Its size; 0 when there is no such file.
[[nodiscard]] std::uint64_t bytes_of(FileSystem& files, const std::string& path);

/// The machine's own where `options` name none.
[[nodiscard]] StoreOptions with_defaults(StoreOptions options);

}  // namespace daybook
