// One committed event with the handler runs that are due for it; and the handler run that a thread is in.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <daybook/bus/event_bus.hpp>

#include "bus/handler_registry.hpp"

namespace daybook {

/// Handlers inside each other, from the innermost outwards; runs that are queued keep it too.
struct HandlerChain {
    std::string handler;
    std::string event_type;
    std::string event_id;
    std::size_t depth = 1;
    std::shared_ptr<const HandlerChain> outer{};
};

struct EventRuns {
    Event event;  // unchanged once committed
    bool already_appended = false;
    HandlerList handlers;
    std::uint32_t attempt = 1;
    std::shared_ptr<const HandlerChain> chain{};  // of the handler that emitted it
    std::optional<EmittedBy> emitted_by{};
    Timestamp emitted_at;
    Timestamp commit_started_at;
    Timestamp durable_at;
    std::vector<EventResult> pending;  // as committed with the event

    std::vector<bool> queues;  // one a handler: it was given room in the queue; unchanged once committed

    enum class Turn : std::uint8_t { not_queued, queued, taken };
    std::vector<Turn> turns;  // one a handler; guarded by the work queue's mutex

    mutable std::mutex mutex;
    mutable std::condition_variable changed;
    std::vector<EventResult> rows;  // last row of each handler; guarded by mutex
    std::size_t due = 0;            // handlers without an outcome; guarded by mutex
    std::string outcome_error;      // guarded by mutex

    [[nodiscard]] std::vector<EventResult> results() const {
        const std::lock_guard lock(mutex);
        return rows;
    }
};

struct PostedEvent::Impl {
    std::shared_ptr<EventRuns> runs;
    std::weak_ptr<EventBus::Impl> bus;
};

/// A handler's run on this thread.
struct HandlerContext::Impl {
    EventBus::Impl& bus;
    const Event& event;
    const HandlerEntry& handler;
    std::uint32_t attempt;
    std::shared_ptr<const HandlerChain> chain;  // this run first
    std::uint64_t emits = 0;                    // ordinal of the next one
    std::vector<std::string> emitted{};
    std::string note{};
    Impl* outer = nullptr;  // the run that this one is inside of, on the same thread
    std::thread::id thread = std::this_thread::get_id();
};

/// The innermost handler run of this thread, of any bus; null outside of handlers.
[[nodiscard]] HandlerContext::Impl* current_run() noexcept;

/// Makes `run` the innermost one for a scope.
class RunScope {
  public:
    explicit RunScope(HandlerContext::Impl& run) noexcept;
    ~RunScope();
    RunScope(const RunScope&) = delete;
    RunScope& operator=(const RunScope&) = delete;
};

}  // namespace daybook
