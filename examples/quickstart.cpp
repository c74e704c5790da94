// The smallest whole program: a log, a bus, a handler, and the state folded back from history.
#include <fmt/format.h>

#include <exception>

#include <daybook/bus/event_bus.hpp>
#include <daybook/event/json_nlohmann.hpp>
#include <daybook/replay/fold.hpp>
#include <daybook/store/event_store.hpp>

int main(int argc, char** argv) try {
    using namespace daybook;
    EventStore store = EventStore::open(argc > 1 ? argv[1] : "game.db", {.access = Access::create});
    EventBus bus(store);

    // A handler runs after the commit; what it returns or throws is recorded beside the event.
    const Registration greeter = bus.on("player:joined", {.name = "greeter"}, [](const Event& event) {
        fmt::print("welcome, {}\n", payload_of(event).at("name").get<std::string>());
    });

    bus.emit({.type = "player:joined", .payload = R"({"name":"Ada"})", .stream = "player-7"});
    bus.emit({.type = "player:scored", .payload = R"({"points":3})", .stream = "player-7"});
    bus.emit({.type = "player:scored", .payload = R"({"points":4})", .stream = "player-7"});

    // State is a fold over history: of one stream, of all, up to a sequence or a moment.
    const auto total =
        fold(store.reader(), Window{.types = {TypePattern("player:scored")}}, 0,
             [](int& points, const EventView& event) { points += payload_of(event).at("points").get<int>(); });
    fmt::print("{} points in {} events\n", total.state, total.events);
    return 0;
} catch (const std::exception& error) {
    fmt::print(stderr, "quickstart: {}\n", error.what());
    return 1;
}
