// Copies pages with SQLite's backup API, from a connection that holds one read transaction from the first page to the
// last: others may write meanwhile, and the copy never starts again because they do. (VACUUM INTO would read one snapshot
// too, but it needs ATTACH, which our connections refuse, and it tells nothing of its progress.)
#include <daybook/store/backup.hpp>

#include <fmt/format.h>
#include <sqlite3.h>

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <daybook/event/error.hpp>
#include <daybook/store/log_files.hpp>
#include <daybook/store/verify.hpp>

#include "store/connection.hpp"
#include "store/lock_file.hpp"
#include "store/opening.hpp"
#include "store/sqlite_error.hpp"

namespace daybook {
namespace {

namespace fs = std::filesystem;

constexpr int pages_per_step = 256;  // 1 MiB: often enough for a progress bar

// A temporary name beside the target, removed with all that SQLite put beside it unless it was renamed.
class TemporaryCopy {
  public:
    TemporaryCopy(FileSystem& files, const fs::path& target, RandomSource& random) : files_(files) {
        std::array<std::byte, 8> bytes{};
        random.fill(bytes);
        std::string name = ".daybook-backup-";
        for (const std::byte byte : bytes) name += fmt::format("{:02x}", std::to_integer<unsigned>(byte));
        path_ = (target.parent_path() / name).native();
        for (std::size_t index = 0; index < suffixes.size(); ++index)
            companions_[index] = path_ + std::string(suffixes[index]);
        static_cast<void>(files_.open(path_, OpenMode::create_new));
    }
    ~TemporaryCopy() {
        if (!renamed_) remove(path_);
        remove_companions();
    }
    TemporaryCopy(const TemporaryCopy&) = delete;
    TemporaryCopy& operator=(const TemporaryCopy&) = delete;

    [[nodiscard]] const std::string& path() const noexcept { return path_; }
    void remove_companions() noexcept {
        for (const std::string& companion : companions_) remove(companion);
    }
    void rename(const std::string& target, bool replace) {
        if (replace) {
            files_.rename_replace(path_, target);
        } else {
            files_.rename_new(path_, target);
        }
        renamed_ = true;
    }

  private:
    void remove(const std::string& path) noexcept {
        try {
            if (files_.exists(path)) files_.remove(path);
        } catch (...) {
            // Nothing more can be done about a file that cannot be removed; its name says what it is.
        }
    }
    static constexpr std::array<std::string_view, 5> suffixes{"-wal", "-shm", "-journal", ".lock", ".wake"};

    FileSystem& files_;
    std::string path_;
    std::array<std::string, suffixes.size()> companions_;  // made beforehand: they are removed also without memory
    bool renamed_ = false;
};

struct FinishBackup {
    void operator()(sqlite3_backup* backup) const noexcept { sqlite3_backup_finish(backup); }
};

void refuse_target(const fs::path& path, const fs::path& target, const BackupOptions& options) {
    const std::string attempt = fmt::format("back up {} to {}", path.native(), target.native());
    if (target.filename().empty() || target.filename() == "." || target.filename() == ".." || fs::is_directory(target))
        throw Error(ErrorCode::unsupported_path, fmt::format("{}: that is a directory; name a file", attempt));
    if (is_log_file(path, target))
        throw Error(ErrorCode::unsupported_path,
                    fmt::format("{}: that is one of the log's own files; choose another name", attempt));
    if (!fs::is_directory(target.parent_path()))
        throw Error(ErrorCode::no_such_file,
                    fmt::format("{}: there is no directory {}; make it first", attempt, target.parent_path().native()));
    FileSystem& files = *options.store.files;
    if (files.exists(target.native()) && !options.replace)
        throw Error(ErrorCode::target_exists,
                    fmt::format("{}: the target exists; choose another name, or replace it (--force)", attempt));
    // SQLite would replay a -wal that lies beside the copy into the copy.
    const std::string wal = wal_path_of(target.native());
    if (files.exists(wal) && files.open(wal, OpenMode::read)->size() > 0)
        throw Error(
            ErrorCode::target_exists,
            fmt::format("{}: {} holds commits of another database and would be read into the copy; choose another name",
                        attempt, wal));
    const std::string lock = lock_path_of(target.native());
    if (files.exists(lock) && LockFile(files, target.native(), false).somebody_lives())
        throw Error(ErrorCode::busy, fmt::format("{}: a store has the target open; choose another name", attempt));
}

void copy_pages(Connection& source, const std::string& target, const BackupOptions& options) {
    Connection copy(target, {.writable = true, .synchronous_full = false, .vfs_name = options.store.vfs_name});
    // The copy is nobody's until it is renamed: its pages go to the file as they come, and it is synced once at the end.
    copy.execute("PRAGMA cache_spill = ON");
    copy.execute("PRAGMA synchronous = OFF");
    copy.execute("PRAGMA journal_mode = MEMORY");
    const std::unique_ptr<sqlite3_backup, FinishBackup> backup(
        sqlite3_backup_init(copy.handle(), "main", source.handle(), "main"));
    if (!backup) throw_sqlite_error(copy.handle(), fmt::format("begin the copy in {}", target));
    for (;;) {
        const int rc = sqlite3_backup_step(backup.get(), pages_per_step);
        const auto total = static_cast<std::uint64_t>(sqlite3_backup_pagecount(backup.get()));
        const auto remaining = static_cast<std::uint64_t>(sqlite3_backup_remaining(backup.get()));
        if (rc != SQLITE_OK && rc != SQLITE_DONE)
            throw_sqlite_error(rc, sqlite3_errstr(rc),
                               fmt::format("copy page {} of {} to {}", total - remaining, total, target));
        if (options.progress) options.progress(total - remaining, total);
        if (rc == SQLITE_DONE) return;
    }
}

Head verify_copy(const std::string& copy, const Head& source_head, const BackupOptions& options) {
    VerifyOptions verify_options{.head = source_head, .problems_max = 1, .store = options.store};
    const VerifyReport report = verify(copy, std::move(verify_options));
    if (report.ok()) return report.head;
    const std::string found = report.problems.empty() ? ""
                                                      : fmt::format(", first: {} [{}]", report.problems.front().message,
                                                                    report.problems.front().code);
    throw Error(
        ErrorCode::corrupt,
        fmt::format(
            "the copy does not verify: {} problem{}{}. The log itself is likely to have the same: run verify on it",
            report.problems_total, report.problems_total == 1 ? "" : "s", found));
}

}  // namespace

Head backup(const fs::path& path, const fs::path& target_path, BackupOptions options) {
    options.store.access = Access::read;
    options.store = with_defaults(std::move(options.store));
    FileSystem& files = *options.store.files;
    const fs::path target = fs::absolute(target_path);
    refuse_target(path, target, options);
    const std::unique_ptr<Connection> source = open_reading_connection(path, options.store);
    source->execute("BEGIN");
    const Head head = read_head(*source);  // takes the snapshot that is copied

    TemporaryCopy copy(files, target, *options.store.random);
    copy_pages(*source, copy.path(), options);
    source->rollback();
    const Head copied = verify_copy(copy.path(), head, options);
    copy.remove_companions();
    files.open(copy.path(), OpenMode::read_write)->sync();
    copy.rename(target.native(), options.replace);
    files.sync_directory(target.parent_path().native());
    return copied;
}

}  // namespace daybook
