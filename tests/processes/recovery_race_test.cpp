// Two processes that begin at the same moment to run again what a third left when it was killed.
#include <catch2/catch.hpp>

#include <unistd.h>

#include <array>
#include <csignal>

#include <daybook/testkit/temp_directory.hpp>

#include "campaign/campaign.hpp"
#include "processes/examiner.hpp"
#include "processes/worker.hpp"
#include "simulation/dice.hpp"

namespace daybook::processes {

namespace {

using campaign::Campaign;
using test_hooks::KillPoint;

struct Race {
    explicit Race(std::uint64_t seed) : dice(seed) {
        place.database = directory / "log.db";
        place.seed = seed;
        place.with_bus = true;
        place.each_outcome = dice.chance(50);
    }

    testkit::TempDirectory directory;
    simulation::Dice dice;
    Place place;
    Oracle oracle;
    std::vector<std::string> contradictions{};

    /// All that `child` says until it ends; its exit code. Returns the handlers that it ran.
    std::uint64_t listen(ChildProcess& child, int& code) {
        std::uint64_t ran = 0;
        while (!child.over()) ran += hear(child);
        code = child.wait();
        return ran;
    }
    void wait_until_open(ChildProcess& child) {
        while (!child.over() && !opened_.contains(&child)) hear(child);
    }

  private:
    std::uint64_t hear(ChildProcess& child) {
        std::uint64_t ran = 0;
        for (const Report& report : child.take(true)) {
            if (std::string found = oracle.take(report); !found.empty()) contradictions.push_back(std::move(found));
            if (report.kind == Report::Kind::opened) opened_.insert(&child);
            if (report.kind == Report::Kind::ran) ++ran;
        }
        return ran;
    }
    std::set<const ChildProcess*> opened_{};
};

}  // namespace

TEST_CASE("processes: of two that recover at the same time each handler is run by one, though one is killed",
          "[kills]") {
    Campaign campaign("two processes that recover at the same time", "handlers run again", 150, 3'000);
    std::uint64_t shared = 0;
    std::uint64_t races = 0;
    std::uint64_t killed = 0;
    constexpr std::uint64_t events = 40;
    for (std::uint64_t seed = campaign.seed(); campaign.goes_on(); ++seed) {
        INFO("seed " << seed);
        Race race(seed);
        int code = 0;
        const int died_after = static_cast<int>(1 + race.dice.below(12));
        ChildProcess leaver([&](const Reporter& reporter) {
            return leave_unfinished(race.place, events, {.killed_at = KillPoint::after_handler, .passing = died_after},
                                    reporter);
        });
        race.listen(leaver, code);
        REQUIRE(code == -SIGKILL);

        // In every second race one of them dies on its way, at its fifth item or before.
        constexpr std::array deadly{KillPoint::after_claim, KillPoint::before_handler, KillPoint::after_handler,
                                    KillPoint::after_outcome};
        Errand errand;
        if (seed % 2 == 1) errand.killed_at = deadly[static_cast<std::size_t>(race.dice.below(deadly.size()))];
        errand.passing = static_cast<int>(1 + race.dice.below(5));
        std::array<int, 2> start{};
        REQUIRE(::pipe(start.data()) == 0);
        ChildProcess first(
            [&](const Reporter& reporter) { return recover_at(race.place, start[0], errand, reporter); });
        race.wait_until_open(first);
        ChildProcess second([&](const Reporter& reporter) { return recover_at(race.place, start[0], {}, reporter); });
        race.wait_until_open(second);
        REQUIRE(::write(start[1], "go", 2) == 2);
        int first_code = 0;
        int second_code = 0;
        const std::uint64_t first_ran = race.listen(first, first_code);
        const std::uint64_t second_ran = race.listen(second, second_code);
        ::close(start[0]);
        ::close(start[1]);
        CHECK((first_code == 0 || (errand.killed_at && first_code == -SIGKILL)));
        CHECK(second_code == 0);
        // What the first had claimed when it died may have been run by both: then as attempts 2 and 3.
        const std::uint64_t left = events - static_cast<std::uint64_t>(died_after) + 1;
        if (first_code == 0) CHECK(first_ran + second_ran == left);
        ChildProcess examiner([&](const Reporter& reporter) { return examine(race.place, race.oracle, reporter); });
        race.listen(examiner, code);
        CHECK(code == 0);
        CHECK(race.contradictions == std::vector<std::string>{});
        campaign.count(first_ran + second_ran);
        ++races;
        killed += first_code == 0 ? 0 : 1;
        shared += first_ran > 0 && second_ran > 0 ? 1 : 0;
    }
    CHECK(shared > 0);
    campaign.figure("races", races);
    campaign.figure("of them shared by both", shared);
    campaign.figure("with one killed", killed);
    CHECK(campaign.finish() == "");
}

}  // namespace daybook::processes
