// See the header.
#include "daybook/bus/posted_event.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include <daybook/event/error.hpp>

#include "bus/event_bus_impl.hpp"

namespace daybook {

namespace {

/// Keeps the bus, and with it the store, from closing while this thread works for it; false when it is closing already and
/// will see to its queue itself.
class Helping {
  public:
    explicit Helping(EventBus::Impl& bus) {
        try {
            call_.emplace(bus, "wait");
        } catch (const Error&) {
            call_.reset();
        }
    }
    explicit operator bool() const noexcept { return call_.has_value(); }

  private:
    std::optional<EventBus::Impl::Call> call_;
};

bool wait_for_others(EventRuns& runs, std::optional<std::chrono::nanoseconds> timeout) {
    std::unique_lock lock(runs.mutex);
    const auto done = [&] { return runs.due == 0; };
    if (timeout) return runs.changed.wait_for(lock, *timeout, done);
    runs.changed.wait(lock, done);
    return true;
}

}  // namespace

PostedEvent::PostedEvent(std::shared_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}

const Event& PostedEvent::event() const noexcept {
    return impl_->runs->event;
}
bool PostedEvent::already_appended() const noexcept {
    return impl_->runs->already_appended;
}

bool PostedEvent::is_done() const {
    const std::lock_guard lock(impl_->runs->mutex);
    return impl_->runs->due == 0;
}

std::vector<EventResult> PostedEvent::results() const {
    return impl_->runs->results();
}

std::string PostedEvent::outcome_error() const {
    const std::lock_guard lock(impl_->runs->mutex);
    return impl_->runs->outcome_error;
}

bool PostedEvent::wait(std::chrono::nanoseconds timeout) {
    // Longer waits are for ever: the sum with "now" would overflow.
    constexpr std::chrono::nanoseconds for_ever = std::chrono::hours(24 * 365);
    const bool bounded = timeout < for_ever;
    EventRuns& runs = *impl_->runs;
    if (const std::shared_ptr<EventBus::Impl> bus = impl_->bus.lock()) {
        bus->refuse_in_hook("wait");
        const Helping helping(*bus);
        std::optional<std::chrono::nanoseconds> deadline;
        if (bounded && helping) deadline = bus->store.clock().steady() + timeout;
        if (helping) bus->help_until_done(impl_->runs, deadline);
        if (deadline && helping)
            timeout = std::max(*deadline - bus->store.clock().steady(), std::chrono::nanoseconds(0));
    }
    return wait_for_others(runs, bounded ? std::optional(timeout) : std::nullopt);
}

std::vector<EventResult> PostedEvent::now() {
    if (const std::shared_ptr<EventBus::Impl> bus = impl_->bus.lock()) {
        bus->refuse_in_hook("now");
        const Helping helping(*bus);
        while (const std::optional<QueuedRun> run = helping ? bus->queue->take_of(impl_->runs) : std::nullopt) {
            bus->run_queued(*run);
            bus->queue->finished();
        }
    }
    wait_for_others(*impl_->runs, std::nullopt);
    return results();
}

}  // namespace daybook
