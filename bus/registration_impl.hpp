// What a Registration holds on to.
#pragma once

#include <memory>

#include <daybook/bus/event_bus.hpp>

#include "bus/handler_registry.hpp"

namespace daybook {

struct Registration::Impl {
    std::weak_ptr<EventBus::Impl> bus;
    std::shared_ptr<HandlerEntry> entry;
};

}  // namespace daybook
