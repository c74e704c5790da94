// The public face of the bus; what it does is in emitting.cpp, running.cpp, recovery.cpp and closing.cpp.
#include "daybook/bus/event_bus.hpp"

#include <fmt/format.h>

#include <utility>

#include <daybook/event/error.hpp>

#include "bus/event_bus_impl.hpp"
#include "bus/registration_impl.hpp"
#include "event/process_mark.hpp"

namespace daybook {

namespace {

EventBus::Impl& live(const std::shared_ptr<EventBus::Impl>& impl) {
    if (!impl) throw Error(ErrorCode::closed, "use a bus that was moved from: there is nothing behind it");
    return *impl;
}

/// Ends a bus without throwing: for destructors.
void end(std::shared_ptr<EventBus::Impl>& impl) noexcept {
    if (!impl) return;
    if (impl->process != process_mark()) {
        // A child after fork(): the workers and locks are the parent's. Nothing here may be touched, so it is left behind.
        new std::shared_ptr<EventBus::Impl>(std::move(impl));  // NOLINT
        return;
    }
    try {
        impl->close(impl->options.close_queue);
    } catch (...) {
        impl->outcome_failures.failed_with_current_exception("close");
    }
    impl.reset();
}

}  // namespace

EventBus::EventBus(EventStore& store, BusOptions options) : impl_(std::make_shared<Impl>(store, std::move(options))) {}
EventBus::EventBus(EventBus&&) noexcept = default;
EventBus& EventBus::operator=(EventBus&& other) noexcept {
    if (this == &other) return *this;
    end(impl_);
    impl_ = std::move(other.impl_);
    return *this;
}
EventBus::~EventBus() {
    end(impl_);
}

Registration EventBus::add(std::string_view pattern, HandlerOptions options, HandlerFunction function, bool once) {
    Impl& impl = live(impl_);
    {
        const std::lock_guard lock(impl.state_mutex);
        if (impl.state != Impl::State::open) {
            throw Error(ErrorCode::closed,
                        fmt::format("register a handler on bus '{}': it was closed", impl.options.name));
        }
    }
    if (options.mode == HandlerMode::pool && impl.options.worker_threads == 0) {
        throw Error(ErrorCode::invalid_argument,
                    fmt::format("register pool handler '{}' for '{}' on bus '{}': it has no workers; give "
                                "BusOptions::worker_threads, or register it in_line",
                                options.name, pattern, impl.options.name));
    }
    if (!function) {
        throw Error(
            ErrorCode::invalid_argument,
            fmt::format("register a handler for '{}' on bus '{}': the function is empty", pattern, impl.options.name));
    }
    // Made first: a handler must not stay registered because there was no memory for what ends it.
    auto made = std::make_shared<Registration::Impl>(Registration::Impl{impl.weak_from_this(), nullptr});
    made->entry = impl.registry.add(impl.options.name, pattern, std::move(options), std::move(function), once,
                                    impl.store.options().limits.name_bytes_max);
    return Registration(std::move(made));
}

bool EventBus::off(std::string_view handler) {
    const std::shared_ptr<HandlerEntry> entry = live(impl_).registry.remove(handler);
    if (!entry) return false;
    if (current_run() == nullptr && !MiddlewareChain::inside_hook()) entry->wait_until_idle();
    return true;
}

std::vector<std::string> EventBus::handlers() const {
    return live(impl_).registry.names();
}

Emitted EventBus::emit(NewEvent event, EmitOptions options) {
    std::vector<NewEvent> events;
    events.push_back(std::move(event));
    return std::move(live(impl_).emit(std::move(events), std::move(options), current_run()).front());
}

std::vector<Emitted> EventBus::emit_all(std::vector<NewEvent> events, EmitOptions options) {
    return live(impl_).emit(std::move(events), std::move(options), current_run());
}

PostedEvent EventBus::post(NewEvent event, EmitOptions options) {
    std::vector<NewEvent> events;
    events.push_back(std::move(event));
    return std::move(live(impl_).post(std::move(events), std::move(options), current_run()).front());
}

std::vector<PostedEvent> EventBus::post_all(std::vector<NewEvent> events, EmitOptions options) {
    return live(impl_).post(std::move(events), std::move(options), current_run());
}

std::size_t EventBus::drain() {
    Impl& impl = live(impl_);
    const Impl::Call call(impl, "drain");
    std::size_t ran = 0;
    while (const std::optional<QueuedRun> run = impl.queue->take_oldest()) {
        impl.run_queued(*run);
        impl.queue->finished();
        ++ran;
    }
    if (current_run() == nullptr) impl.queue->wait_until_idle();
    return ran;
}

std::size_t EventBus::queued() const {
    return live(impl_).queue->size();
}

std::vector<Unfinished> EventBus::unfinished() const {
    const Impl& impl = live(impl_);
    return impl.store.unfinished(impl.options.name);
}

RecoverReport EventBus::recover(const RecoverOptions& options) {
    return live(impl_).recover(options);
}

std::uint64_t EventBus::pump() {
    Impl& impl = live(impl_);
    const Impl::Call call(impl, "pump");
    impl.save({});
    std::uint64_t fed = 0;
    for (PositionFeeder& feeder : impl.feeders) fed += impl.feed_to_head(feeder, {});
    const auto lock = impl.delivery_lock();
    impl.chain.flush();
    impl.outcome_failures.report_rest();
    return fed;
}

std::vector<FailureCount> EventBus::failures() const {
    const Impl& impl = live(impl_);
    std::vector<FailureCount> counts = impl.chain.failures();
    counts.push_back(impl.outcome_failures.count());
    return counts;
}

const std::string& EventBus::name() const noexcept {
    return impl_->options.name;
}
EventStore& EventBus::store() const noexcept {
    return impl_->store;
}
const BusOptions& EventBus::options() const noexcept {
    return impl_->options;
}
const std::string& EventBus::owner() const noexcept {
    return impl_->owner_name;
}

void EventBus::close() {
    if (impl_) impl_->close(impl_->options.close_queue);
}
void EventBus::close(CloseQueue queue) {
    if (impl_) impl_->close(queue);
}

}  // namespace daybook
