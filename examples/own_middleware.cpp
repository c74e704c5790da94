// A middleware of one's own: counts what is committed and what handlers made of it. It sees facts only; it cannot veto,
// change or lose one, and if it throws, nothing else notices.
#include <fmt/format.h>

#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>

#include <daybook/bus/event_bus.hpp>

namespace {

using namespace daybook;

class CountingMiddleware final : public Middleware {
  public:
    [[nodiscard]] std::string_view name() const noexcept override { return "counting"; }
    void on_committed(const Committed& committed) override {
        const std::lock_guard lock(mutex_);
        ++counts_[committed.event.type];
    }
    void on_result(const Event&, const EventResult& result) override {
        const std::lock_guard lock(mutex_);
        ++counts_[std::string(to_string(result.status))];
    }
    [[nodiscard]] int count(const std::string& what) {
        const std::lock_guard lock(mutex_);
        return counts_[what];
    }

  private:
    std::mutex mutex_;  // a middleware may serve several buses
    std::map<std::string, int> counts_;
};

}  // namespace

int main(int argc, char** argv) try {
    EventStore store = EventStore::open(argc > 1 ? argv[1] : "counted.db", {.access = Access::create});
    const auto counting = std::make_shared<CountingMiddleware>();
    EventBus bus(store, {.middleware = {counting}});
    const Registration shipping = bus.on("order:placed", {.name = "shipping"}, [](const Event& event) {
        if (event.stream == "order-2") throw std::runtime_error("no such address");
    });
    for (int order = 1; order <= 3; ++order)
        bus.emit({.type = "order:placed", .stream = fmt::format("order-{}", order)});
    fmt::print("{} placed, {} shipped, {} failed\n", counting->count("order:placed"), counting->count("completed"),
               counting->count("error"));
    return counting->count("completed") == 2 && counting->count("error") == 1 ? 0 : 1;
} catch (const std::exception& error) {
    fmt::print(stderr, "own_middleware: {}\n", error.what());
    return 1;
}
