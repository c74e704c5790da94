// The middleware of one bus, called in order, each behind a wall: what one throws is counted and changes
// nothing else.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <daybook/middleware/failure_report.hpp>
#include <daybook/middleware/middleware.hpp>

namespace daybook {

/// Thread-safety: the hooks one thread at a time (the bus's delivery lock); failures() and inside_hook() from
/// any thread.
class MiddlewareChain {
  public:
    /// Asks each for its position() once, to learn which are fed by position. `clock` must outlive the chain.
    MiddlewareChain(std::vector<std::shared_ptr<Middleware>> middleware, Clock& clock,
                    const FailureMeter::Callback& on_failure);
    ~MiddlewareChain();
    MiddlewareChain(const MiddlewareChain&) = delete;
    MiddlewareChain& operator=(const MiddlewareChain&) = delete;

    /// Call the hook of each member that is not fed by position, in order.
    void on_committed(const Committed& committed) noexcept;
    void on_handler_start(const HandlerStart& start) noexcept;
    void on_result(const Event& event, const EventResult& result) noexcept;
    /// Flush and close every member, positioned ones included, and report what the interval has held back.
    void flush() noexcept;
    void close() noexcept;

    [[nodiscard]] std::size_t size() const noexcept { return members_.size(); }
    /// True when nobody would hear on_committed, on_handler_start or on_result.
    [[nodiscard]] bool nobody_watches() const noexcept { return watchers_ == 0; }
    [[nodiscard]] bool is_positioned(std::size_t index) const noexcept;
    [[nodiscard]] Middleware& at(std::size_t index) const noexcept;
    /// Runs `step` as a hook of member `index`: emitting from it is refused, what it throws is counted as a
    /// failure of `what`. False when it threw.
    template <typename Step>
    bool guarded(std::size_t index, std::string_view what, Step&& step) noexcept {
        const HookScope scope;
        try {
            step(at(index));
            return true;
        } catch (...) {
            meter(index).failed_with_current_exception(what);
            return false;
        }
    }
    /// Counts a failure of member `index` that was no exception.
    void report(std::size_t index, std::string_view what, std::string_view message) noexcept;

    [[nodiscard]] std::vector<FailureCount> failures() const;
    /// Whether this thread is in a hook, of any bus.
    [[nodiscard]] static bool inside_hook() noexcept;
    /// Makes what runs in a scope count as a hook.
    struct HookScope {
        HookScope() noexcept;
        ~HookScope();
        HookScope(const HookScope&) = delete;
        HookScope& operator=(const HookScope&) = delete;
    };

  private:
    struct Member;
    [[nodiscard]] FailureMeter& meter(std::size_t index) noexcept;

    std::vector<std::unique_ptr<Member>> members_;
    std::size_t watchers_ = 0;
};

}  // namespace daybook
