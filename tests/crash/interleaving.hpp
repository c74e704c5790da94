// Several real stores on one simulated machine, each a process of its own, in an order that a seed chooses call by call;
// often the machine is killed on the way. What each store and each reader was told is kept, and must stay true.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "simulation/scheduler.hpp"
#include "simulation/simulated_disk.hpp"

namespace daybook::crash {

/// What the seeds do not choose. Default: they choose everything.
struct InterleavingShape {
    std::optional<std::size_t> writers{};           ///< 2 to 4
    std::optional<std::size_t> readers{};           ///< 0 to 2
    std::size_t steps_max = 5;                      ///< of each writer, in one life of the machine
    std::optional<std::size_t> checkpoint_pages{};  ///< 1 to 40
    /// Large payloads only, and nothing but appends: what moves -wal the most.
    bool plain = false;
    bool crashes = true;
    std::optional<unsigned> switch_percent{};   ///< 2, 6, 12 or 30
    std::optional<unsigned> unfetch_percent{};  ///< 12 at least
};

struct InterleavingReport {
    std::string fault;  ///< empty: everything promised was kept
    std::string story;  ///< what the seed chose
    std::uint64_t events = 0;
    std::uint64_t switches = 0;
    std::uint64_t crashes = 0;
    bool verified = false;  ///< the verifier looked at it too, beyond what every seed is checked for
};

/// Thread-safety: one thread at a time.
class Interleavings {
  public:
    explicit Interleavings(InterleavingShape shape = {});

    /// The same seed and shape do the same again.
    [[nodiscard]] InterleavingReport run(std::uint64_t seed);

  private:
    const InterleavingShape shape_;
    simulation::Scheduler scheduler_;
    std::vector<simulation::DiskImage> logs_;  // what a run begins with
};

}  // namespace daybook::crash
