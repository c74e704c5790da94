#include "store/yielding.hpp"

#include <sched.h>

namespace daybook {

namespace {

// Time slices given away were 3 to 4 ms (Linux 6.18).
constexpr std::chrono::nanoseconds slice = std::chrono::milliseconds(1);
// Yields are tried again after this; a slice given away each time is a few in a hundred of the time.
constexpr std::chrono::nanoseconds pause = std::chrono::milliseconds(100);

}  // namespace

bool Yielding::yield(std::chrono::nanoseconds now) noexcept {
    if (now < not_before_.load(std::memory_order_relaxed)) return false;
    yield_.load(std::memory_order_relaxed)();
    return true;
}

void Yielding::yield_to_system() noexcept {
    ::sched_yield();
}

void Yielding::judge(std::chrono::nanoseconds due, std::chrono::nanoseconds now) noexcept {
    if (now - due >= slice) not_before_.store(now + pause, std::memory_order_relaxed);
}

}  // namespace daybook
