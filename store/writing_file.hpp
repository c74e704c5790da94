// Opening a log for writing: the lock file, the first opener's duties, the mark, migration (RULES §2).
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <daybook/event/error.hpp>
#include <daybook/event/position.hpp>
#include <daybook/store/store_options.hpp>

#include "store/connection.hpp"
#include "store/lock_file.hpp"

namespace daybook {

struct WritingFile {
    std::unique_ptr<LockFile> lock;  ///< the life lock is shared
    std::unique_ptr<File> wake;      ///< touched after each commit
    /// Null when `refusal` says that nothing may be written.
    std::unique_ptr<Connection> connection;
    std::optional<Error> refusal;
    std::vector<std::string> warnings;
    Head head;
};

/// `resolved` must come from resolve_path(), `options` from with_defaults(). Makes the file when Access::create allows it.
/// Throws Error: as EventStore::open. A refused file and what lies beside it stay as they are.
[[nodiscard]] WritingFile open_for_writing(const std::filesystem::path& resolved, const StoreOptions& options);

/// The end of writing: when no other store lives, everything goes into the database file and -wal may be deleted. Closes
/// the connection and gives up the life lock in any case; the lock file itself stays open for owners' locks.
/// `trusted` false: after an I/O error nothing is moved into the database; the next opener finds out what is true.
/// Throws Error: what the last checkpoint met.
void close_for_writing(WritingFile& file, bool trusted, const StoreOptions& options);

}  // namespace daybook
