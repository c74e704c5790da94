// Sleeping on a word until another thread changes it: futex(2), without what std::atomic::wait() does before it. That yields
// a few times, whether it pays or not (yielding.hpp).
#pragma once

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <climits>
#include <cstdint>
#include <ctime>

namespace daybook {

static_assert(sizeof(std::atomic<std::uint32_t>) == sizeof(std::uint32_t));

/// Returns when somebody wakes one of the bits of `who` at this word, or when it is not `expected` (any more); sometimes for
/// no reason.
inline void futex_wait(std::atomic<std::uint32_t>& word, std::uint32_t expected, std::uint32_t who) noexcept {
    ::syscall(SYS_futex, &word, FUTEX_WAIT_BITSET_PRIVATE, expected, nullptr, nullptr, who);
}

/// As futex_wait() for everybody, but for so long at most.
inline void futex_wait_for(std::atomic<std::uint32_t>& word, std::uint32_t expected,
                           std::chrono::nanoseconds longest) noexcept {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(longest);
    const timespec time{.tv_sec = seconds.count(), .tv_nsec = (longest - seconds).count()};
    ::syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, expected, &time, nullptr, 0);
}

/// Wakes the one that has slept longest of those with a bit of `who`.
inline void futex_wake_one(std::atomic<std::uint32_t>& word, std::uint32_t who) noexcept {
    ::syscall(SYS_futex, &word, FUTEX_WAKE_BITSET_PRIVATE, 1, nullptr, nullptr, who);
}

inline void futex_wake_all(std::atomic<std::uint32_t>& word, std::uint32_t who) noexcept {
    ::syscall(SYS_futex, &word, FUTEX_WAKE_BITSET_PRIVATE, INT_MAX, nullptr, nullptr, who);
}

}  // namespace daybook
