// A clock that stands still until it is told to move. For tests of code that takes a daybook::Clock.
#pragma once

#include <atomic>
#include <chrono>

#include <daybook/event/clock.hpp>

namespace daybook::testkit {

/// Thread-safety: safe from any thread.
class FakeClock final : public Clock {
  public:
    /// Starts at 2026-01-31T12:00:00Z unless told otherwise.
    explicit FakeClock(Timestamp start = Timestamp{1'769'860'800'000'000'000}) : now_ns_(start.ns) {}

    [[nodiscard]] Timestamp now() override { return Timestamp{now_ns_.load()}; }
    [[nodiscard]] std::chrono::nanoseconds steady() override { return std::chrono::nanoseconds(steady_ns_.load()); }
    /// Moves both clocks on and returns at once.
    void sleep_for(std::chrono::nanoseconds duration) override { advance(duration); }

    void advance(std::chrono::nanoseconds duration) {
        now_ns_ += duration.count();
        steady_ns_ += duration.count();
    }
    /// Sets the wall clock, also backwards; the steady clock does not notice.
    void set(Timestamp time) { now_ns_ = time.ns; }

  private:
    std::atomic<std::int64_t> now_ns_;
    std::atomic<std::int64_t> steady_ns_{0};
};

}  // namespace daybook::testkit
