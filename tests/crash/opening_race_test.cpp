// One store opens or closes, and at every single call that it makes of the machine another process opens the same log.
#include <catch2/catch.hpp>

#include <chrono>
#include <optional>
#include <string>

#include <daybook/event/error.hpp>
#include <daybook/store/event_store.hpp>

#include "simulation/simulated_machine.hpp"

namespace daybook::crash {

namespace {

using simulation::SimulatedMachine;

NewEvent make_event() {
    NewEvent event;
    event.type = "thing:done";
    return event;
}

// A log with an event in -wal, which somebody opens and closes; at the `at`th of the calls that `part` makes, another
// process tries to open it, without any patience.
struct Encounter {
    enum class Part { open, close };

    Encounter(Part part, std::uint64_t at) {
        StoreOptions patient = machine.options();
        std::optional<EventStore> store;
        machine.disk.on_call = nullptr;
        store.emplace(EventStore::open(simulation::log_path, patient));
        static_cast<void>(store->append(make_event()));
        if (part == Part::open) {
            store->close();
            store.reset();
            arm(at);
            store.emplace(EventStore::open(simulation::log_path, patient));
        } else {
            arm(at);
            store->close();
        }
        machine.disk.on_call = nullptr;
    }

    void arm(std::uint64_t at) {
        machine.disk.on_call = [this, at](simulation::Call) {
            if (++calls != at) return;
            StoreOptions impatient = machine.options(Durability::full, 2);
            impatient.busy_timeout = std::chrono::milliseconds(0);
            try {
                EventStore other = EventStore::open(simulation::log_path, impatient);
                CHECK(other.head().seq.value == 1);
                opened = true;
            } catch (const Error& error) {
                refusal = error.what();
            }
        };
    }

    SimulatedMachine machine;
    std::uint64_t calls = 0;
    bool opened = false;
    std::string refusal;
};

void meet_at_every_call(Encounter::Part part) {
    std::uint64_t opened = 0;
    std::uint64_t waited = 0;
    for (std::uint64_t at = 1;; ++at) {
        const Encounter encounter(part, at);
        if (encounter.calls < at) break;
        if (encounter.opened) {
            ++opened;
            continue;
        }
        // Only the writer lock is waited for: a busy_timeout covers it, and nothing else stands in the way.
        INFO("call " << at << ": " << encounter.refusal);
        REQUIRE_THAT(encounter.refusal, Catch::Contains("another store held"));
        ++waited;
    }
    CHECK(opened > 0);
    CHECK(waited > 0);
}

}  // namespace

TEST_CASE("close: who opens the log at any moment of it waits for the writer lock at most", "[opening]") {
    // It was told "another store is opening it" when the last one to close gave up the writer lock before the life lock.
    meet_at_every_call(Encounter::Part::close);
}

TEST_CASE("open: who opens the log at any moment of another's opening waits for the writer lock at most", "[opening]") {
    meet_at_every_call(Encounter::Part::open);
}

}  // namespace daybook::crash
