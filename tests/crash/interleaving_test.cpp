// Several processes on one log, in every order that seeds can find, with and without crashes: what was acknowledged is
// there, under the seq that was told, once; and no reader is ever shown less than before.
//
// A seed that fails is printed; `DAYBOOK_SEED=<it>` makes it the first of the quick campaign.
#include <catch2/catch.hpp>

#include <fmt/format.h>

#include "campaign/campaign.hpp"
#include "crash/interleaving.hpp"

namespace daybook::crash {

using campaign::Campaign;

namespace {

void explore(Campaign& campaign, const InterleavingShape& shape) {
    Interleavings interleavings(shape);
    std::uint64_t events = 0;
    std::uint64_t switches = 0;
    std::uint64_t crashes = 0;
    std::uint64_t verified = 0;
    for (std::uint64_t seed = campaign.seed(); campaign.goes_on(); ++seed) {
        const InterleavingReport report = interleavings.run(seed);
        INFO(fmt::format("seed {} ({}): {}", seed, report.story, report.fault));
        REQUIRE(report.fault.empty());
        campaign.count();
        events += report.events;
        switches += report.switches;
        crashes += report.crashes;
        verified += report.verified ? 1 : 0;
    }
    campaign.figure("events", events);
    campaign.figure("switches", switches);
    campaign.figure("crashes", crashes);
    campaign.figure("verified", verified);
    CHECK(campaign.finish() == "");
}

}  // namespace

// Two halves, so that two cores share them.

TEST_CASE("interleaving: whatever order several stores run in, nothing acknowledged is lost, moved or changed",
          "[interleaving]") {
    Campaign campaign("interleavings of 2 to 4 stores and up to 2 readers", "seeds", 250, 45'000);
    explore(campaign, {.crashes = false});
}

TEST_CASE("interleaving: the same when the machine is killed or loses power meanwhile, up to three times",
          "[interleaving]") {
    Campaign campaign("interleavings of 2 to 4 stores and up to 2 readers, with crashes", "seeds", 250, 55'000);
    explore(campaign, {});
}

}  // namespace daybook::crash
