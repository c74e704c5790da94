// What handlers are given, what they return, and how their registration ends.
#include "daybook/bus/handler.hpp"

#include <fmt/format.h>

#include <utility>

#include <daybook/event/error.hpp>
#include <daybook/event/json_nlohmann.hpp>

#include "bus/event_bus_impl.hpp"
#include "bus/registration_impl.hpp"

namespace daybook {

namespace {

/// Ordinals and links belong to the handler's own run.
void check_thread(const HandlerContext::Impl& run) {
    if (run.thread == std::this_thread::get_id()) return;
    throw Error(
        ErrorCode::invalid_argument,
        fmt::format("emit through the context of handler '{}' on another thread: a context serves its handler's own "
                    "thread; emit on the bus, with causation_id, from there",
                    run.handler.name));
}

}  // namespace

const EventResult* Emitted::result_of(std::string_view handler) const noexcept {
    for (const EventResult& result : results) {
        if (result.handler == handler) return &result;
    }
    return nullptr;
}

const Event& HandlerContext::event() const noexcept {
    return impl_.event;
}
std::string_view HandlerContext::bus() const noexcept {
    return impl_.bus.options.name;
}
std::string_view HandlerContext::handler() const noexcept {
    return impl_.handler.name;
}
std::uint32_t HandlerContext::attempt() const noexcept {
    return impl_.attempt;
}

Emitted HandlerContext::emit(NewEvent event, EmitOptions options) {
    check_thread(impl_);
    std::vector<NewEvent> events;
    events.push_back(std::move(event));
    return std::move(impl_.bus.emit(std::move(events), std::move(options), &impl_).front());
}

PostedEvent HandlerContext::post(NewEvent event, EmitOptions options) {
    check_thread(impl_);
    std::vector<NewEvent> events;
    events.push_back(std::move(event));
    return std::move(impl_.bus.post(std::move(events), std::move(options), &impl_).front());
}

std::string detail::handler_result_text(const nlohmann::json& value) {
    // Sizes and depths are checked against the store's limits with every other result; these only keep dump() safe.
    Limits limits;
    limits.payload_bytes_max = std::size_t{16} << 20;
    limits.nesting_max = 1000;
    return json_text(value, limits);
}

Registration::Registration(std::shared_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}

Registration& Registration::operator=(Registration&& other) noexcept {
    if (this == &other) return *this;
    off();
    impl_ = std::move(other.impl_);
    return *this;
}

Registration::~Registration() {
    off();
}

std::string_view Registration::name() const noexcept {
    return impl_ ? std::string_view(impl_->entry->name) : std::string_view();
}

void Registration::off() noexcept {
    const std::shared_ptr<Impl> impl = std::move(impl_);
    impl_.reset();
    if (!impl) return;
    impl->entry->end();
    if (const std::shared_ptr<EventBus::Impl> bus = impl->bus.lock()) bus->registry.remove(*impl->entry);
    if (current_run() == nullptr && !MiddlewareChain::inside_hook()) impl->entry->wait_until_idle();
}

void Registration::release() noexcept {
    impl_.reset();
}

}  // namespace daybook
