// The inside of a bus. Parts: emitting.cpp (commit, delivery), running.cpp (handlers, outcomes), closing.cpp, recovery.cpp.
//
// Locks, outermost first: delivery_mutex (hooks and feeding) · everything else, each alone. No lock is held while a handler
// runs or while the store is called, but for delivery_mutex while positioned middleware is fed.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <daybook/bus/event_bus.hpp>
#include <daybook/middleware/middleware_chain.hpp>

#include "bus/event_runs.hpp"
#include "bus/handler_registry.hpp"
#include "bus/position_feeder.hpp"
#include "bus/work_queue.hpp"

namespace daybook {

using RunsList = std::vector<std::shared_ptr<EventRuns>>;

/// What one append has made durable, waiting for its turn with the middleware.
struct Delivery {
    RunsList runs;
    bool ready = false;  // filled in by the emitter, after the append has returned
    bool delivered = false;
};

/// The outcome of one handler's run, on its way to the log.
struct Outcome {
    std::shared_ptr<EventRuns> runs;
    std::size_t index = 0;
    NewResult row;
    bool counted = false;  // its event no longer waits for it
    bool settled = false;  // it is in the log, or can never be
};

struct EventBus::Impl : std::enable_shared_from_this<EventBus::Impl> {
    Impl(EventStore& event_store, BusOptions bus_options);
    ~Impl();

    EventStore& store;
    const BusOptions options;
    const std::uint64_t process;  // process_mark() of the constructor: after fork() the child has no workers to join
    std::unique_ptr<OwnerLock> owner;
    std::string owner_name;
    HandlerRegistry registry;
    FailureMeter outcome_failures;
    MiddlewareChain chain;
    std::vector<PositionFeeder> feeders;

    // Delivery: appends enter in seq order; their emitters fill them in and deliver what is next in line.
    std::mutex line_mutex;
    std::condition_variable line_moved;
    std::list<std::shared_ptr<Delivery>> line;  // guarded by line_mutex
    std::mutex delivery_mutex;                  // one hook at a time; feeders are guarded by it

    // Outcomes that the disk refused.
    std::mutex unsaved_mutex;
    std::vector<Outcome> unsaved;  // guarded by unsaved_mutex
    std::uint64_t forgotten = 0;   // guarded by unsaved_mutex; beyond unsaved_outcomes_max

    // Life.
    enum class State : std::uint8_t { open, closing, closed };
    mutable std::mutex state_mutex;
    std::condition_variable calls_ended;
    State state = State::open;         // guarded by state_mutex
    std::size_t calls = 0;             // guarded by state_mutex; those not from within a handler
    std::unique_ptr<WorkQueue> queue;  // the last: its threads use everything above

    /// Keeps close() waiting while a call from outside is under way. Throws Error: closed, reentrant_emit.
    class Call {
      public:
        Call(Impl& impl, std::string_view what);
        ~Call();
        Call(const Call&) = delete;
        Call& operator=(const Call&) = delete;

      private:
        Impl& impl_;
        bool counted_ = false;
    };

    // emitting.cpp
    RunsList commit(std::vector<NewEvent> events, EmitOptions emit_options, bool post, HandlerContext::Impl* run);
    std::vector<Emitted> emit(std::vector<NewEvent> events, EmitOptions emit_options, HandlerContext::Impl* run);
    std::vector<PostedEvent> post(std::vector<NewEvent> events, EmitOptions emit_options, HandlerContext::Impl* run);
    void deliver(const Delivery& mine);
    void deliver_one(const Delivery& delivery) noexcept;
    void feed(std::uint64_t own_records) noexcept;
    /// In batches, up to the head as it is at the start. Returns the records fed.
    std::uint64_t feed_to_head(PositionFeeder& feeder,
                               const std::function<void(std::uint64_t fed, std::uint64_t total)>& progress);

    // running.cpp
    [[nodiscard]] Outcome run_handler(const std::shared_ptr<EventRuns>& runs, std::size_t index);
    [[nodiscard]] Outcome cancelled(const std::shared_ptr<EventRuns>& runs, std::size_t index,
                                    std::string_view why) const;
    /// Appends outcomes, and those refused before; tells middleware. What cannot be written is kept and counted.
    void save(std::vector<Outcome> outcomes) noexcept;
    void run_queued(const QueuedRun& run) noexcept;
    void help_until_done(const std::shared_ptr<EventRuns>& runs, std::optional<std::chrono::nanoseconds> deadline);

    // recovery.cpp
    RecoverReport recover(const RecoverOptions& recover_options);

    // closing.cpp
    void close(CloseQueue close_queue);

    void refuse_in_hook(std::string_view what) const;
    [[nodiscard]] std::unique_lock<std::mutex> delivery_lock() { return std::unique_lock(delivery_mutex); }

  private:
    void link(NewEvent& event, HandlerContext::Impl& run, bool detached) const;
    [[nodiscard]] std::string next_id(HandlerContext::Impl& run, bool& derived) const;
    /// Of each handler of this bus for an event that was in the log before. `may_be_missing`: others of its batch are
    /// committed and wait for their handlers, so a failure to read is no reason to stop: empty then.
    [[nodiscard]] std::vector<EventResult> last_rows(Sequence event, bool may_be_missing) const;
    void reserve_room(std::size_t count, std::size_t& reserved);
    void started(const EventRuns& runs, const HandlerEntry& handler, Timestamp at) noexcept;
    /// Appends `outcomes` in one commit and settles them. False: the disk refuses, `error` says how. Rows that can never be
    /// written are counted and given up.
    [[nodiscard]] bool append_outcomes(std::span<Outcome> outcomes, std::string& error);
    void accept(std::span<Outcome> outcomes, std::vector<EventResult>&& rows) noexcept;
    /// Keeps those that are not settled for another try, as many as options allow.
    void keep_unsaved(std::vector<Outcome>& outcomes) noexcept;
    /// Its event no longer waits for it; `error` says why it is not in the log.
    static void count(Outcome& outcome, std::string_view error) noexcept;
};

}  // namespace daybook
