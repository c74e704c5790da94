// Giving the processor to whoever is ready, instead of sleeping: to sleep and to be woken costs some microseconds. It pays only
// while the processors have nothing else to do: where other threads keep them busy, a yield gives away a whole time slice, and
// 16 callers of one store then commit a sixth of the events.
#pragma once

#include <atomic>
#include <chrono>

namespace daybook {

/// Times are those of one steady clock. Thread-safety: safe from any thread.
class Yielding {
  public:
    /// False, without a yield, for a tenth of a second after one that came back late: sleep instead.
    [[nodiscard]] bool yield(std::chrono::nanoseconds now) noexcept;
    /// Somebody who yielded goes on `now`, and could have since `due`. A millisecond or more ends the yields.
    void judge(std::chrono::nanoseconds due, std::chrono::nanoseconds now) noexcept;

    /// For tests: what is called instead of the system's.
    void yield_by(void (*function)() noexcept) noexcept { yield_.store(function, std::memory_order_relaxed); }

  private:
    static void yield_to_system() noexcept;

    std::atomic<void (*)() noexcept> yield_{yield_to_system};
    std::atomic<std::chrono::nanoseconds> not_before_{std::chrono::nanoseconds::min()};
};

}  // namespace daybook
