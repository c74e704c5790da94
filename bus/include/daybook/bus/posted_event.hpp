// A handle on an event whose handlers are queued.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <daybook/event/event.hpp>
#include <daybook/event/event_result.hpp>

namespace daybook {

/// The event is durable already. Copies are handles on the same event; dropping them changes nothing.
/// Thread-safety: safe from any thread. May outlive its bus.
class PostedEvent {
  public:
    struct Impl;
    explicit PostedEvent(std::shared_ptr<Impl> impl) noexcept;

    [[nodiscard]] const Event& event() const noexcept;
    /// The event was in the log before: nothing was written or queued.
    [[nodiscard]] bool already_appended() const noexcept;
    /// Whether every handler has its outcome (or will get none, because the bus has closed).
    [[nodiscard]] bool is_done() const;
    /// As Emitted::results.
    [[nodiscard]] std::vector<EventResult> results() const;
    /// As Emitted::outcome_error.
    [[nodiscard]] std::string outcome_error() const;

    /// Waits until it is done; false when `timeout` came first (the handlers go on).
    /// Blocks: up to `timeout`. A bus without workers runs its queue on this thread, oldest first, until this
    /// event is done; in a handler, this event's own queued handlers run here, as with now(). A handler that
    /// runs here is not cut short.
    bool wait(std::chrono::nanoseconds timeout = std::chrono::nanoseconds::max());
    /// Runs what is still queued of this event on this thread, ahead of the queue, then waits for what runs
    /// elsewhere. Returns results().
    std::vector<EventResult> now();

  private:
    std::shared_ptr<Impl> impl_;
};

}  // namespace daybook
