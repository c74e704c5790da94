// Power losses: what may be left of the disk at every moment of a run is opened by the real store. In FULL everything
// acknowledged must come back, in NORMAL a prefix that ends with a transaction; and the log must be sound, always.
#include <catch2/catch.hpp>

#include <fmt/format.h>

#include "campaign/campaign.hpp"
#include "crash/judge.hpp"
#include "crash/recorded_run.hpp"
#include "simulation/crash_images.hpp"

namespace daybook::crash {

namespace {

using campaign::Campaign;
using simulation::CrashPlan;
using simulation::CrashPoint;
using simulation::Dice;
using simulation::DiskImage;
using simulation::ImageSet;
using simulation::Operation;

std::string describe(const RunOptions& options, std::size_t position) {
    return fmt::format("run of seed {} with {} steps, {}, power-safe overwrite {}: position {}", options.seed,
                       options.steps, options.durability == Durability::full ? "FULL" : "NORMAL",
                       options.powersafe_overwrite, position);
}

// Every image that `plan` asks for, at every position of the run.
void explore(const RecordedRun& run, const CrashPlan& plan, Campaign& campaign, ImageSet& seen, bool to_the_end) {
    Judge judge(run);
    Dice dice(run.options.seed * 31 + campaign.seed());
    CrashPoint point(run.machine.disk.base(), run.machine.disk.log());
    std::uint64_t acknowledged = 0;
    while (point.advance()) {
        const Operation& operation = run.machine.disk.log()[point.position() - 1];
        if (operation.kind == Operation::Kind::note && run.options.durability == Durability::full)
            acknowledged = operation.offset;
        if (point.is_unchanged()) continue;
        const bool goes_on = point.visit(plan, dice, [&](DiskImage&& image) {
            if (!seen.add(image)) return true;
            campaign.count();
            const Verdict verdict = judge.judge(image, acknowledged);
            if (!verdict.ok()) {
                INFO(describe(run.options, point.position()));
                FAIL_CHECK(verdict.fault);
                return false;
            }
            return to_the_end || campaign.goes_on();
        });
        if (!goes_on) return;
    }
}

// Runs of growing seeds until the campaign has enough.
void explore_runs(Campaign& campaign, RunOptions options, std::size_t steps_max, const CrashPlan& plan) {
    ImageSet seen;
    Dice dice(campaign.seed());
    std::uint64_t runs = 0;
    for (options.seed = campaign.seed(); campaign.goes_on(); ++options.seed) {
        options.steps = static_cast<std::size_t>(2 + dice.below(steps_max));
        options.powersafe_overwrite = dice.chance(50);
        const RecordedRun run(options);
        explore(run, plan, campaign, seen, false);
        ++runs;
    }
    campaign.figure("runs", runs);
    CHECK(campaign.finish() == "");
}

}  // namespace

TEST_CASE("crash: of three emits every state of the disk that a power loss may leave comes back whole", "[images]") {
    // One and two emits are its beginnings. With more unsynced pieces than that (only when the file is made and when -wal
    // is moved into it) subsets are chosen.
    const CrashPlan plan{.exhaustive_pieces_max = campaign::is_full() ? 12U : 6U,
                         .random_subsets = campaign::is_full() ? 200U : 10U};
    Campaign campaign("crash images, every subset, 3 emits, FULL", "distinct images", 1'000, 20'000);
    ImageSet seen;
    std::uint64_t positions = 0;
    for (const bool powersafe : {true, false}) {
        const RecordedRun run({.seed = 1, .steps = 3, .powersafe_overwrite = powersafe, .plain = true});
        REQUIRE(run.promises.last() == 3);
        explore(run, plan, campaign, seen, true);
        positions += run.machine.disk.log().size();
    }
    campaign.figure("positions", positions);
    CHECK(campaign.finish() == "");
}

TEST_CASE("crash: with FULL nothing acknowledged is lost, and nothing is torn or invented", "[images]") {
    Campaign campaign("crash images, FULL", "distinct images", 3'000, 250'000);
    explore_runs(campaign, {.durability = Durability::full}, 40, {.exhaustive_pieces_max = 5, .random_subsets = 12});
}

TEST_CASE("crash: with NORMAL what comes back is a prefix that ends with a transaction", "[images]") {
    Campaign campaign("crash images, NORMAL", "distinct images", 2'000, 100'000);
    explore_runs(campaign, {.durability = Durability::normal}, 40, {.exhaustive_pieces_max = 5, .random_subsets = 12});
}

}  // namespace daybook::crash
