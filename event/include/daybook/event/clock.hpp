// Where the time comes from. Everything below main() gets its clock handed in.
#pragma once

#include <chrono>

#include <daybook/event/timestamp.hpp>

namespace daybook {

/// Thread-safety: implementations are safe from any thread.
class Clock {
  public:
    virtual ~Clock() = default;
    /// The wall clock.
    [[nodiscard]] virtual Timestamp now() = 0;
    /// A clock that never steps, for durations.
    [[nodiscard]] virtual std::chrono::nanoseconds steady() = 0;
    /// Waits; a fake clock may return at once and advance itself.
    virtual void sleep_for(std::chrono::nanoseconds duration) = 0;
};

/// The machine's clocks.
class SystemClock final : public Clock {
  public:
    [[nodiscard]] Timestamp now() override;
    [[nodiscard]] std::chrono::nanoseconds steady() override;
    void sleep_for(std::chrono::nanoseconds duration) override;
};

}  // namespace daybook
