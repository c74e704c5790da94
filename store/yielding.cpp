#include "store/yielding.hpp"

#include <sched.h>

namespace daybook {

namespace {

// Time slices given away were 3 to 4 ms; a round of 64 callers is a quarter of one.
constexpr std::chrono::nanoseconds slice = std::chrono::milliseconds(1);
// So that they are a few in a hundred.
constexpr std::chrono::nanoseconds pause = std::chrono::milliseconds(100);

}  // namespace

bool Yielding::yield(std::chrono::nanoseconds now) {
    if (now < not_before_.load(std::memory_order_relaxed)) return false;
    ::sched_yield();
    return true;
}

void Yielding::judge(std::chrono::nanoseconds late, std::chrono::nanoseconds now) noexcept {
    if (late >= slice) not_before_.store(now + pause, std::memory_order_relaxed);
}

}  // namespace daybook
