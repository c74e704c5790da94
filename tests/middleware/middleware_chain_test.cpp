#include <catch2/catch.hpp>

#include <stdexcept>

#include <daybook/middleware/middleware_chain.hpp>
#include <daybook/testkit/fake_clock.hpp>

#include "middleware/samples.hpp"

namespace daybook {

namespace {

struct Watcher final : Middleware {
    explicit Watcher(std::vector<std::string>& all, std::string own, bool is_broken = false, bool has_position = false)
        : calls(all), own_name(std::move(own)), broken(is_broken), positioned(has_position) {}
    std::vector<std::string>& calls;
    std::string own_name;
    bool broken;
    bool positioned;

    void called(const std::string& hook) const {
        calls.push_back(own_name + " " + hook + (MiddlewareChain::inside_hook() ? "" : " (outside)"));
        if (broken) throw std::runtime_error("broken");
    }
    [[nodiscard]] std::string_view name() const noexcept override { return own_name; }
    [[nodiscard]] std::optional<FeedPosition> position() override {
        return positioned ? std::optional(FeedPosition{}) : std::nullopt;
    }
    void on_committed(const Committed&) override { called("committed"); }
    void on_handler_start(const HandlerStart&) override { called("start"); }
    void on_result(const Event&, const EventResult&) override { called("result"); }
    void flush() override { called("flush"); }
    void close() override { called("close"); }
};

}  // namespace

TEST_CASE("chain: hooks are called in order, and one that throws keeps none of the others from hearing") {
    testkit::FakeClock clock;
    std::vector<std::string> calls;
    MiddlewareChain chain({std::make_shared<Watcher>(calls, "a"), std::make_shared<Watcher>(calls, "b", true),
                           std::make_shared<Watcher>(calls, "c")},
                          clock, {});
    const Event event = testkit::event_at(1);
    chain.on_committed(testkit::committed(event));
    chain.on_handler_start(HandlerStart{event, "main", "h", 1, Timestamp{}});
    chain.on_result(event, testkit::result_at(1, 1));
    chain.flush();
    chain.close();
    CHECK(calls == std::vector<std::string>{"a committed", "b committed", "c committed", "a start", "b start",
                                            "c start", "a result", "b result", "c result", "a flush", "b flush",
                                            "c flush", "a close", "b close", "c close"});
    const std::vector<FailureCount> failures = chain.failures();
    CHECK(failures[0].total == 0);
    CHECK(failures[1].total == 5);
    CHECK(failures[1].last_message == "broken");
    CHECK(failures[2].total == 0);
}

TEST_CASE("chain: one that is fed by position does not hear of the bus's own events") {
    testkit::FakeClock clock;
    std::vector<std::string> calls;
    MiddlewareChain chain({std::make_shared<Watcher>(calls, "journal", false, true)}, clock, {});
    CHECK(chain.nobody_watches());
    CHECK(chain.is_positioned(0));
    const Event event = testkit::event_at(1);
    chain.on_committed(testkit::committed(event));
    chain.flush();
    CHECK(calls == std::vector<std::string>{"journal flush"});
}

TEST_CASE("chain: a thread is inside a hook only while one runs, also when it throws") {
    testkit::FakeClock clock;
    std::vector<std::string> calls;
    MiddlewareChain chain({std::make_shared<Watcher>(calls, "a", true)}, clock, {});
    CHECK_FALSE(MiddlewareChain::inside_hook());
    chain.flush();
    CHECK_FALSE(MiddlewareChain::inside_hook());
    CHECK(calls == std::vector<std::string>{"a flush"});
}

}  // namespace daybook
