// A progress line on standard error: bar, count, rate, time left. Only on a terminal; otherwise nothing at all.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include <daybook/event/clock.hpp>

#include "cli/output.hpp"

namespace daybook::cli {

/// Thread-safety: one thread at a time. The line is wiped when it is destroyed.
class Progress {
  public:
    /// `unit` is what is counted: `events`, `bytes`, `pages`. Shown in sizes when it is `bytes`.
    Progress(const Notes& notes, Clock& clock, std::string label, std::string unit);
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;
    ~Progress();

    /// `total` 0: unknown. Draws at most ten times a second.
    void update(std::uint64_t done, std::uint64_t total);
    /// Wipes the line; the next update() draws it anew. Call before a message goes to standard error.
    void clear() noexcept;

  private:
    [[nodiscard]] std::string quantity(std::uint64_t count) const;

    const Notes& notes_;
    Clock& clock_;
    std::string label_;
    std::string unit_;
    std::chrono::nanoseconds started_;
    std::chrono::nanoseconds last_drawn_{};
    bool on_screen_ = false;
};

}  // namespace daybook::cli
