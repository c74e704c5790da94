// A bus's life: opening, calls from outside, closing.
#include <fmt/format.h>

#include <algorithm>
#include <exception>

#include <daybook/event/error.hpp>

#include "bus/event_bus_impl.hpp"
#include "event/process_mark.hpp"

namespace daybook {

namespace {

BusOptions checked_options(BusOptions options) {
    options.validate();
    if (options.on_failure) {
        // It is called under the delivery lock: an emit from it would wait for itself, so it is refused like a hook's.
        options.on_failure = [told = std::move(options.on_failure)](const FailureReport& report) {
            const MiddlewareChain::HookScope scope;
            told(report);
        };
    }
    return options;
}

/// Whether this thread is in a handler of `impl`, however deep.
bool in_handler_of(const EventBus::Impl& impl) noexcept {
    for (const HandlerContext::Impl* run = current_run(); run != nullptr; run = run->outer) {
        if (&run->bus == &impl) return true;
    }
    return false;
}

}  // namespace

EventBus::Impl::Impl(EventStore& event_store, BusOptions bus_options)
    : store(event_store),
      options(checked_options(std::move(bus_options))),
      process(process_mark()),
      owner(event_store.hold_owner_lock()),
      owner_name(owner->name()),
      outcome_failures("outcomes", event_store.clock(), options.on_failure),
      chain(options.middleware, event_store.clock(), options.on_failure) {
    for (std::size_t index = 0; index < chain.size(); ++index) {
        if (chain.is_positioned(index)) feeders.emplace_back(store, chain, index);
    }
    for (PositionFeeder& feeder : feeders) {
        const std::string name(feeder.name());
        feed_to_head(feeder, [&](std::uint64_t fed, std::uint64_t total) {
            if (!options.on_catch_up) return;
            try {
                options.on_catch_up(CatchUpProgress{name, fed, total});
            } catch (...) {
                outcome_failures.failed_with_current_exception("on_catch_up");
            }
        });
    }
    queue = std::make_unique<WorkQueue>(options.queue_capacity, options.worker_threads,
                                        [this](const QueuedRun& run) { run_queued(run); });
}

EventBus::Impl::~Impl() = default;

std::uint64_t EventBus::Impl::feed_to_head(
    PositionFeeder& feeder, const std::function<void(std::uint64_t fed, std::uint64_t total)>& progress) {
    constexpr std::uint64_t batch_records = 1'000;
    std::uint64_t fed = 0;
    std::uint64_t total = 0;
    for (bool first = true;; first = false) {
        // The lock is let go between batches: emitters come in between.
        const auto lock = delivery_lock();
        const PositionFeeder::Round round = feeder.feed(batch_records);
        fed += round.fed;
        if (first) total = fed + round.left;
        if (progress && total > 0) progress(fed, std::max(total, fed));
        // What others append meanwhile is left for later, so that this ends.
        if (!round.failed && !round.stands_by && round.left > 0 && round.fed > 0 && fed < total) continue;
        feeder.save_checkpoint();
        return fed;
    }
}

EventBus::Impl::Call::Call(Impl& impl, std::string_view what) : impl_(impl) {
    impl.refuse_in_hook(what);
    const bool in_handler = in_handler_of(impl);
    const std::lock_guard lock(impl.state_mutex);
    // While the bus closes, handlers that run their course may still emit.
    if (impl.state == State::closed || (impl.state == State::closing && !in_handler)) {
        throw Error(ErrorCode::closed,
                    fmt::format("{} on bus '{}': it was closed; nothing was written", what, impl.options.name));
    }
    counted_ = !in_handler;
    if (counted_) ++impl.calls;
}

EventBus::Impl::Call::~Call() {
    if (!counted_) return;
    const std::lock_guard lock(impl_.state_mutex);
    if (--impl_.calls == 0) impl_.calls_ended.notify_all();
}

void EventBus::Impl::refuse_in_hook(std::string_view what) const {
    if (!MiddlewareChain::inside_hook()) return;
    throw Error(ErrorCode::reentrant_emit,
                fmt::format("{} on bus '{}' from a middleware hook: hooks watch, they do not act; nothing was written. "
                            "Use a handler",
                            what, options.name));
}

void EventBus::Impl::close(CloseQueue close_queue) {
    if (current_run() != nullptr || MiddlewareChain::inside_hook()) {
        throw Error(ErrorCode::invalid_argument,
                    fmt::format("close bus '{}' in a handler or hook: it would wait for itself", options.name));
    }
    {
        std::unique_lock lock(state_mutex);
        if (state != State::open) return;
        state = State::closing;
        calls_ended.wait(lock, [&] { return calls == 0; });
    }
    std::exception_ptr first;
    const auto attempt = [&](const auto& step) {
        try {
            step();
        } catch (...) {
            if (!first) first = std::current_exception();
        }
    };

    attempt([&] {
        if (close_queue == CloseQueue::run) {
            // Handlers may queue more; nesting_max bounds how often.
            while (const std::optional<QueuedRun> run = queue->take_oldest()) {
                run_queued(*run);
                queue->finished();
            }
            queue->wait_until_idle();
        } else {
            // The workers end first, so that none takes a run that is being put away.
            queue->stop();
            std::vector<Outcome> outcomes;
            while (const std::optional<QueuedRun> run = queue->take_oldest()) {
                Outcome outcome = cancelled(run->runs, run->index, "the bus was closed before its turn");
                if (close_queue == CloseQueue::cancel) {
                    outcomes.push_back(std::move(outcome));
                } else {
                    count(outcome, "the bus was closed before its turn: it is unfinished work");
                }
                queue->finished();
            }
            save(std::move(outcomes));
        }
    });
    queue->stop();
    {
        const std::lock_guard lock(state_mutex);
        state = State::closed;
    }
    save({});
    for (PositionFeeder& feeder : feeders) feed_to_head(feeder, {});
    {
        const auto lock = delivery_lock();
        chain.flush();
        chain.close();
    }
    outcome_failures.report_rest();
    attempt([&] {
        const std::lock_guard lock(unsaved_mutex);
        if (unsaved.empty() && forgotten == 0) return;
        throw Error(
            ErrorCode::io_error,
            fmt::format("close bus '{}': {} outcomes of handlers are not in the log ({}); their events are, and the "
                        "handlers are listed as unfinished: recover() runs them again",
                        options.name, unsaved.size() + forgotten, outcome_failures.count().last_message));
    });
    registry.clear();
    owner.reset();
    if (first) std::rethrow_exception(first);
}

}  // namespace daybook
