// Power losses under a bus: once a bus is open again the journal is the log, whatever the disk kept of either; what was
// running is run again, once.
#include <catch2/catch.hpp>

#include "campaign/campaign.hpp"
#include "crash/bus_search.hpp"

namespace daybook::crash {

namespace {

using campaign::Campaign;
using simulation::Dice;
using simulation::ImageSet;

}  // namespace

TEST_CASE("crash: once a bus is open again the journal is the log, and what was running is run again, once",
          "[journal]") {
    Campaign campaign("crash images with a bus and its journal", "distinct images", 300, 15'000);
    Dice dice(campaign.seed());
    ImageSet seen;
    BusFigures figures;
    std::uint64_t runs = 0;
    for (std::uint64_t seed = campaign.seed(); campaign.goes_on(); ++seed, ++runs) {
        const std::string fault = search_reactions(BusRun(draw_bus_run(dice, seed)), dice, seen, campaign, figures);
        if (!fault.empty()) {
            FAIL_CHECK(fault);
            break;
        }
    }
    campaign.figure("of them cut off again", figures.cut_again);
    campaign.figure("handlers run again", figures.run_again);
    campaign.figure("journals set aside in NORMAL", figures.set_aside);
    campaign.figure("runs", runs);
    CHECK(campaign.finish() == "");
}

TEST_CASE("crash: a journal that syncs at every flush holds by itself what was acknowledged", "[journal]") {
    Campaign campaign("crash images, the journal alone", "distinct images", 400, 10'000);
    Dice dice(campaign.seed());
    ImageSet seen;
    for (std::uint64_t seed = campaign.seed(); campaign.goes_on(); ++seed) {
        BusRunOptions options = draw_bus_run(dice, seed);
        options.durability = Durability::full;
        options.sync = JournalSync::every_flush;
        const BusRun run(options);
        const std::string fault = search_journal(run, dice, seen, campaign);
        if (!fault.empty()) {
            FAIL_CHECK(fault);
            break;
        }
    }
    CHECK(campaign.finish() == "");
}

}  // namespace daybook::crash
