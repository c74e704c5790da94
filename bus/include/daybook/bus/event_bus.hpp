// The bus: commits an event, then lets middleware and handlers of this process react to it. Start here.
//
// Not here: reading and following the log (store/), rebuilding state (replay/). A handler gets the events
// that this bus emits; other processes see them by subscription.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <daybook/bus/bus_options.hpp>
#include <daybook/bus/handler.hpp>
#include <daybook/bus/posted_event.hpp>
#include <daybook/bus/recovery.hpp>
#include <daybook/store/event_store.hpp>

namespace daybook {

/// Thread-safety: safe from any thread, except moving, closing and destruction (one thread, with no handler of it on the
/// stack). Must not outlive its store. It starts options.worker_threads threads and no other.
class EventBus {
  public:
    /// Opens the bus over `store`, which must be open for writing and is not owned. Positioned middleware is brought up to
    /// the log's head first.
    /// Throws Error: invalid_argument - options; read_only, closed - the store.
    explicit EventBus(EventStore& store, BusOptions options = {});
    EventBus(EventBus&&) noexcept;
    EventBus& operator=(EventBus&&) noexcept;
    /// close(), with its errors reported to options.on_failure only.
    ~EventBus();

    // Handlers --------------------------------------------------------------------------------------------

    /// Calls `function` for each event whose type matches `pattern` and that this bus commits from now on, in registration
    /// order; on several threads at the same time when several emit. The registration ends with what is returned, and what
    /// is queued for it then is cancelled: close the bus first, or release() the registration.
    /// Throws Error: invalid_pattern; invalid_name; name_taken - a handler of that name is registered on this bus;
    ///               invalid_argument - a pool handler on a bus without workers; closed.
    template <typename F>
    [[nodiscard]] Registration on(std::string_view pattern, F function) {
        return add(pattern, HandlerOptions{}, make_handler(std::move(function)), false);
    }
    template <typename F>
    [[nodiscard]] Registration on(std::string_view pattern, const HandlerOptions& options, F function) {
        return add(pattern, options, make_handler(std::move(function)), false);
    }
    /// As on(), for one event: it is claimed before that event's commit, so two emits at the same time never both get it.
    /// An emit that fails gives it back.
    template <typename F>
    [[nodiscard]] Registration once(std::string_view pattern, F function) {
        return add(pattern, HandlerOptions{}, make_handler(std::move(function)), true);
    }
    template <typename F>
    [[nodiscard]] Registration once(std::string_view pattern, const HandlerOptions& options, F function) {
        return add(pattern, options, make_handler(std::move(function)), true);
    }
    /// Unregisters the handler of that name; false when there is none. What was committed for it and has not begun gets a
    /// `cancelled` outcome when its turn comes.
    /// Blocks: until it is not running on any other thread; not when called in a handler or hook.
    bool off(std::string_view handler);
    /// Names of the registered handlers, in registration order.
    [[nodiscard]] std::vector<std::string> handlers() const;

    // Emitting --------------------------------------------------------------------------------------------

    /// Commits `event` with a pending row for each matching handler, tells middleware, runs the inline handlers on this
    /// thread and queues the pool handlers. In a handler, the event is linked to the one being handled.
    ///
    /// Blocks:       until durable and until the inline handlers and middleware have returned.
    /// Returns:      the committed event and the outcomes. A handler that throws is an `error` outcome, not an error here.
    ///               When the disk takes the event but not the outcomes, the event stands: Emitted::outcome_error.
    /// Throws Error: what EventStore::append() throws - see there what was written;
    ///               reentrant_emit - called from a middleware hook; handler_loop - options.nesting_max handlers are
    ///               inside each other; busy - the queue is full (QueueFull::refuse); closed. Nothing was written then.
    /// std::bad_alloc: memory ran out before or after the commit. The event may be stored, with handlers that stay
    ///               unfinished work: emit it again with the same id, as after commit_in_doubt.
    Emitted emit(NewEvent event, EmitOptions options = {});
    /// Several events in one commit, all or nothing; then the handlers of the first, of the second, and so on.
    std::vector<Emitted> emit_all(std::vector<NewEvent> events, EmitOptions options = {});
    /// Commits `event` and queues all its handlers, inline ones too. Queued handlers run first in, first out, on the
    /// workers; without workers when somebody calls now(), wait() or drain().
    /// Throws Error: as emit().
    PostedEvent post(NewEvent event, EmitOptions options = {});
    std::vector<PostedEvent> post_all(std::vector<NewEvent> events, EmitOptions options = {});

    /// Runs queued handlers on this thread until the queue is empty, then waits for those that run on workers (not when
    /// called in a handler). Returns how many ran here.
    std::size_t drain();
    /// Handler runs in the queue.
    [[nodiscard]] std::size_t queued() const;

    // Recovery --------------------------------------------------------------------------------------------

    /// Handlers of buses of this name that never finished, oldest first, whoever owns them.
    [[nodiscard]] std::vector<Unfinished> unfinished() const;
    /// Runs again, on this thread and oldest first, what handlers of this bus name left unfinished in processes (or bus
    /// instances) that are provably gone, with the handlers that are registered here under the same names. Each item is
    /// claimed first as the next attempt, so that of two recoverers only one runs it. Never happens by itself. A `once`
    /// registration is not used up by it.
    /// Throws Error: as EventStore::unfinished() and claim(); closed; reentrant_emit - from a hook.
    RecoverReport recover(const RecoverOptions& options = {});

    // Middleware ------------------------------------------------------------------------------------------

    /// Feeds positioned middleware up to the log's head, retries outcomes that the disk refused, and flushes all
    /// middleware. Returns the records fed. Failures are counted and reported, not thrown.
    std::uint64_t pump();
    /// Failures so far, one entry for each middleware and one named "outcomes".
    [[nodiscard]] std::vector<FailureCount> failures() const;

    // The rest --------------------------------------------------------------------------------------------

    [[nodiscard]] const std::string& name() const noexcept;
    [[nodiscard]] EventStore& store() const noexcept;
    [[nodiscard]] const BusOptions& options() const noexcept;
    /// This instance's owner name, as in EventResult::owner.
    [[nodiscard]] const std::string& owner() const noexcept;

    /// Ends the bus: no more emits; waits for those that run; deals with the queue as `queue` says; writes outcomes that
    /// the disk had refused; feeds, flushes and closes middleware; gives up the owner's lock, so that others may recover
    /// what is left. Again: nothing.
    /// Throws Error: invalid_argument - called in a handler or hook; and the first error met, after all was tried.
    void close();
    void close(CloseQueue queue);

    struct Impl;

  private:
    [[nodiscard]] Registration add(std::string_view pattern, HandlerOptions options, HandlerFunction function,
                                   bool once);
    std::shared_ptr<Impl> impl_;
};

}  // namespace daybook
