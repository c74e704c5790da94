#include "bus/work_queue.hpp"

#include <catch2/catch.hpp>

namespace daybook {

namespace {

std::shared_ptr<EventRuns> runs_of(std::size_t handlers) {
    auto runs = std::make_shared<EventRuns>();
    runs->turns.assign(handlers, EventRuns::Turn::not_queued);
    return runs;
}

void put(WorkQueue& queue, const std::shared_ptr<EventRuns>& runs) {
    REQUIRE(queue.try_reserve(runs->turns.size()));
    for (std::size_t index = 0; index < runs->turns.size(); ++index) queue.push({runs, index});
}

}  // namespace

TEST_CASE("work queue: room that is set aside counts as used") {
    WorkQueue queue(3, 0, [](const QueuedRun&) {});
    CHECK(queue.try_reserve(2));
    CHECK_FALSE(queue.try_reserve(2));
    queue.give_back(1);
    CHECK(queue.try_reserve(2));
}

TEST_CASE("work queue: an event with more handlers than the queue holds fits when it is empty") {
    WorkQueue queue(2, 0, [](const QueuedRun&) {});
    CHECK(queue.try_reserve(5));
    CHECK_FALSE(queue.try_reserve(1));
}

TEST_CASE("work queue: a run that was taken out of turn is not handed out again") {
    WorkQueue queue(10, 0, [](const QueuedRun&) {});
    const auto first = runs_of(1);
    const auto second = runs_of(2);
    put(queue, first);
    put(queue, second);
    CHECK(queue.take_of(second)->index == 0);
    CHECK(queue.take_of(second)->index == 1);
    CHECK_FALSE(queue.take_of(second));
    CHECK(queue.size() == 1);
    CHECK(queue.take_oldest()->runs == first);
    CHECK_FALSE(queue.take_oldest());
}

TEST_CASE("work queue: shells of runs that were taken out of turn do not pile up") {
    WorkQueue queue(10, 0, [](const QueuedRun&) {});
    std::vector<std::weak_ptr<EventRuns>> all;
    for (int index = 0; index < 1'000; ++index) {
        const auto runs = runs_of(1);
        all.push_back(runs);
        put(queue, runs);
        REQUIRE(queue.take_of(runs));
        queue.finished();
    }
    std::size_t alive = 0;
    for (const auto& runs : all) alive += runs.expired() ? 0U : 1U;
    CHECK(alive <= 66);
}

}  // namespace daybook
