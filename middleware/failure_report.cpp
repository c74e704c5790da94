// Counting and rate-limiting of failures; see the header.
#include "daybook/middleware/failure_report.hpp"

#include <exception>
#include <utility>

namespace daybook {

FailureMeter::FailureMeter(std::string who, Clock& clock, Callback callback, std::chrono::nanoseconds interval)
    : who_(std::move(who)), clock_(clock), callback_(std::move(callback)), interval_(interval) {}

void FailureMeter::report(std::string_view what, std::string_view message, std::uint64_t count,
                          std::uint64_t total) noexcept {
    if (!callback_) return;
    try {
        callback_(FailureReport{who_, what, message, count, total});
    } catch (...) {
        // Whoever listens to failures must not become one for the emitter.
        return;
    }
}

void FailureMeter::failed(std::string_view what, std::string_view message) noexcept {
    std::uint64_t count = 0;
    std::uint64_t total = 0;
    {
        const std::lock_guard lock(mutex_);
        total = ++total_;
        ++unreported_;
        try {
            last_what_.assign(what);
            last_message_.assign(message);
            const std::chrono::nanoseconds now = clock_.steady();
            if (last_report_ && now - *last_report_ < interval_) return;
            last_report_ = now;
        } catch (...) {
            return;  // counted; without memory there is nothing to say it with
        }
        count = std::exchange(unreported_, 0);
    }
    report(what, message, count, total);
}

void FailureMeter::failed_with_current_exception(std::string_view what) noexcept {
    try {
        throw;
    } catch (const std::exception& error) {
        failed(what, error.what());
    } catch (...) {
        failed(what, "something that is not a std::exception was thrown");
    }
}

void FailureMeter::report_rest() noexcept {
    std::string what;
    std::string message;
    std::uint64_t count = 0;
    std::uint64_t total = 0;
    {
        const std::lock_guard lock(mutex_);
        if (unreported_ == 0) return;
        try {
            what = last_what_;
            message = last_message_;
            last_report_ = clock_.steady();
        } catch (...) {
            return;
        }
        count = std::exchange(unreported_, 0);
        total = total_;
    }
    report(what, message, count, total);
}

FailureCount FailureMeter::count() const {
    const std::lock_guard lock(mutex_);
    return FailureCount{who_, total_, last_message_};
}

}  // namespace daybook
