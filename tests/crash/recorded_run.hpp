// A run of the real store on a simulated disk, and what it promised on the way: which commits were made, and after which
// operation of the disk's log each was acknowledged.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <daybook/event/position.hpp>
#include <daybook/store/event_store.hpp>

#include "simulation/dice.hpp"
#include "simulation/simulated_machine.hpp"

namespace daybook::crash {

/// What a log may look like after a crash, and what it must hold.
/// Thread-safety: one thread at a time.
class Promises {
  public:
    Promises();

    /// One more state between two transactions. Returns its number, for SimulatedDisk::note().
    std::uint64_t committed(const Head& head);
    /// The state whose head is `head`, whatever the store's id; none: no transaction ever ended so.
    [[nodiscard]] std::optional<std::uint64_t> find(const Head& head) const;
    /// Without what came after state `number`: history goes on differently from there.
    [[nodiscard]] Promises until(std::uint64_t number) const;
    [[nodiscard]] const Head& state(std::uint64_t number) const { return states_.at(static_cast<std::size_t>(number)); }
    [[nodiscard]] std::uint64_t last() const noexcept { return states_.size() - 1; }

  private:
    std::vector<Head> states_;  // the first is that of an empty log
    std::map<std::pair<std::uint64_t, std::uint64_t>, std::uint64_t> numbers_;
};

struct RunOptions {
    Durability durability = Durability::full;
    std::uint64_t seed = 1;
    /// Calls of the store.
    std::size_t steps = 12;
    /// Small: the committer checkpoints within a run.
    std::size_t checkpoint_pages = 30;
    bool powersafe_overwrite = true;
    /// Nothing but single appends of one small event, the log opened once.
    bool plain = false;
    /// The run makes the file; otherwise it finds an empty log.
    bool fresh = true;
    /// The disk says that it has synced, and has not.
    bool sync_lies = false;
};

struct RecordedRun {
    explicit RecordedRun(RunOptions options);
    RecordedRun(const RecordedRun&) = delete;
    RecordedRun& operator=(const RecordedRun&) = delete;

    RunOptions options;
    simulation::SimulatedMachine machine;
    Promises promises;
    /// What was given to the store, in seq order: for appending the same again.
    std::vector<NewEvent> events;

    [[nodiscard]] StoreOptions store_options() const;
    /// Every third run: batches and runs so long that many rows are inserted by one statement, and ids in no order.
    [[nodiscard]] bool is_wide() const noexcept;

  private:
    void step(std::optional<EventStore>& store, simulation::Dice& dice);
    void append(EventStore& store, simulation::Dice& dice);
    void append_results(EventStore& store, simulation::Dice& dice);
    void acknowledge(EventStore& store);
    [[nodiscard]] NewEvent make_event(simulation::Dice& dice);

    std::vector<NewResult> unfinished_;
    std::uint64_t made_ = 0;
};

}  // namespace daybook::crash
