#include "store/lock_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <thread>
#include <utility>

#include <daybook/event/error.hpp>
#include <daybook/event/sha256.hpp>

#include "store/mark.hpp"

namespace daybook {

namespace {

// Yields first: most transactions are shorter than a sleep. Then sleeps that grow, so that a long wait costs
// little.
class Patience {
  public:
    Patience(Clock& clock, std::chrono::nanoseconds timeout) : clock_(clock), deadline_(clock.steady() + timeout) {}

    /// False when the time is over.
    bool wait() {
        if (yields_ > 0) {
            --yields_;
            std::this_thread::yield();
            return true;
        }
        const auto left = deadline_ - clock_.steady();
        if (left <= std::chrono::nanoseconds(0)) return false;
        clock_.sleep_for(std::min<std::chrono::nanoseconds>(pause_, left));
        pause_ = std::min<std::chrono::nanoseconds>(pause_ * 2, std::chrono::milliseconds(2));
        return true;
    }

  private:
    Clock& clock_;
    std::chrono::nanoseconds deadline_;
    std::chrono::nanoseconds pause_ = std::chrono::microseconds(20);
    int yields_ = 20;
};

// The place of who is served next: given back when a scope ends, also by an exception. A place that is kept by mistake
// would keep every store of the file from writing.
class Turnstile {
  public:
    explicit Turnstile(File& file) : file_(file) {}
    ~Turnstile() { give_back(); }
    Turnstile(const Turnstile&) = delete;
    Turnstile& operator=(const Turnstile&) = delete;

    bool try_take() {
        if (!taken_) taken_ = file_.try_lock(LockFile::turnstile_byte, LockMode::exclusive);
        return taken_;
    }
    void give_back() noexcept {
        if (!std::exchange(taken_, false)) return;
        try {
            file_.unlock(LockFile::turnstile_byte);
        } catch (...) {
            // Unlocking fails only on a broken descriptor, whose locks are gone anyway.
        }
    }

  private:
    File& file_;
    bool taken_ = false;
};

}  // namespace

LockFile::LockFile(FileSystem& files, std::string database, bool create)
    : database_(std::move(database)),
      path_(lock_path_of(database_)),
      file_(files.open(path_, create ? OpenMode::create : OpenMode::read)) {}

LockFile::~LockFile() = default;

void LockFile::abandon() noexcept {
    file_.reset();
}

void LockFile::lock_writer(Clock& clock, std::chrono::nanoseconds timeout) {
    Patience patience(clock, timeout);
    Turnstile turnstile(*file_);
    while (!turnstile.try_take() || !file_->try_lock(writer_byte, LockMode::exclusive)) {
        if (patience.wait()) continue;
        turnstile.give_back();  // before the holder is looked for, which may take a while
        const std::optional<std::int64_t> holder = writer();
        throw Error(ErrorCode::busy,
                    fmt::format("write to {}: another store{} held {} for {:.3g} s; try again, or raise busy_timeout",
                                database_, holder ? fmt::format(" (process {})", *holder) : "", path_,
                                std::chrono::duration<double>(timeout).count()));
    }
}

bool LockFile::try_lock_writer() {
    Turnstile turnstile(*file_);
    return turnstile.try_take() && file_->try_lock(writer_byte, LockMode::exclusive);
}

void LockFile::unlock_writer() {
    file_->unlock(writer_byte);
}

bool LockFile::somebody_writes() {
    return file_->is_locked_by_other(writer_byte);
}

std::optional<std::int64_t> LockFile::writer() {
    return file_->lock_holder(writer_byte);
}

bool LockFile::try_hold_life_alone() {
    return file_->try_lock(life_byte, LockMode::exclusive);
}

void LockFile::share_life() {
    if (file_->try_lock(life_byte, LockMode::shared)) return;
    throw Error(ErrorCode::busy, fmt::format("open {}: another store is opening it; try again", database_));
}

void LockFile::release_life() noexcept {
    try {
        file_->unlock(life_byte);
    } catch (...) {
        // Closing the file gives it up as well.
    }
}

bool LockFile::somebody_lives() {
    return file_->is_locked_by_other(life_byte);
}

std::optional<Head> LockFile::read_mark() {
    return decode_mark(file_->read_at(mark_offset, mark_bytes));
}

void LockFile::write_mark(const Head& head) {
    file_->write_at(mark_offset, encode_mark(head));
}

void LockFile::clear_mark() {
    file_->write_at(mark_offset, std::string(mark_bytes, '\0'));
}

std::uint64_t LockFile::owner_byte(std::string_view name) {
    const Digest digest = sha256(name);
    std::uint64_t hash = 0;
    for (std::size_t index = 0; index < 6; ++index)
        hash = (hash << 8) | std::to_integer<std::uint64_t>(digest.bytes[index]);
    return owners_begin + hash;
}

bool LockFile::hold_owner(const std::string& name) {
    const std::lock_guard lock(owners_mutex_);
    if (owners_.contains(name) || !file_->try_lock(owner_byte(name), LockMode::exclusive)) return false;
    owners_.insert(name);
    return true;
}

void LockFile::release_owner(const std::string& name) noexcept {
    const std::lock_guard lock(owners_mutex_);
    if (owners_.erase(name) == 0) return;
    try {
        file_->unlock(owner_byte(name));
    } catch (...) {
        // An owner that cannot be given up seems to live on: recovery then leaves its work alone, which is
        // safe.
    }
}

bool LockFile::owner_is_gone(const std::string& name) {
    const std::lock_guard lock(owners_mutex_);
    // The system does not show this open file its own locks.
    return !owners_.contains(name) && !file_->is_locked_by_other(owner_byte(name));
}

WriterLock::~WriterLock() {
    try {
        file_->unlock_writer();
    } catch (...) {
        // Unlocking fails only on a broken descriptor, whose locks are gone anyway.
    }
}

}  // namespace daybook
