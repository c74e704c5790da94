// What a user's first program does, built against the installed package only.
#include <fmt/format.h>

#include <daybook/bus/event_bus.hpp>
#include <daybook/event/json_nlohmann.hpp>
#include <daybook/replay/fold.hpp>

int main(int, char** argv) {
    using namespace daybook;
    EventStore store = EventStore::open(argv[1], {.access = Access::create});
    EventBus bus(store);
    int seen = 0;
    const Registration counter = bus.on("order:*", {.name = "counter"}, [&seen](const Event&) { ++seen; });
    bus.emit({.type = "order:placed", .payload = R"({"total":42})"});
    const auto total = fold(store.reader(), Window{}, 0,
                            [](int& sum, const EventView& event) { sum += payload_of(event).at("total").get<int>(); });
    fmt::print("{} order, total {}\n", seen, total.state);
    return 0;
}
