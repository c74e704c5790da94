// Subscriptions: history first, then live, woken when any process commits. Pulled: no thread, no queue, so a slow
// subscriber reads the log later and stalls nobody.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include <daybook/event/event.hpp>
#include <daybook/event/window.hpp>

namespace daybook {

struct SubscriptionOptions {
    /// Which events: types, stream, source, correlation, causation, tags. Bounds, time, limit and reverse are refused.
    Window filter{};
    /// Begin after this position, whatever the checkpoint says. Default: from the checkpoint if it exists, otherwise
    /// from the start.
    std::optional<Position> after{};
    /// Where there is no checkpoint yet, begin after the head as it is now instead of from the start. Default: false.
    bool from_head = false;
    /// Name under which save() keeps the position in the file. Default: none.
    std::string checkpoint{};
    /// How often to look without having been woken. Default: 500 ms; 1 ms..1 min.
    std::chrono::milliseconds poll_interval{500};
};

/// Thread-safety: one thread at a time, but interrupt() from any. Must not outlive its store.
class Subscription {
  public:
    struct Impl;
    explicit Subscription(std::unique_ptr<Impl> impl) noexcept;
    Subscription(Subscription&&) noexcept;
    Subscription& operator=(Subscription&&) noexcept;
    ~Subscription();

    /// The next event, waiting at most `timeout` for one; null when none came or interrupt() was called. With a timeout
    /// of 0, null means that all there is was looked through. What it points to lives until the next call.
    /// Blocks: up to `timeout`. Throws Error: history_diverged - the kept position is not of this history.
    [[nodiscard]] const EventView* next(std::chrono::milliseconds timeout);
    /// The last event handed out, or passed over by the filter.
    [[nodiscard]] Position position() const;
    /// Keeps position() under the checkpoint's name, durably.
    /// Throws Error: checkpoint_conflict - somebody else moved this checkpoint; invalid_argument - no name was given.
    void save();
    /// Makes a waiting next() return null; one that is not waiting yet returns null before it would wait.
    void interrupt() noexcept;

  private:
    std::unique_ptr<Impl> impl_;
};

}  // namespace daybook
