// Accepting a loss: the evidence is copied aside first, then the mark is set to the log as it is.
#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <daybook/event/error.hpp>
#include <daybook/store/diagnosis.hpp>

#include "store/connection.hpp"
#include "store/lock_file.hpp"
#include "store/opening.hpp"
#include "store/sqlite_error.hpp"

namespace daybook {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t chunk_bytes = std::size_t{1} << 20;

// The database file, read through SQLite's VFS: a descriptor of our own, when closed, would drop the locks that other
// connections of this process hold on it.
class DatabaseFile {
  public:
    DatabaseFile(const std::string& path, const StoreOptions& options) : path_(path) {
        sqlite3_vfs* vfs = sqlite3_vfs_find(options.vfs_name.empty() ? nullptr : options.vfs_name.c_str());
        if (vfs == nullptr)
            throw Error(ErrorCode::invalid_argument,
                        fmt::format("open {}: there is no VFS called '{}'", path, options.vfs_name));
        name_.reset(sqlite3_create_filename(path.c_str(), "", "", 0, nullptr));
        room_ = std::make_unique<std::max_align_t[]>(
            static_cast<std::size_t>(vfs->szOsFile) / sizeof(std::max_align_t) + 1);
        if (!name_) throw Error(ErrorCode::out_of_memory, fmt::format("open {}", path));
        const int rc = vfs->xOpen(vfs, name_.get(), file(),
                                  SQLITE_OPEN_READONLY | SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_NOFOLLOW, nullptr);
        if (rc != SQLITE_OK) {
            close();
            throw_sqlite_error(rc, "it cannot be opened", fmt::format("open {}", path));
        }
    }
    ~DatabaseFile() { close(); }
    DatabaseFile(const DatabaseFile&) = delete;
    DatabaseFile& operator=(const DatabaseFile&) = delete;

    [[nodiscard]] std::uint64_t size() {
        sqlite3_int64 bytes = 0;
        check(file()->pMethods->xFileSize(file(), &bytes));
        return static_cast<std::uint64_t>(bytes);
    }
    /// All of `bytes` must be there.
    [[nodiscard]] std::string read_at(std::uint64_t offset, std::size_t bytes) {
        std::string text(bytes, '\0');
        check(
            file()->pMethods->xRead(file(), text.data(), static_cast<int>(bytes), static_cast<sqlite3_int64>(offset)));
        return text;
    }

  private:
    struct FreeName {
        void operator()(const char* name) const noexcept { sqlite3_free_filename(const_cast<char*>(name)); }
    };
    [[nodiscard]] sqlite3_file* file() const noexcept { return reinterpret_cast<sqlite3_file*>(room_.get()); }
    void check(int rc) const {
        if (rc != SQLITE_OK) throw_sqlite_error(rc, "it cannot be read", fmt::format("read {}", path_));
    }
    void close() noexcept {
        if (room_ && file()->pMethods != nullptr) file()->pMethods->xClose(file());
    }

    std::string path_;
    std::unique_ptr<const char, FreeName> name_;
    std::unique_ptr<std::max_align_t[]> room_;
};

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
    if (!behind_mark(*connection, mark))
        throw Error(
            ErrorCode::invalid_argument,
            fmt::format("{}: the log is not behind its mark; nothing was lost and nothing was changed", attempt));

    const std::string copy = name + ".loss-" + time_for_a_name(options.clock->now());
    std::vector<fs::path> copies;
    DatabaseFile database(name, options);
    copy_to_new_file(database, files, copy);
    copies.emplace_back(copy);
    if (const std::string wal = wal_path_of(name); files.exists(wal)) {
        const std::unique_ptr<File> source = files.open(wal, OpenMode::read);
        copy_to_new_file(*source, files, wal_path_of(copy));
        copies.emplace_back(wal_path_of(copy));
    }
    files.sync_directory(directory_of(name));
    lock.write_mark(read_head(*connection));
    connection->rollback();
    return copies;
}

}  // namespace daybook
