// Reads that run out of memory: each of SQLite's allocations fails in its turn. The answer is an error or the truth, and the
// next read sees what was written meanwhile.
#include <catch2/catch.hpp>

#include <fmt/format.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <daybook/event/error.hpp>
#include <daybook/store/event_store.hpp>

#include "crash/allocation_faults.hpp"
#include "simulation/exposure.hpp"
#include "simulation/simulated_machine.hpp"

namespace daybook::crash {

namespace {

using simulation::SimulatedMachine;

NewEvent large_event(std::size_t bytes) {
    return {.type = "thing", .payload = fmt::format(R"({{"text":"{}"}})", std::string(bytes, 'x'))};
}

// Calls `read` once for each allocation that it makes, which fails with so many that follow; `after` it is told whether it was read all the same.
void fail_each_allocation(std::uint64_t window, const std::function<void()>& read,
                          const std::function<void(bool was_read)>& after) {
    set_allocation_faults(AllocationPlan{.of = Allocator::sqlite, .at = UINT64_MAX});
    {
        const simulation::Exposed exposed;
        read();
    }
    const std::uint64_t allocations = allocations_counted();
    REQUIRE(allocations > 10);
    std::uint64_t refused = 0;
    for (std::uint64_t at = 1; at <= allocations; ++at) {
        INFO(fmt::format("allocation {} of {}", at, allocations));
        set_allocation_faults(AllocationPlan{.of = Allocator::sqlite, .at = at, .window = window});
        std::optional<ErrorCode> code;
        try {
            const simulation::Exposed exposed;
            read();
        } catch (const Error& error) {
            code = error.code();
        }
        set_allocation_faults(std::nullopt);
        if (code) {
            CHECK(*code == ErrorCode::out_of_memory);
            ++refused;
        }
        after(!code);
    }
    CHECK(refused > 0);
}

}  // namespace

TEST_CASE("memory: a value that SQLite has no memory for is an error, not an empty one", "[memory]") {
    REQUIRE(sqlite_is_counted());
    SimulatedMachine machine;
    EventStore store = EventStore::open(simulation::log_path, machine.options());
    AppendRequest request{.events = {large_event(20'000)}};
    request.pending.push_back({.bus = "bus", .handler = "handler", .owner = std::string(200, 'o')});
    store.append(std::move(request));
    const Head head = store.head();
    Checkpoint checkpoint;
    checkpoint.name = std::string(200, 'c');
    checkpoint.head = head;
    store.save_checkpoint(checkpoint, std::nullopt);
    std::optional<Event> found;
    Head shown;
    std::vector<Unfinished> unfinished;
    std::vector<Checkpoint> checkpoints;
    fail_each_allocation(
        1,
        [&] {
            found = store.find(Sequence{1});
            shown = store.head();
            unfinished = store.unfinished();
            checkpoints = store.checkpoints();
        },
        [&](bool was_read) {
            if (!was_read) return;
            REQUIRE(found);
            CHECK(found->payload == large_event(20'000).payload);
            CHECK(shown == head);
            REQUIRE(unfinished.size() == 1);
            CHECK(unfinished.front().owner == std::string(200, 'o'));
            REQUIRE(checkpoints.size() == 1);
            CHECK(checkpoints.front().name == std::string(200, 'c'));
            CHECK(checkpoints.front().head == head);
        });
}

TEST_CASE("memory: a reader that ran out of it gives its snapshot up", "[memory]") {
    REQUIRE(sqlite_is_counted());
    SimulatedMachine machine;
    EventStore store = EventStore::open(simulation::log_path, machine.options());
    store.append(large_event(20'000));
    std::uint64_t appended = 1;
    fail_each_allocation(
        1'000, [&] { static_cast<void>(store.head()); },
        [&](bool) {
            store.append(large_event(10));
            CHECK(store.head().seq.value == ++appended);
            CHECK(store.find(Sequence{appended}).has_value());
        });
}

}  // namespace daybook::crash
