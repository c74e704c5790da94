// Goes through the moments of a recorded run and has every image that a power loss may leave judged.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "crash/judge.hpp"
#include "crash/recorded_run.hpp"
#include "simulation/crash_images.hpp"

namespace daybook::crash {

/// Something that must not be.
struct Finding {
    std::size_t position = 0;  ///< in the disk's log
    std::string fault;
};

struct Exploration {
    simulation::CrashPlan plan{};
    std::uint64_t seed = 1;
    /// Operations of the log before this one are taken in, but their images are not looked at.
    std::size_t first_position = 0;
    /// How many of 100 positions are looked at, drawn at random: many runs tell more than all of one.
    unsigned positions_percent = 100;
    /// Acknowledged before the log begins.
    std::uint64_t acknowledged = 0;
    /// With each distinct image that was judged good: its position and what was acknowledged there. False: enough.
    std::function<bool(const simulation::DiskImage& image, std::uint64_t acknowledged)> after_each{};
};

/// Images that `seen` holds already are passed over. Returns the first fault.
[[nodiscard]] std::optional<Finding> explore(const simulation::SimulatedDisk& disk, Durability durability, Judge& judge,
                                             simulation::ImageSet& seen, const Exploration& exploration);

/// One line for a person who wants to see it again.
[[nodiscard]] std::string describe(const RunOptions& options, const Finding& finding);

}  // namespace daybook::crash
