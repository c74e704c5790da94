#include "store/lock_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include <daybook/event/error.hpp>
#include <daybook/event/sha256.hpp>

#include "store/mark.hpp"

namespace daybook {

namespace {

// Sleeps a part of what it has waited at its place: a hand-over costs little of the wait, and a long wait little of the
// processor. It does not yield: where other programs are busy, that costs a time slice.
class Patience {
  public:
    Patience(Clock& clock, std::chrono::nanoseconds timeout) : clock_(clock), deadline_(clock.steady() + timeout) {}

    /// False when the time is over.
    bool wait(std::size_t place) {
        const std::chrono::nanoseconds now = clock_.steady();
        if (std::exchange(place_, place) != place) since_ = now;
        if (now >= deadline_) return false;
        constexpr int part = 32;
        constexpr std::chrono::nanoseconds shortest = std::chrono::microseconds(20);
        constexpr std::chrono::nanoseconds longest = std::chrono::milliseconds(2);
        clock_.sleep_for(std::min(std::clamp((now - since_) / part, shortest, longest), deadline_ - now));
        return true;
    }

  private:
    Clock& clock_;
    const std::chrono::nanoseconds deadline_;
    std::size_t place_ = LockFile::line_places + 1;  // none yet
    std::chrono::nanoseconds since_{0};
};

// A place in the line for the writer lock: taken at the back, left only for the next one or for good, so that nobody is
// overtaken. Given up when a scope ends, also by an exception: a place that is kept by mistake would keep every store of
// the file from writing.
class PlaceInLine {
  public:
    explicit PlaceInLine(File& file) : file_(file) {}
    ~PlaceInLine() { leave(); }
    PlaceInLine(const PlaceInLine&) = delete;
    PlaceInLine& operator=(const PlaceInLine&) = delete;

    /// 0 is the front; LockFile::line_places: not in the line yet.
    [[nodiscard]] std::size_t number() const noexcept { return number_; }

    /// Goes forward while the next place is free. True: at the front.
    bool advance() {
        while (number_ > 0 && file_.try_lock(byte(number_ - 1), LockMode::exclusive)) {
            if (number_-- < LockFile::line_places) file_.unlock(byte(number_ + 1));
        }
        return number_ == 0;
    }
    void leave() noexcept {
        const std::size_t left = std::exchange(number_, LockFile::line_places);
        if (left == LockFile::line_places) return;
        try {
            file_.unlock(byte(left));
        } catch (...) {
            // Unlocking fails only on a broken descriptor, whose locks are gone anyway.
        }
    }

  private:
    static std::uint64_t byte(std::size_t number) { return LockFile::line_begin + number; }

    File& file_;
    std::size_t number_ = LockFile::line_places;
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

// Where nobody waits, the line need not be walked through: that is eight calls of the system.
bool LockFile::try_lock_writer() {
    return !file_->is_locked_by_other(line_begin, line_places) && file_->try_lock(writer_byte, LockMode::exclusive);
}

void LockFile::lock_writer(Clock& clock, std::chrono::nanoseconds timeout) {
    const bool others_wait = file_->is_locked_by_other(line_begin, line_places);
    if (!others_wait) begin_turn(clock);
    if ((!others_wait || clock.steady() < turn_ends_) && file_->try_lock(writer_byte, LockMode::exclusive)) return;
    Patience patience(clock, timeout);
    PlaceInLine place(*file_);
    while (!place.advance() || !file_->try_lock(writer_byte, LockMode::exclusive)) {
        if (patience.wait(place.number())) continue;
        place.leave();  // before the holder is looked for, which may take a while
        const std::optional<std::int64_t> holder = writer();
        throw Error(ErrorCode::busy,
                    fmt::format("write to {}: another store{} held {} for {:.3g} s; try again, or raise busy_timeout",
                                database_, holder ? fmt::format(" (process {})", *holder) : "", path_,
                                std::chrono::duration<double>(timeout).count()));
    }
    begin_turn(clock);
}

void LockFile::begin_turn(Clock& clock) {
    turn_ends_ = clock.steady() + turn;
}

void LockFile::unlock_writer() {
    file_->unlock(writer_byte);
}

bool LockFile::somebody_writes() {
    return file_->is_locked_by_other(writer_byte, 1);
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
    return file_->is_locked_by_other(life_byte, 1);
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
    return !owners_.contains(name) && !file_->is_locked_by_other(owner_byte(name), 1);
}

WriterLock::~WriterLock() {
    try {
        file_->unlock_writer();
    } catch (...) {
        // Unlocking fails only on a broken descriptor, whose locks are gone anyway.
    }
}

}  // namespace daybook
