// Real processes on a real file, ended by SIGKILL: at random moments and at each named point of the code.
#include <catch2/catch.hpp>

#include <algorithm>

#include "campaign/campaign.hpp"
#include "processes/round.hpp"

namespace daybook::processes {

namespace {

using campaign::Campaign;
using test_hooks::Bug;
using test_hooks::KillPoint;

constexpr std::uint64_t kills_a_round = 14;
static_assert(Round::seeds_for_all_points * kills_a_round >= 150);

// What rounds of growing seeds find while `bug` is planted in every process; empty after so many.
std::string search(Bug bug, std::uint64_t rounds_max) {
    Kills kills;
    std::string found;
    for (std::uint64_t seed = 1; found.empty() && seed <= rounds_max; ++seed)
        found = Round(seed, kills, bug).run(kills_a_round);
    return found;
}

}  // namespace

TEST_CASE("processes: whoever is killed, wherever, what was acknowledged is there, once and in order", "[kills]") {
    Campaign campaign("killed processes", "kills", 150, 3'000);
    Kills kills;
    std::uint64_t rounds = 0;
    std::uint64_t acknowledged = 0;
    std::uint64_t seen = 0;
    std::string found;
    for (std::uint64_t seed = campaign.seed();
         found.empty() && (campaign.goes_on() || rounds < Round::seeds_for_all_points); ++seed) {
        const std::uint64_t before = kills.of_writers();
        Round round(seed, kills);
        found = round.run(kills_a_round);
        campaign.count(kills.of_writers() - before);
        acknowledged += round.oracle().acknowledged().size();
        seen += round.oracle().seen().size();
        ++rounds;
    }
    CHECK(found == "");
    std::uint64_t points = 0;
    for (std::size_t index = 0; index < test_hooks::kill_points; ++index) {
        INFO("nobody was killed at " << test_hooks::to_string(static_cast<KillPoint>(index)));
        if (found.empty()) CHECK(kills.at_point[index] > 0);
        points += kills.at_point[index] > 0 ? 1 : 0;
    }
    campaign.figure("at random", kills.at_random);
    campaign.figure("of these while opening", kills.while_opening);
    campaign.figure("at named points", kills.at_points());
    campaign.figure("named points hit", points);
    campaign.figure("readers killed", kills.of_readers);
    campaign.figure("rounds", rounds);
    campaign.figure("acknowledged events", acknowledged);
    campaign.figure("events seen", seen);
    CHECK(campaign.finish() == "");
}

TEST_CASE("planted: ack_before_commit is caught by killed processes", "[planted]") {
    const std::string found = search(Bug::ack_before_commit, 100);
    INFO(found);
    CHECK(found != "");
}

TEST_CASE("planted: sequence_burned is caught by killed processes", "[planted]") {
    const std::string found = search(Bug::sequence_burned, 100);
    INFO(found);
    CHECK(found != "");
}

}  // namespace daybook::processes
