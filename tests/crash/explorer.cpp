#include "crash/explorer.hpp"

#include <fmt/format.h>

namespace daybook::crash {

using simulation::CrashPoint;
using simulation::Dice;
using simulation::DiskImage;
using simulation::ImageSet;
using simulation::Operation;
using simulation::SimulatedDisk;

std::optional<Finding> explore(const SimulatedDisk& disk, Durability durability, Judge& judge, ImageSet& seen,
                               const Exploration& exploration) {
    std::optional<Finding> finding;
    Dice dice(exploration.seed);
    std::uint64_t acknowledged = exploration.acknowledged;
    CrashPoint point(disk.base(), disk.log());
    while (point.advance()) {
        const Operation& operation = disk.log()[point.position() - 1];
        // NORMAL promises nothing for a power loss but that the log is sound.
        if (operation.kind == Operation::Kind::note && durability == Durability::full) acknowledged = operation.offset;
        if (point.is_unchanged() || point.position() <= exploration.first_position) continue;
        if (!dice.chance(exploration.positions_percent)) continue;
        const bool goes_on = point.visit(exploration.plan, dice, [&](DiskImage&& image) {
            if (!seen.add(image)) return true;
            const Verdict verdict = judge.judge(image, acknowledged);
            if (!verdict.ok()) {
                finding = Finding{point.position(), verdict.fault};
                return false;
            }
            return !exploration.after_each || exploration.after_each(image, acknowledged);
        });
        if (!goes_on) break;
    }
    return finding;
}

std::string describe(const RunOptions& options, const Finding& finding) {
    return fmt::format("run of seed {}, {} steps, {}{}{}: after operation {}: {}", options.seed, options.steps,
                       options.durability == Durability::full ? "FULL" : "NORMAL", options.plain ? ", plain" : "",
                       options.powersafe_overwrite ? "" : ", no power-safe overwrite", finding.position, finding.fault);
}

}  // namespace daybook::crash
