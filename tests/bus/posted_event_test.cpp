#include <catch2/catch.hpp>

#include <atomic>
#include <future>
#include <thread>

#include <daybook/event/error.hpp>

#include "bus/bus_fixture.hpp"

namespace daybook {

using testkit::BusFixture;
using testkit::fact;

TEST_CASE("post: durable at once, and without workers its handlers wait for somebody to run them") {
    BusFixture fixture;
    EventBus bus(fixture.store);
    std::vector<std::uint64_t> order;
    const Registration handler =
        bus.on("*", {.name = "h"}, [&](const Event& event) { order.push_back(event.seq.value); });
    const PostedEvent first = bus.post(fact("a"));
    const PostedEvent second = bus.post(fact("a"));
    const PostedEvent third = bus.post(fact("a"));
    CHECK(fixture.store.head().seq == Sequence{3});
    CHECK(order.empty());
    CHECK(bus.queued() == 3);
    CHECK_FALSE(first.is_done());
    CHECK(first.results()[0].status == ResultStatus::pending);
    CHECK(bus.drain() == 3);
    CHECK(order == std::vector<std::uint64_t>{1, 2, 3});
    CHECK(third.results()[0].status == ResultStatus::completed);
    CHECK(bus.queued() == 0);
}

TEST_CASE("post: wait() without workers runs the queue, oldest first, up to its own event") {
    BusFixture fixture;
    EventBus bus(fixture.store);
    std::vector<std::uint64_t> order;
    const Registration handler =
        bus.on("*", {.name = "h"}, [&](const Event& event) { order.push_back(event.seq.value); });
    bus.post(fact("a"));
    PostedEvent second = bus.post(fact("a"));
    bus.post(fact("a"));
    CHECK(second.wait());
    CHECK(order == std::vector<std::uint64_t>{1, 2});
    CHECK(bus.queued() == 1);
}

TEST_CASE("post: now() jumps the queue and runs no other event") {
    BusFixture fixture;
    EventBus bus(fixture.store);
    std::vector<std::uint64_t> order;
    const Registration handler =
        bus.on("*", {.name = "h"}, [&](const Event& event) { order.push_back(event.seq.value); });
    bus.post(fact("a"));
    PostedEvent second = bus.post(fact("a"));
    CHECK(second.now()[0].status == ResultStatus::completed);
    CHECK(order == std::vector<std::uint64_t>{2});
    bus.drain();
    CHECK(order == std::vector<std::uint64_t>{2, 1});
}

TEST_CASE("post: in a handler, wait() runs its own event here and no stranger's") {
    BusFixture fixture;
    EventBus bus(fixture.store);
    std::vector<std::string> order;
    const Registration parent = bus.on("parent", {.name = "parent"}, [&](const Event&, HandlerContext& context) {
        PostedEvent child = context.post(fact("child"));
        CHECK(child.wait());
        order.push_back("parent");
    });
    const Registration others = bus.on("child", {.name = "child"}, [&](const Event&) { order.push_back("child"); });
    const Registration stranger =
        bus.on("stranger", {.name = "stranger"}, [&](const Event&) { order.push_back("stranger"); });
    bus.post(fact("stranger"));
    bus.emit(fact("parent"));
    CHECK(order == std::vector<std::string>{"child", "parent"});
}

TEST_CASE("post: on one worker, a handler that waits for the child it posted does not wait for itself") {
    BusFixture fixture;
    BusOptions options;
    options.worker_threads = 1;
    EventBus bus(fixture.store, options);
    std::atomic<int> children{0};
    const Registration parent = bus.on("parent", {.name = "parent"}, [&](const Event&) {
        PostedEvent child = bus.post(fact("child"));
        child.wait();
    });
    const Registration child = bus.on("child", {.name = "child"}, [&](const Event&) { ++children; });
    PostedEvent posted = bus.post(fact("parent"));
    CHECK(posted.wait(std::chrono::seconds(30)));
    CHECK(children == 1);
}

TEST_CASE("post: wait() gives up after its time and the handler goes on") {
    BusFixture fixture;
    BusOptions options;
    options.worker_threads = 1;
    EventBus bus(fixture.store, options);
    std::promise<void> go_on;
    const Registration handler = bus.on("*", {.name = "h"}, [&](const Event&) { go_on.get_future().wait(); });
    PostedEvent posted = bus.post(fact("a"));
    CHECK_FALSE(posted.wait(std::chrono::milliseconds(1)));
    go_on.set_value();
    CHECK(posted.wait());
    CHECK(posted.results()[0].status == ResultStatus::completed);
}

TEST_CASE("post: a full queue refuses before the commit when told to") {
    BusFixture fixture;
    BusOptions options;
    options.queue_capacity = 2;
    options.queue_full = QueueFull::refuse;
    EventBus bus(fixture.store, options);
    const Registration handler = bus.on("*", {.name = "h"}, [](const Event&) {});
    bus.post(fact("a"));
    bus.post(fact("a"));
    try {
        bus.post(fact("a"));
        FAIL("accepted");
    } catch (const Error& error) {
        CHECK(error.code() == ErrorCode::busy);
    }
    CHECK(fixture.store.head().seq == Sequence{2});
    bus.drain();
    CHECK_NOTHROW(bus.post(fact("a")));
}

TEST_CASE("post: a full queue without workers runs the handlers on the posting thread") {
    BusFixture fixture;
    BusOptions options;
    options.queue_capacity = 1;
    EventBus bus(fixture.store, options);
    std::vector<std::uint64_t> order;
    const Registration handler =
        bus.on("*", {.name = "h"}, [&](const Event& event) { order.push_back(event.seq.value); });
    bus.post(fact("a"));
    const PostedEvent second = bus.post(fact("a"));
    CHECK(second.is_done());
    CHECK(order == std::vector<std::uint64_t>{2});
}

TEST_CASE("post: a full queue makes the poster wait for the workers") {
    BusFixture fixture;
    BusOptions options;
    options.queue_capacity = 2;
    options.worker_threads = 2;
    EventBus bus(fixture.store, options);
    std::atomic<int> calls{0};
    const Registration handler = bus.on("*", {.name = "h"}, [&](const Event&) { ++calls; });
    for (int index = 0; index < 50; ++index) {
        bus.post(fact("a"));
        CHECK(bus.queued() <= 2);
    }
    bus.drain();
    CHECK(calls == 50);
}

TEST_CASE("post: the handle may outlive its bus") {
    BusFixture fixture;
    std::optional<PostedEvent> posted;
    {
        BusOptions options;
        options.close_queue = CloseQueue::leave;
        EventBus bus(fixture.store, options);
        bus.on("*", {.name = "h"}, [](const Event&) {}).release();
        posted = bus.post(fact("a"));
    }
    CHECK(posted->wait());
    CHECK(posted->now()[0].status == ResultStatus::pending);
    CHECK_FALSE(posted->outcome_error().empty());
}

TEST_CASE("post_all: one commit, all queued") {
    BusFixture fixture;
    EventBus bus(fixture.store);
    const Registration handler = bus.on("*", {.name = "h"}, [](const Event&) {});
    const std::vector<PostedEvent> posted = bus.post_all({fact("a"), fact("b")});
    REQUIRE(posted.size() == 2);
    CHECK(bus.queued() == 2);
    CHECK(posted[1].event().seq == Sequence{2});
}

}  // namespace daybook
