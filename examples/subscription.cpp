// A reader with its own position: history first, then live; it goes on where it stopped, in this process or the next.
#include <fmt/format.h>

#include <chrono>
#include <exception>
#include <thread>

#include <daybook/store/event_store.hpp>

int main(int argc, char** argv) try {
    using namespace daybook;
    using namespace std::chrono_literals;
    EventStore store = EventStore::open(argc > 1 ? argv[1] : "orders.db", {.access = Access::create});
    for (int i = 1; i <= 3; ++i) store.append({.type = "order:placed", .payload = fmt::format(R"({{"order":{}}})", i)});

    std::thread shop([&store] {
        for (int i = 4; i <= 6; ++i)
            store.append({.type = "order:placed", .payload = fmt::format(R"({{"order":{}}})", i)});
    });
    int seen = 0;
    {
        Subscription orders = store.subscribe({.filter = {.types = {TypePattern("order:*")}}, .checkpoint = "billing"});
        while (seen < 5) {
            const EventView* event = orders.next(5s);
            if (event == nullptr) break;
            fmt::print("billing {}\n", event->payload);
            ++seen;
        }
        orders.save();  // durable: the next subscription of this name begins after the fifth order
    }
    shop.join();
    Subscription again = store.subscribe({.checkpoint = "billing"});
    if (const EventView* event = again.next(5s)) {
        fmt::print("and, after a restart, {}\n", event->payload);
        ++seen;
    }
    return seen == 6 ? 0 : 1;
} catch (const std::exception& error) {
    fmt::print(stderr, "subscription: {}\n", error.what());
    return 1;
}
