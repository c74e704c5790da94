#include <daybook/event/clock.hpp>

#include <chrono>
#include <thread>

namespace daybook {

Timestamp SystemClock::now() {
    const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
    return {std::chrono::duration_cast<std::chrono::nanoseconds>(since_epoch).count()};
}

std::chrono::nanoseconds SystemClock::steady() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch());
}

void SystemClock::sleep_for(std::chrono::nanoseconds duration) {
    std::this_thread::sleep_for(duration);
}

}  // namespace daybook
