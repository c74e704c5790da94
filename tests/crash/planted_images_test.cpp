// Bugs by which logs have been lost, planted in the real store: the search for crash images must find each of them.
#include <catch2/catch.hpp>

#include "campaign/campaign.hpp"
#include "crash/explorer.hpp"
#include "event/test_hooks.hpp"

namespace daybook::crash {

namespace {

using simulation::DiskImage;
using simulation::ImageSet;
using test_hooks::Bug;

struct Planted {
    explicit Planted(Bug bug) { test_hooks::plant(bug); }
    ~Planted() { test_hooks::plant(Bug::none); }
    Planted(const Planted&) = delete;
    Planted& operator=(const Planted&) = delete;
};

// Looks at images of runs of growing seeds until one is found bad, or so many were good.
std::string search(std::string_view bug, RunOptions options, std::uint64_t images_max) {
    campaign::Campaign campaign("planted bug " + std::string(bug), "distinct images", 0, 0);
    ImageSet seen;
    std::optional<Finding> finding;
    for (options.seed = 1; !finding && campaign.counted() < images_max; ++options.seed) {
        const RecordedRun run(options);
        std::uint64_t left_of_run = 1'000;
        Judge judge(run);
        if (const Verdict at_rest = judge.judge(run.machine.disk.seen()); !at_rest.ok()) {
            finding = Finding{run.machine.disk.log().size(), at_rest.fault};
            break;
        }
        finding = explore(run.machine.disk, options.durability, judge, seen,
                          {.plan = {.exhaustive_pieces_max = 4, .random_subsets = 4},
                           .seed = options.seed,
                           .after_each = [&](const DiskImage&, std::uint64_t) {
                               campaign.count();
                               return --left_of_run > 0 && campaign.counted() < images_max;
                           }});
    }
    campaign.figure("caught", finding ? 1 : 0);
    static_cast<void>(campaign.finish());
    return finding ? finding->fault : "";
}

}  // namespace

TEST_CASE("planted: ack_before_commit is caught by crash images", "[planted]") {
    const Planted planted(Bug::ack_before_commit);
    CHECK(search("ack_before_commit", {.steps = 8, .fresh = false}, 5'000).starts_with("lost"));
}

TEST_CASE("planted: synchronous_off is caught by crash images", "[planted]") {
    const Planted planted(Bug::synchronous_off);
    CHECK(search("synchronous_off", {.steps = 8, .fresh = false}, 5'000) != "");
}

TEST_CASE("planted: sync_lies is caught by crash images", "[planted]") {
    CHECK(search("sync_lies", {.steps = 8, .fresh = false, .sync_lies = true}, 5'000) != "");
}

TEST_CASE("planted: sequence_burned is caught by crash images", "[planted]") {
    const Planted planted(Bug::sequence_burned);
    CHECK(search("sequence_burned", {.steps = 30, .fresh = false}, 5'000) != "");
}

TEST_CASE("planted: with nothing planted the same search finds nothing", "[planted]") {
    CHECK(search("none", {.steps = 8, .fresh = false}, 1'000) == "");
}

}  // namespace daybook::crash
