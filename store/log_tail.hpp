// The events behind the last complete run, which no table knows: read once and kept by a store's readers together, and read
// on as the log grows.
#pragma once

#include <cstdint>
#include <mutex>
#include <string_view>

#include "store/reader_pool.hpp"
#include "store/run_layout.hpp"

namespace daybook {

/// What is kept of an event is the derived class's: it holds at most a few runs' worth.
/// Thread-safety: mutex_ is held while anything of it is used.
class LogTail {
  protected:
    /// `events_sql`: ?1 seq → seq and whatever add() takes, of every event after it, ascending.
    explicit LogTail(std::string_view events_sql) noexcept : events_sql_(events_sql) {}
    LogTail(const LogTail&) = delete;
    LogTail& operator=(const LogTail&) = delete;
    ~LogTail() = default;

    /// Up to the end that the read transaction of `lease` sees, or farther. Throws Error; what is kept stays true.
    void read_on(ReaderPool::Lease& lease, const RunLayout& layout);

    std::mutex mutex_;

  private:
    virtual void add(std::uint64_t seq, const Statement& event) = 0;
    virtual void clear() noexcept = 0;
    void start_over(std::uint64_t after) noexcept;

    const std::string_view events_sql_;
    std::uint64_t after_ = 0;
    std::uint64_t last_ = 0;  // what is kept is of the events after after_, up to this one
};

}  // namespace daybook
