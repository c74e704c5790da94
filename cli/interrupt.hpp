// SIGINT: a flag that loops look at, and a watcher that stops a call which has no loop of ours.
//
// The first SIGINT asks for a clean stop; the second one ends the process at once (nothing acknowledged is lost by that).
#pragma once

#include <functional>
#include <memory>

namespace daybook::cli {

/// Installs the handlers: SIGINT sets the flag, SIGPIPE is ignored. Call once, in main.
void install_signal_handlers();

/// Whether SIGINT came.
[[nodiscard]] bool interrupt_requested() noexcept;

/// Throws Interrupted when SIGINT came.
void throw_if_interrupted();

/// While it lives, `stop` is called on a thread of its own when SIGINT comes: for a long call into SQLite.
class InterruptWatch {
  public:
    explicit InterruptWatch(std::function<void()> stop);
    InterruptWatch(const InterruptWatch&) = delete;
    InterruptWatch& operator=(const InterruptWatch&) = delete;
    ~InterruptWatch();

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace daybook::cli
