// Power losses: what may be left of the disk at every moment of a run is opened by the real store. In FULL everything
// acknowledged must come back, in NORMAL a prefix that ends with a transaction; and the log must be sound, always.
#include <catch2/catch.hpp>

#include <algorithm>
#include <functional>

#include "campaign/campaign.hpp"
#include "crash/explorer.hpp"

namespace daybook::crash {

namespace {

using campaign::Campaign;
using simulation::CrashPlan;
using simulation::Dice;
using simulation::DiskImage;
using simulation::ImageSet;
using simulation::Operation;
using simulation::SimulatedMachine;

constexpr CrashPlan some_of_everything{.exhaustive_pieces_max = 5, .random_subsets = 12};

unsigned positions_percent() {
    return campaign::is_full() ? 25 : 6;
}

void check_nothing(const RunOptions& options, const std::optional<Finding>& finding) {
    if (finding) FAIL_CHECK(describe(options, *finding));
}

// Runs of growing seeds, whose sizes are drawn, until the campaign has enough.
void for_each_run(Campaign& campaign, RunOptions options, const std::function<void(const RecordedRun&)>& look) {
    Dice dice(campaign.seed());
    std::uint64_t runs = 0;
    for (options.seed = campaign.seed(); campaign.goes_on(); ++options.seed, ++runs) {
        options.steps = static_cast<std::size_t>(2 + dice.below(campaign::is_full() ? 40 : 8));
        options.powersafe_overwrite = dice.chance(50);
        options.fresh = dice.chance(20);
        look(RecordedRun(options));
    }
    campaign.figure("runs", runs);
    CHECK(campaign.finish() == "");
}

void explore_runs(Campaign& campaign, Durability durability) {
    ImageSet seen;
    for_each_run(campaign, {.durability = durability}, [&](const RecordedRun& run) {
        Judge judge(run);
        check_nothing(run.options, explore(run.machine.disk, durability, judge, seen,
                                           {.plan = some_of_everything,
                                            .seed = run.options.seed,
                                            .positions_percent = positions_percent(),
                                            .after_each = [&](const DiskImage&, std::uint64_t) {
                                                campaign.count();
                                                return campaign.goes_on();
                                            }}));
    });
}

}  // namespace

TEST_CASE("crash: of three emits every state of the disk that a power loss may leave comes back whole", "[images]") {
    // One and two emits are its beginnings. With more unsynced pieces than that (only when the file is made and when -wal
    // is moved into it) subsets are chosen.
    const CrashPlan plan{.exhaustive_pieces_max = campaign::is_full() ? 12U : 3U,
                         .random_subsets = campaign::is_full() ? 200U : 10U};
    Campaign campaign("crash images, every subset, 3 emits, FULL", "distinct images", 1'000, 20'000);
    ImageSet seen;
    std::uint64_t positions = 0;
    for (const bool powersafe : {true, false}) {
        const RecordedRun run({.seed = 1, .steps = 3, .powersafe_overwrite = powersafe, .plain = true});
        REQUIRE(run.promises.last() == 3);
        Judge judge(run);
        check_nothing(run.options, explore(run.machine.disk, Durability::full, judge, seen,
                                           {.plan = plan, .after_each = [&](const DiskImage&, std::uint64_t) {
                                                campaign.count();
                                                return true;
                                            }}));
        positions += run.machine.disk.log().size();
    }
    campaign.figure("positions", positions);
    CHECK(campaign.finish() == "");
}

TEST_CASE("crash: with FULL nothing acknowledged is lost, and nothing is torn or invented", "[images]") {
    Campaign campaign("crash images, FULL", "distinct images", 2'000, 250'000);
    explore_runs(campaign, Durability::full);
}

TEST_CASE("crash: with NORMAL what comes back is a prefix that ends with a transaction", "[images]") {
    Campaign campaign("crash images, NORMAL", "distinct images", 1'500, 100'000);
    explore_runs(campaign, Durability::normal);
}

TEST_CASE("crash: a second power loss while the log recovers from the first loses nothing either", "[images]") {
    Campaign campaign("crash images, power lost again during recovery, FULL", "distinct images", 1'000, 40'000);
    ImageSet first;
    ImageSet second;
    for_each_run(campaign, {.durability = Durability::full}, [&](const RecordedRun& run) {
        Judge judge(run);
        Dice dice(run.options.seed);
        const auto again = [&](const DiskImage& image, std::uint64_t acknowledged) {
            if (!dice.chance(4)) return true;
            SimulatedMachine recovering(image);
            recovering.vfs.powersafe_overwrite = run.options.powersafe_overwrite;
            const Verdict verdict = judge.judge(recovering);
            CHECK(verdict.fault == "");
            check_nothing(run.options, explore(recovering.disk, Durability::full, judge, second,
                                               {.plan = some_of_everything,
                                                .seed = dice.next(),
                                                .positions_percent = 30,
                                                .acknowledged = acknowledged,
                                                .after_each = [&](const DiskImage&, std::uint64_t) {
                                                    campaign.count();
                                                    return campaign.goes_on();
                                                }}));
            return campaign.goes_on();
        };
        check_nothing(run.options, explore(run.machine.disk, Durability::full, judge, first,
                                           {.plan = some_of_everything,
                                            .seed = run.options.seed,
                                            .positions_percent = positions_percent(),
                                            .after_each = again}));
    });
}

// The programs are killed, the machine goes on: the page cache shows what no sync has made durable. Whoever opens the
// log next must make it durable before it shows or acknowledges it.
TEST_CASE("crash: an event in doubt that is appended again after a kill survives the power loss that follows",
          "[images]") {
    Campaign campaign("crash images, kill, append again, power lost, FULL", "distinct images", 1'000, 40'000);
    ImageSet seen;
    std::uint64_t kills = 0;
    for_each_run(campaign, {.durability = Durability::full}, [&](const RecordedRun& run) {
        const std::vector<Operation>& log = run.machine.disk.log();
        Dice dice(run.options.seed);
        for (std::size_t round = 0; round < 6 && campaign.goes_on(); ++round, ++kills) {
            const auto killed_at = static_cast<std::size_t>(dice.below(log.size()));
            SimulatedMachine machine(run.machine.disk.base(),
                                     {log.begin(), log.begin() + static_cast<std::ptrdiff_t>(killed_at)});
            machine.vfs.powersafe_overwrite = run.options.powersafe_overwrite;
            StoreOptions options = machine.options();
            options.checkpoint_pages = run.options.checkpoint_pages;
            EventStore store = EventStore::open(simulation::log_path, options);
            const Head head = store.head();
            const auto state = run.promises.find(head);
            REQUIRE(state.has_value());
            Promises promises = run.promises.until(*state);
            machine.disk.note(*state);  // shown is as good as acknowledged
            // The last that is there, and the two that would have come next.
            const std::size_t there = static_cast<std::size_t>(head.seq.value);
            for (std::size_t index = there - std::min<std::size_t>(there, 1);
                 index < std::min(there + 2, run.events.size()); ++index) {
                static_cast<void>(store.append(run.events[index]));
                machine.disk.note(promises.committed(store.head()));
            }
            store.close();
            Judge judge(run, promises);
            check_nothing(run.options, explore(machine.disk, Durability::full, judge, seen,
                                               {.plan = some_of_everything,
                                                .seed = dice.next(),
                                                .first_position = killed_at,
                                                .positions_percent = 30,
                                                .after_each = [&](const DiskImage&, std::uint64_t) {
                                                    campaign.count();
                                                    return campaign.goes_on();
                                                }}));
        }
    });
    CHECK(kills > 0);
}

// Found by the search above: the first look at the file took it for a stranger's and refused it.
TEST_CASE("crash: a header of zeros, left by a power loss while -wal was moved into the file, is read from -wal",
          "[regression]") {
    const RecordedRun run({.steps = 1, .plain = true});
    const std::vector<Operation>& log = run.machine.disk.log();
    simulation::CrashPoint point(run.machine.disk.base(), log);
    Judge judge(run);
    std::size_t headers_zeroed = 0;
    while (point.advance()) {
        const Operation& operation = log[point.position() - 1];
        if (operation.kind != Operation::Kind::write || operation.offset != 0 || operation.bytes.size() != 4096)
            continue;
        std::vector<simulation::CrashPoint::Fate> fates(point.pieces(), simulation::CrashPoint::Fate::whole);
        fates.back() = simulation::CrashPoint::Fate::zeroed;
        const DiskImage image = point.image(fates, point.unsynced_names(), 0);
        const auto wal = image.find(simulation::log_path + "-wal");
        if (wal == image.end() || wal->second->empty()) continue;  // there the rollback journal helps
        CHECK(judge.judge(image).fault == "");
        ++headers_zeroed;
    }
    CHECK(headers_zeroed == 1);
}

}  // namespace daybook::crash
