// Accepting a loss: the evidence is copied aside first, then the mark is set to the log as it is.
#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <daybook/event/error.hpp>
#include <daybook/store/diagnosis.hpp>

#include "store/connection.hpp"
#include "store/database_file.hpp"
#include "store/lock_file.hpp"
#include "store/opening.hpp"
#include "store/schema_check.hpp"

namespace daybook {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t chunk_bytes = std::size_t{1} << 20;

template <typename Source>
void copy_to_new_file(Source& source, FileSystem& files, const std::string& target) {
    const std::unique_ptr<File> copy = files.open(target, OpenMode::create_new);
    const std::uint64_t size = source.size();
    for (std::uint64_t offset = 0; offset < size;) {
        const std::size_t bytes = static_cast<std::size_t>(std::min<std::uint64_t>(chunk_bytes, size - offset));
        copy->append(source.read_at(offset, bytes));
        offset += bytes;
    }
    copy->sync();
}

// `20260131T120000.000123456Z`: sorts, and is a file name everywhere.
std::string time_for_a_name(Timestamp time) {
    std::string text = time.to_string();
    std::erase_if(text, [](char c) { return c == '-' || c == ':'; });
    return text;
}

}  // namespace

std::vector<fs::path> accept_loss(const fs::path& path, StoreOptions given) {
    const StoreOptions options = with_defaults(std::move(given));
    FileSystem& files = *options.files;
    const std::string name = resolve_path(path, options).native();
    const std::string attempt = fmt::format("accept the loss of {}", name);
    if (inspect_file(name, options) == FileKind::absent)
        throw Error(ErrorCode::no_such_file, fmt::format("{}: there is no such file", attempt));
    if (!files.exists(lock_path_of(name)))
        throw Error(ErrorCode::invalid_argument,
                    fmt::format("{}: it has no lock file and so no mark that it could lie behind", attempt));

    LockFile lock(files, name, true);
    const WriterLock writer(lock, *options.clock, options.busy_timeout);  // nobody commits or checkpoints until the end
    const std::optional<Head> mark = lock.read_mark();
    const std::unique_ptr<Connection> connection = connect_for_reading(name, options);
    connection->execute("BEGIN");
    static_cast<void>(require_own_schema(*connection, attempt, SchemaUse::reading));
    if (!behind_mark(*connection, mark))
        throw Error(
            ErrorCode::invalid_argument,
            fmt::format("{}: the log is not behind its mark; nothing was lost and nothing was changed", attempt));

    const std::string copy = name + ".loss-" + time_for_a_name(options.clock->now());
    std::vector<fs::path> copies;
    DatabaseFile database(name, options.vfs_name);
    copy_to_new_file(database, files, copy);
    copies.emplace_back(copy);
    if (const std::string wal = wal_path_of(name); files.exists(wal)) {
        const std::unique_ptr<File> source = files.open(wal, OpenMode::read);
        copy_to_new_file(*source, files, wal_path_of(copy));
        copies.emplace_back(wal_path_of(copy));
        source->sync();  // the mark will name what is in it: that must survive a power cut, as after any commit
    }
    files.sync_directory(directory_of(name));
    lock.write_mark(read_head(*connection));
    connection->rollback();
    return copies;
}

}  // namespace daybook
