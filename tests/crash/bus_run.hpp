// A run of a bus on a simulated disk: a handler that emits, a journal, and a second store that appends in between; and
// what was promised on the way.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include <daybook/bus/event_bus.hpp>
#include <daybook/middleware/journal.hpp>

#include "crash/recorded_run.hpp"
#include "simulation/simulated_machine.hpp"

namespace daybook::crash {

struct BusRunOptions {
    Durability durability = Durability::full;
    std::uint64_t seed = 1;
    std::size_t steps = 6;
    JournalSync sync = JournalSync::every_flush;
    std::uint64_t rotate_bytes = 4'096;
    OutcomeCommit outcomes = OutcomeCommit::together;
    std::size_t checkpoint_pages = 40;
};

[[nodiscard]] StoreOptions store_options_of(const simulation::SimulatedMachine& machine, const BusRunOptions& options);
[[nodiscard]] std::shared_ptr<JournalMiddleware> journal_on(const simulation::SimulatedMachine& machine,
                                                            const BusRunOptions& options);

/// A bus as the run's own, with its handler: "effect" emits one event for each that is called thing:….
struct WorkingBus {
    WorkingBus(EventStore& store, std::vector<std::shared_ptr<Middleware>> middleware, OutcomeCommit outcomes);
    EventBus bus;
    Registration handler;
    std::uint64_t runs = 0;
};

/// Added to a state's number in SimulatedDisk::note(): the journal holds it as well.
inline constexpr std::uint64_t is_journaled = std::uint64_t{1} << 40;

struct BusRun {
    explicit BusRun(BusRunOptions options);
    BusRun(const BusRun&) = delete;
    BusRun& operator=(const BusRun&) = delete;

    BusRunOptions options;
    simulation::SimulatedMachine machine;
    Promises promises;

  private:
    void use(simulation::Dice& dice);
};

}  // namespace daybook::crash
