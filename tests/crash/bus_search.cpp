#include "crash/bus_search.hpp"

#include <fmt/format.h>

namespace daybook::crash {

using campaign::Campaign;
using simulation::CrashPlan;
using simulation::CrashPoint;
using simulation::Dice;
using simulation::DiskImage;
using simulation::ImageSet;
using simulation::Operation;
using simulation::SimulatedMachine;

namespace {

constexpr CrashPlan plan{.exhaustive_pieces_max = 3, .random_subsets = 6};

std::string describe(const BusRunOptions& options, std::size_t position, const std::string& fault) {
    if (fault.empty()) return fault;
    return fmt::format("bus run of seed {}, {} steps, {}, sync {}, rotation {}: after operation {}: {}", options.seed,
                       options.steps, options.durability == Durability::full ? "FULL" : "NORMAL",
                       static_cast<int>(options.sync), options.rotate_bytes, position, fault);
}

}  // namespace

BusRunOptions draw_bus_run(Dice& dice, std::uint64_t seed) {
    constexpr JournalSync policies[] = {JournalSync::every_flush, JournalSync::on_close, JournalSync::never};
    BusRunOptions options;
    options.seed = seed;
    options.steps = static_cast<std::size_t>(3 + dice.below(8));
    options.durability = dice.chance(70) ? Durability::full : Durability::normal;
    options.sync = policies[dice.below(3)];
    options.rotate_bytes = dice.chance(50) ? 4'096 : 0;
    options.outcomes = dice.chance(50) ? OutcomeCommit::together : OutcomeCommit::each;
    return options;
}

std::string search_reactions(const BusRun& run, Dice& dice, ImageSet& seen, Campaign& campaign, BusFigures& figures) {
    BusJudge judge(run);
    const std::vector<Operation>& log = run.machine.disk.log();
    const bool is_full = run.options.durability == Durability::full;
    CrashPoint point(run.machine.disk.base(), log);
    std::uint64_t acknowledged = 0;
    std::string fault;
    while (point.advance() && fault.empty()) {
        if (log[point.position() - 1].kind == Operation::Kind::note && is_full)
            acknowledged = log[point.position() - 1].offset & ~is_journaled;
        if (point.is_unchanged() || !dice.chance(15)) continue;
        const auto visit = [&](DiskImage&& image) {
            if (!seen.add(image)) return true;
            campaign.count();
            SimulatedMachine machine(image);
            const BusVerdict verdict = judge.judge(machine, acknowledged, false);
            fault = verdict.fault;
            figures.run_again += verdict.run_again;
            figures.set_aside += verdict.set_aside;
            if (fault.empty() && dice.chance(1)) {
                CrashPoint later(machine.disk.base(), machine.disk.log());
                const std::uint64_t stop = dice.below(machine.disk.log().size());
                while (later.position() < stop) static_cast<void>(later.advance());
                static_cast<void>(
                    later.visit({.exhaustive_pieces_max = 2, .random_subsets = 2}, dice, [&](DiskImage&& next) {
                        if (!seen.add(next)) return true;
                        campaign.count();
                        ++figures.cut_again;
                        SimulatedMachine again(next);
                        fault = judge.judge(again, acknowledged, true).fault;
                        return fault.empty();
                    }));
            }
            return fault.empty() && campaign.goes_on();
        };
        if (!point.visit(plan, dice, visit)) break;
    }
    return describe(run.options, point.position(), fault);
}

std::string search_journal(const BusRun& run, Dice& dice, ImageSet& seen, Campaign& campaign) {
    const BusJudge judge(run);
    const std::vector<Operation>& log = run.machine.disk.log();
    CrashPoint point(run.machine.disk.base(), log);
    std::uint64_t journaled = 0;
    std::string fault;
    while (point.advance() && fault.empty() && campaign.goes_on()) {
        const Operation& operation = log[point.position() - 1];
        if (operation.kind == Operation::Kind::note && (operation.offset & is_journaled) != 0)
            journaled = operation.offset & ~is_journaled;
        if (point.is_unchanged() || !dice.chance(30)) continue;
        static_cast<void>(point.visit(plan, dice, [&](DiskImage&& image) {
            if (!seen.add(image)) return true;
            campaign.count();
            fault = judge.judge_journal(image, journaled);
            return fault.empty() && campaign.goes_on();
        }));
    }
    return describe(run.options, point.position(), fault);
}

}  // namespace daybook::crash
