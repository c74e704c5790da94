// Opens what a crash left with store, bus and journal, runs again what was unfinished, and says whether log, outcomes and
// journal are what was promised.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "crash/bus_run.hpp"
#include "simulation/simulated_disk.hpp"

namespace daybook::crash {

struct BusVerdict {
    std::string fault{};          ///< what is wrong; empty: nothing
    std::uint64_t run_again = 0;  ///< handlers
    std::uint64_t set_aside = 0;  ///< journal files of another history
};

/// Thread-safety: one thread at a time.
class BusJudge {
  public:
    explicit BusJudge(const BusRun& run) : run_(run) {}

    /// What is wrong with the journal that lies in `image`, which nobody has opened yet: it must reach the state.
    [[nodiscard]] std::string judge_journal(const simulation::DiskImage& image, std::uint64_t acknowledged) const;
    /// Judges `machine` as it stands; its log() goes on with what recovery does. When recovery itself was cut off before,
    /// the log has grown beyond what the run promised: then only `acknowledged` must still be a part of it.
    [[nodiscard]] BusVerdict judge(simulation::SimulatedMachine& machine, std::uint64_t acknowledged, bool has_grown);

  private:
    const BusRun& run_;
    std::uint64_t lives_ = 0;  // processes that have opened an image so far
};

}  // namespace daybook::crash
