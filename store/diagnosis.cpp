// One function for each topic; each looks, and says what to do. None of them writes, and none opens the database file by a
// descriptor of its own, which would drop this process's locks on it.
#include <daybook/store/diagnosis.hpp>

#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include <daybook/event/error.hpp>

#include "store/connection.hpp"
#include "store/file_system_type.hpp"
#include "store/lock_file.hpp"
#include "store/opening.hpp"
#include "store/wal_index.hpp"

namespace daybook {
namespace {

namespace fs = std::filesystem;
using Level = Finding::Level;

constexpr int sqlite_with_wal_reset_fix = 3'051'003;        // 3.51.3
constexpr int sqlite_with_savepoint_spill_fix = 3'050'002;  // 3.50.2
constexpr std::uint64_t mebibyte = std::uint64_t{1} << 20;
constexpr std::uint64_t wal_bytes_warned = 64 * mebibyte;
constexpr std::uint64_t disk_bytes_warned = 1'024 * mebibyte;
constexpr std::uint64_t disk_bytes_needed = 64 * mebibyte;

std::string size_text(std::uint64_t bytes) {
    if (bytes < 1'024) return fmt::format("{} bytes", bytes);
    if (bytes < mebibyte) return fmt::format("{:.1f} KiB", static_cast<double>(bytes) / 1'024.0);
    if (bytes < 1'024 * mebibyte)
        return fmt::format("{:.1f} MiB", static_cast<double>(bytes) / static_cast<double>(mebibyte));
    return fmt::format("{:.1f} GiB", static_cast<double>(bytes) / static_cast<double>(1'024 * mebibyte));
}

std::string count_text(std::uint64_t count, std::string_view noun) {
    return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

class Diagnosis {
  public:
    Diagnosis(std::string database, const StoreOptions& options) : database_(std::move(database)), options_(options) {}

    std::vector<Finding> run() {
        look_at_sqlite();
        look_at_file_system();
        look_at_permissions();
        look_at_disk();
        open_lock_file();
        look_at_writer();
        if (open_log()) {
            look_at_mark();
            look_at_durability();
            look_at_wal();
            look_at_readers();
            look_at_journals();
            look_at_unfinished();
        }
        return std::move(findings_);
    }

  private:
    void add(Level level, std::string_view topic, std::string value, std::string advice = {}) {
        findings_.push_back({level, std::string(topic), std::move(value), std::move(advice)});
    }

    void look_at_sqlite() {
        add(Level::ok, "sqlite",
            fmt::format("SQLite {} ({})", sqlite3_libversion(),
                        sqlite3_threadsafe() != 0 ? "threadsafe" : "NOT threadsafe"));
        look_at_fix("fix_wal_reset", sqlite_with_wal_reset_fix, "3.51.3",
                    "a checkpoint at the moment of a commit can lose commits",
                    "the store's writer lock around each commit and checkpoint covers it. Let no other program write "
                    "or checkpoint "
                    "this file while a store has it open");
        look_at_fix("fix_savepoint_spill", sqlite_with_savepoint_spill_fix, "3.50.2",
                    "a savepoint rolled back after the page cache spilled can lose commits",
                    "the store covers it: its cache never spills and its batches use no savepoints. Let no other "
                    "program write this file");
    }

    void look_at_fix(std::string_view topic, int since, std::string_view since_text, std::string_view danger,
                     std::string_view advice) {
        if (sqlite3_libversion_number() >= since)
            add(Level::ok, topic, fmt::format("present (fixed in {})", since_text));
        else
            add(Level::note, topic, fmt::format("absent before {}: {}", since_text, danger), std::string(advice));
    }

    void look_at_file_system() {
        const std::optional<FileSystemType> type = file_system_type_of(database_);
        if (!type)
            add(Level::note, "file_system", fmt::format("cannot be told: {}", std::strerror(errno)));
        else if (type->name == nullptr)
            add(Level::note, "file_system", fmt::format("type 0x{:x}, not known to this program", type->magic),
                "make sure that it is a local one");
        else if (type->is_network)
            add(Level::problem, "file_system", fmt::format("{}, over a network or a user process", type->name),
                "move the log to a local disk: SQLite's write-ahead log is not safe here");
        else if (type->is_in_memory)
            add(Level::note, "file_system", fmt::format("{}, in memory", type->name),
                "the log is gone after a restart of the machine; move it to a disk if it matters");
        else
            add(Level::ok, "file_system", fmt::format("{}, local", type->name));
    }

    void look_at_permissions() {
        struct stat file {};
        struct stat directory {};
        const std::string directory_name = directory_of(database_);
        if (::stat(database_.c_str(), &file) != 0 || ::stat(directory_name.c_str(), &directory) != 0) {
            add(Level::note, "permissions", fmt::format("cannot be told: {}", std::strerror(errno)));
            return;
        }
        const std::string modes =
            fmt::format("file {:04o}, directory {:04o}", file.st_mode & 07777U, directory.st_mode & 07777U);
        constexpr unsigned others_write = S_IWGRP | S_IWOTH;
        if ((file.st_mode & others_write) != 0)
            add(Level::problem, "permissions", fmt::format("{}: other users can write the log", modes),
                fmt::format("chmod 600 '{}'", database_));
        else if ((directory.st_mode & others_write) != 0 && (directory.st_mode & S_ISVTX) == 0)
            add(Level::problem, "permissions", fmt::format("{}: other users can replace the log's files", modes),
                fmt::format("chmod go-w '{}'", directory_name));
        else if ((file.st_mode & (S_IRGRP | S_IROTH)) != 0)
            add(Level::note, "permissions", fmt::format("{}: other users can read the log", modes),
                fmt::format("chmod 600 '{}' unless they should", database_));
        else
            add(Level::ok, "permissions", modes);
    }

    void look_at_disk() {
        struct statvfs info {};
        if (::statvfs(database_.c_str(), &info) != 0) {
            add(Level::note, "disk", fmt::format("cannot be told: {}", std::strerror(errno)));
            return;
        }
        const std::uint64_t free = std::uint64_t{info.f_bavail} * info.f_frsize;
        const std::string value = fmt::format("{} free", size_text(free));
        if (free < disk_bytes_needed)
            add(Level::problem, "disk", value, "make room: appends are refused with disk_full when there is none");
        else if (free < disk_bytes_warned)
            add(Level::note, "disk", value, "make room before it runs out");
        else
            add(Level::ok, "disk", value);
    }

    void open_lock_file() {
        try {
            if (options_.files->exists(lock_path_of(database_))) lock_.emplace(*options_.files, database_, false);
        } catch (const Error& error) {
            add(Level::note, "writer", fmt::format("the lock file cannot be read: {}", error.what()));
        }
    }

    void look_at_writer() {
        if (!lock_) {
            add(Level::ok, "writer", "no lock file: no store has written here since the file was put in its place");
            return;
        }
        const std::string lives =
            lock_->somebody_lives() ? "a store has it open for writing" : "no store has it open for writing";
        if (!lock_->somebody_writes()) {
            add(Level::ok, "writer", fmt::format("{}; nobody holds the writer lock", lives));
            return;
        }
        const auto process = lock_->writer();
        add(Level::ok, "writer",
            fmt::format("{}; the writer lock is held{}", lives,
                        process ? fmt::format(" by process {}", *process) : ", by whom the system does not tell"),
            "when it stays held, look at what that process does: others wait for it");
    }

    bool open_log() {
        try {
            if (lock_) mark_ = lock_->read_mark();  // before the snapshot that it is compared with
            ReadingConnection opened = open_for_reading(database_, options_);
            log_ = std::move(opened.connection);
            immutable_ = opened.immutable;
            return true;
        } catch (const Error& error) {
            if (error.code() != ErrorCode::corrupt && error.code() != ErrorCode::io_error &&
                error.code() != ErrorCode::read_only && error.code() != ErrorCode::busy)
                throw;
            add(Level::problem, "sqlite", error.what(),
                error.code() == ErrorCode::corrupt ? "run verify; restore a backup" : "");
            return false;
        }
    }

    void look_at_mark() {
        if (!mark_) {
            add(Level::note, "mark", "none: a log that lost its tail would not be noticed at open",
                "the next store that writes leaves one; keep heads elsewhere (`daybook head`)");
            return;
        }
        if (const auto behind = behind_mark(*log_, mark_))
            add(Level::problem, "mark", *behind,
                "keep copies of the file and its -wal; restore a backup or a -wal that was set aside, or run `daybook "
                "doctor "
                "--accept-loss`, which copies both aside and goes on from the log as it is");
        else
            add(Level::ok, "mark",
                fmt::format("at event {} and result {}, which the log holds", mark_->seq.value,
                            mark_->result_seq.value));
    }

    void look_at_durability() {
        const auto since = log_->query_integer("SELECT normal_durability_since FROM store_info");
        if (since)
            add(Level::note, "durability",
                fmt::format("written with durability=normal since {}", Timestamp{*since}.to_string()),
                "after a power loss the last commits may be gone and their seqs be used again: keep positions with "
                "their digests");
        else
            add(Level::ok, "durability", "always written with durability=full");
    }

    void look_at_wal() {
        std::error_code error;
        const std::uintmax_t found = fs::file_size(wal_path_of(database_), error);
        const std::uint64_t bytes = error ? 0 : found;
        const std::string value = fmt::format("-wal has {}", size_text(bytes));
        if (bytes >= wal_bytes_warned)
            add(Level::problem, "wal", value,
                "a checkpoint is held back, or none was made: see readers; end the oldest one, then open the log for "
                "writing once");
        else
            add(Level::ok, "wal", value);
    }

    void look_at_readers() {
        const auto index = immutable_ ? std::nullopt : read_wal_index(*log_, database_);
        if (!index) {
            add(Level::ok, "readers", "the wal-index is not in use");
            return;
        }
        const std::uint32_t waiting = index->frames - index->backfilled;
        std::string value =
            fmt::format("{} in -wal, {} not yet in the database file", count_text(index->frames, "frame"), waiting);
        if (!index->readers.empty()) {
            const WalIndex::Reader& oldest = index->readers.front();
            value += fmt::format("; the oldest of {} is process {}, at frame {}",
                                 count_text(index->readers.size(), "reader"), oldest.process, oldest.frame);
            const bool holds_back = oldest.frame < index->frames;
            add(holds_back ? Level::note : Level::ok, "readers", std::move(value),
                holds_back ? "a checkpoint moves nothing past that frame until this reader ends its transaction" : "");
            return;
        }
        value +=
            index->readers_known ? "; no reader holds a checkpoint back" : "; who reads cannot be told on this system";
        add(Level::ok, "readers", std::move(value));
    }

    void look_at_journals() {
        const Head head = read_head(*log_);
        Statement rows(*log_,
                       "SELECT substr(name, 9), seq, digest, result_seq, result_digest FROM checkpoints "
                       "WHERE name GLOB 'journal:*' ORDER BY name");
        Statement event(*log_, "SELECT digest FROM events_log WHERE seq = ?1");
        Statement result(*log_, "SELECT digest FROM event_results_log WHERE result_seq = ?1");
        const auto is_of_this_log = [](Statement& at, std::uint64_t seq, const Digest& digest) {
            if (seq == 0) return true;
            const ResetGuard guard(at);
            at.bind(1, seq);
            return at.step() && at.digest(0) == digest;
        };
        bool any = false;
        while (rows.step()) {
            any = true;
            const std::uint64_t seq = rows.unsigned_integer(1);
            const std::uint64_t result_seq = rows.unsigned_integer(3);
            if (!is_of_this_log(event, seq, rows.digest(2)) || !is_of_this_log(result, result_seq, rows.digest(4))) {
                add(Level::problem, "journal",
                    fmt::format("{}: its position, event {} and result {}, is not of this history", rows.text(0), seq,
                                result_seq),
                    "the next bus that opens it sets it aside as `.diverged-<time>` and begins a new one");
                continue;
            }
            const std::uint64_t events_behind = head.seq.value - seq;
            const std::uint64_t results_behind = head.result_seq.value - result_seq;
            if (events_behind == 0 && results_behind == 0)
                add(Level::ok, "journal", fmt::format("{}: at the head", rows.text(0)));
            else
                add(Level::note, "journal",
                    fmt::format("{}: {} and {} behind the head", rows.text(0), count_text(events_behind, "event"),
                                count_text(results_behind, "result")),
                    "open the bus that keeps it: it catches up by itself");
        }
        if (!any) add(Level::ok, "journal", "none is kept");
    }

    void look_at_unfinished() {
        Statement rows(*log_, "SELECT owner, count(*), sum(recoverable) FROM unfinished_handlers GROUP BY owner");
        std::uint64_t all = 0;
        std::uint64_t orphaned = 0;
        std::uint64_t recoverable = 0;
        std::uint64_t owners_gone = 0;
        while (rows.step()) {
            all += rows.unsigned_integer(1);
            if (lock_ && !lock_->owner_is_gone(std::string(rows.text(0)))) continue;
            ++owners_gone;
            orphaned += rows.unsigned_integer(1);
            recoverable += rows.unsigned_integer(2);
        }
        const std::string value = fmt::format("{}, {} of them of {} gone", count_text(all, "unfinished handler"),
                                              orphaned, count_text(owners_gone, "owner"));
        if (orphaned == 0)
            add(Level::ok, "unfinished", all == 0 ? std::string("none") : value);
        else
            add(Level::note, "unfinished", value,
                fmt::format("`daybook unfinished` lists them; recover() on a bus of the same name re-runs the {} that "
                            "can be re-run",
                            recoverable));
    }

    const std::string database_;
    const StoreOptions& options_;
    std::vector<Finding> findings_;
    std::optional<LockFile> lock_;
    std::optional<Head> mark_;
    std::unique_ptr<Connection> log_;
    bool immutable_ = false;
};

}  // namespace

std::vector<Finding> diagnose(const fs::path& path, StoreOptions given) {
    given.access = Access::read;
    StoreOptions options = with_defaults(std::move(given));
    options.allow_network_file_system = true;  // it is a finding, not a refusal
    const fs::path database = resolve_path(path, options);
    if (inspect_file(database, options) == FileKind::absent)
        throw Error(ErrorCode::no_such_file,
                    fmt::format("examine {}: there is no such file; `daybook init` makes one", path.string()));
    return Diagnosis(database.native(), options).run();
}

}  // namespace daybook
