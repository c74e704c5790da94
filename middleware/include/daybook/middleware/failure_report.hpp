// Failures of those who only watch: counted always, reported at most once a second, never passed on.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include <daybook/event/clock.hpp>

namespace daybook {

/// What a report callback is told.
struct FailureReport {
    std::string_view who;      ///< the middleware, or "outcomes"
    std::string_view what;     ///< the hook or step that failed
    std::string_view message;  ///< of the last failure
    std::uint64_t count = 0;   ///< failures since the last report, this one included
    std::uint64_t total = 0;   ///< failures of this `who` so far
};

/// How often somebody failed so far.
struct FailureCount {
    std::string who;
    std::uint64_t total = 0;
    std::string last_message{};  ///< empty when total is 0
};

/// Counts the failures of one middleware and reports them: the first at once, later ones together, one report
/// for each `interval`; the rest with report_rest(). Thread-safety: safe from any thread; the callback is
/// called without a lock.
class FailureMeter {
  public:
    using Callback = std::function<void(const FailureReport&)>;

    FailureMeter(std::string who, Clock& clock, Callback callback,
                 std::chrono::nanoseconds interval = std::chrono::seconds(1));

    void failed(std::string_view what, std::string_view message) noexcept;
    /// As failed(), with the message of the exception that is being handled.
    void failed_with_current_exception(std::string_view what) noexcept;
    /// Reports what the interval has held back.
    void report_rest() noexcept;
    [[nodiscard]] FailureCount count() const;

  private:
    void report(std::string_view what, std::string_view message, std::uint64_t count, std::uint64_t total) noexcept;

    const std::string who_;
    Clock& clock_;
    const Callback callback_;
    const std::chrono::nanoseconds interval_;
    mutable std::mutex mutex_;
    std::uint64_t total_ = 0;                                // guarded by mutex_
    std::uint64_t unreported_ = 0;                           // guarded by mutex_
    std::string last_what_;                                  // guarded by mutex_
    std::string last_message_;                               // guarded by mutex_
    std::optional<std::chrono::nanoseconds> last_report_{};  // guarded by mutex_
};

}  // namespace daybook
