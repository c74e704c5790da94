// One process opens or closes a log while another does: at every single call of the machine, and in many orders.
#include <catch2/catch.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <daybook/event/error.hpp>
#include <daybook/store/event_store.hpp>

#include "simulation/scheduler.hpp"
#include "simulation/simulated_machine.hpp"

namespace daybook::crash {

namespace {

using simulation::SimulatedMachine;

NewEvent make_event() {
    NewEvent event;
    event.type = "thing:done";
    return event;
}

// One machine with a process that opens or closes the log, and another that does something in the middle of it.
struct Encounter {
    EventStore open(Access access = Access::create, int busy_timeout_ms = 10'000) {
        StoreOptions options = machine.options(Durability::full, ++opened);
        options.access = access;
        options.busy_timeout = std::chrono::milliseconds(busy_timeout_ms);
        return EventStore::open(simulation::log_path, options);
    }

    SimulatedMachine machine;
    std::uint64_t opened = 0;
    std::optional<EventStore> one;
    std::optional<EventStore> other;
};

using Act = std::function<void(Encounter&)>;

// Once for each call that `act` makes: there `meanwhile` happens.
void meet_at_every_call(const Act& prepare, const Act& act, const Act& meanwhile) {
    for (std::uint64_t at = 1;; ++at) {
        Encounter encounter;
        prepare(encounter);
        std::uint64_t calls = 0;
        encounter.machine.disk.on_call = [&](simulation::Call) {
            if (++calls == at) meanwhile(encounter);
        };
        INFO("call " << at);
        act(encounter);
        encounter.machine.disk.on_call = nullptr;
        if (calls < at) return;
    }
}

// Both at once, switching often.
void run_in_many_orders(const Act& prepare, const Act& one, const Act& other) {
    simulation::Scheduler scheduler;
    for (std::uint64_t seed = 1; seed <= 100; ++seed) {
        Encounter encounter;
        prepare(encounter);
        INFO("seed " << seed);
        scheduler.run(encounter.machine.disk, {.seed = seed, .switch_percent = 30},
                      {[&] { one(encounter); }, [&] { other(encounter); }});
    }
}

void make_log(Encounter& encounter) {
    encounter.one.emplace(encounter.open());
    static_cast<void>(encounter.one->append(make_event()));
}

// Tries without any patience. Only the writer lock may stand in the way: a busy_timeout covers that.
struct Visits {
    std::uint64_t opened = 0;
    std::uint64_t waited = 0;

    void operator()(Encounter& encounter) {
        try {
            const EventStore visitor = encounter.open(Access::create, 0);
            CHECK(visitor.head().seq.value == 1);
            ++opened;
        } catch (const Error& error) {
            REQUIRE_THAT(error.what(), Catch::Contains("another store held"));
            ++waited;
        }
    }
};

}  // namespace

TEST_CASE("close: who opens the log at any moment of it waits for the writer lock at most", "[opening]") {
    // It was told "another store is opening it" when the last one to close gave up the writer lock before the life lock.
    Visits visits;
    meet_at_every_call(
        make_log, [](Encounter& encounter) { encounter.one->close(); }, std::ref(visits));
    CHECK(visits.opened > 0);
    CHECK(visits.waited > 0);
}

TEST_CASE("open: who opens the log at any moment of another's opening waits for the writer lock at most", "[opening]") {
    Visits visits;
    meet_at_every_call(
        [](Encounter& encounter) {
            make_log(encounter);
            encounter.one->close();
        },
        [](Encounter& encounter) { encounter.one.emplace(encounter.open()); }, std::ref(visits));
    CHECK(visits.opened > 0);
    CHECK(visits.waited > 0);
}

TEST_CASE("open: a log that another process makes meanwhile is not taken for a damaged one", "[opening]") {
    // A -wal without a database was seen when both were made between two looks.
    std::uint64_t made = 0;
    bool is_locked = false;
    meet_at_every_call([](Encounter&) {}, [](Encounter& encounter) { encounter.one.emplace(encounter.open()); },
                       [&](Encounter& encounter) {
                           if (is_locked) return;  // from here on the other one would only wait
                           try {
                               encounter.other.emplace(encounter.open(Access::create, 0));
                               static_cast<void>(encounter.other->append(make_event()));
                               ++made;
                           } catch (const Error& error) {
                               REQUIRE_THAT(error.what(), Catch::Contains("another store held"));
                               is_locked = true;
                           }
                       });
    CHECK(made > 2);
}

TEST_CASE("open: a log whose last writer closes meanwhile can be read and written", "[opening]") {
    // The -wal that one look had found was gone when it was opened: no_such_file.
    const Access access = GENERATE(Access::read, Access::read_write);
    run_in_many_orders(
        make_log, [](Encounter& encounter) { encounter.one->close(); },
        [&](Encounter& encounter) {
            encounter.other.emplace(encounter.open(access));
            if (encounter.other->head().seq.value != 1) throw std::runtime_error("the event is gone");
        });
}

TEST_CASE("open: a log whose -wal is moved into its file meanwhile is not taken for a new one", "[opening]") {
    // Whoever made the log is killed at each call. Its tables may then be in -wal only, and the next writer moves them while
    // a reader looks at the one and then at the other.
    std::vector<simulation::DiskImage> images;
    {
        SimulatedMachine machine;
        machine.disk.on_call = [&](simulation::Call) { images.push_back(machine.disk.seen()); };
        EventStore::open(simulation::log_path, machine.options()).close();
        machine.disk.on_call = nullptr;
    }
    const auto open = [](SimulatedMachine& machine, Access access) {
        StoreOptions options = machine.options();
        options.access = access;
        return EventStore::open(simulation::log_path, options);
    };
    std::uint64_t logs = 0;
    std::uint64_t moved = 0;
    for (const simulation::DiskImage& image : images) {
        try {
            SimulatedMachine machine(image);
            static_cast<void>(open(machine, Access::read));
        } catch (const Error&) {
            continue;  // not a log yet
        }
        ++logs;
        for (std::uint64_t at = 1, calls = at; calls >= at; ++at) {
            SimulatedMachine machine(image);
            calls = 0;
            machine.disk.on_call = [&](simulation::Call) {
                if (++calls != at) return;
                try {
                    open(machine, Access::read_write).close();
                    ++moved;
                } catch (const Error&) {  // the reader is in its way
                }
            };
            INFO("log " << logs << ", call " << at);
            CHECK_NOTHROW(open(machine, Access::read));
            machine.disk.on_call = nullptr;
        }
    }
    CHECK(logs > 5);
    CHECK(moved > 5 * logs);
}

}  // namespace daybook::crash
