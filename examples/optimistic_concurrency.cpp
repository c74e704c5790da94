// Many writers, one account that must not go below zero: each decides on the stream as it read it, and appends only if
// nobody was faster.
#include <fmt/format.h>

#include <atomic>
#include <exception>
#include <thread>
#include <vector>

#include <daybook/event/json_nlohmann.hpp>
#include <daybook/store/decider.hpp>

namespace {

using namespace daybook;

void apply(int& balance, const EventView& event) {
    const int amount = payload_of(event).at("amount").get<int>();
    balance += event.type == "money:deposited" ? amount : -amount;
}

// True when the money was taken.
bool withdraw(EventStore& store, int amount) {
    const auto decided =
        decide(store, "account-1", 0, apply,
               [amount](int balance) -> std::vector<NewEvent> {
                   if (balance < amount) return {};
                   return {{.type = "money:withdrawn", .payload = fmt::format(R"({{"amount":{}}})", amount)}};
               },
               {.attempts_max = 100});
    return !decided.events.empty();
}

}  // namespace

int main(int argc, char** argv) try {
    EventStore store = EventStore::open(argc > 1 ? argv[1] : "accounts.db", {.access = Access::create});
    store.append({.type = "money:deposited", .payload = R"({"amount":100})", .stream = "account-1"});

    std::atomic<int> taken{0};
    std::vector<std::thread> tellers;
    tellers.reserve(4);
    for (int teller = 0; teller < 4; ++teller)
        tellers.emplace_back([&] {
            for (int i = 0; i < 10; ++i)
                if (withdraw(store, 5)) ++taken;
        });
    for (std::thread& teller : tellers) teller.join();
    fmt::print("40 attempts to withdraw 5 from 100: {} succeeded\n", taken.load());

    // A version that is out of date is refused, and both versions are named.
    const AppendOutcome outcome =
        store.try_append({.events = {{.type = "money:withdrawn", .payload = R"({"amount":5})", .stream = "account-1"}},
                          .expectations = {{"account-1", ExpectedVersion::exactly(Version{1})}}});
    if (const auto* conflict = std::get_if<VersionConflict>(&outcome)) fmt::print("{}\n", conflict->message());
    return taken == 20 ? 0 : 1;
} catch (const std::exception& error) {
    fmt::print(stderr, "optimistic_concurrency: {}\n", error.what());
    return 1;
}
