// Goes through the moments of a bus run: what a power loss may leave of log and journal.
#pragma once

#include <cstdint>
#include <string>

#include "campaign/campaign.hpp"
#include "crash/bus_judge.hpp"
#include "simulation/crash_images.hpp"

namespace daybook::crash {

/// A run's size and settings by chance.
[[nodiscard]] BusRunOptions draw_bus_run(simulation::Dice& dice, std::uint64_t seed);

struct BusFigures {
    std::uint64_t run_again = 0;  ///< handlers
    std::uint64_t set_aside = 0;  ///< journals, in NORMAL
    std::uint64_t cut_again = 0;  ///< images of a second loss, while the first was recovered from
};

/// Has images at some moments of the run judged until `campaign` has enough. Returns the first fault, with what repeats it.
[[nodiscard]] std::string search_reactions(const BusRun& run, simulation::Dice& dice, simulation::ImageSet& seen,
                                           campaign::Campaign& campaign, BusFigures& figures);
/// The same for the journal by itself: each image must hold what it had synced. For FULL and JournalSync::every_flush.
[[nodiscard]] std::string search_journal(const BusRun& run, simulation::Dice& dice, simulation::ImageSet& seen,
                                         campaign::Campaign& campaign);

}  // namespace daybook::crash
