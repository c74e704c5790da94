// Disks that fail: each call of a set of workloads fails once, or from then on, in each way that it can. Whatever the
// store then says of an event (stored, rejected, in doubt) must be what a restarted machine, or one whose power was cut,
// finds; and appending again under the same ids must be right.
#include <catch2/catch.hpp>

#include <fmt/format.h>
#include <array>

#include <algorithm>

#include "campaign/campaign.hpp"
#include "crash/fault_workloads.hpp"

namespace daybook::crash {

namespace {

using campaign::Campaign;
using simulation::Call;
using simulation::CallSet;
using simulation::Dice;
using simulation::Fault;
using simulation::FaultPlan;

CallSet set_of(std::initializer_list<Call> kinds) {
    CallSet set;
    for (const Call kind : kinds) set.set(static_cast<std::size_t>(kind));
    return set;
}

struct WayToFail {
    std::string_view name;
    Fault fault;
    bool once;
    CallSet kinds;
};

std::vector<WayToFail> ways_to_fail() {
    const CallSet all = CallSet().set();
    const CallSet writes = set_of({Call::write});
    const CallSet needs_room = set_of({Call::write, Call::rename, Call::shm_map});
    const CallSet syncs = set_of({Call::sync, Call::sync_directory});
    return {
        {"EIO once", Fault::io_error, true, all},
        {"EIO from then on", Fault::io_error, false, all},
        {"ENOSPC once", Fault::disk_full, true, needs_room},
        {"ENOSPC from then on", Fault::disk_full, false, needs_room},
        {"half a write and EIO", Fault::short_write, true, writes},
        {"half a write and ENOSPC", Fault::full_midway, true, writes},
        {"half writes and ENOSPC from then on", Fault::full_midway, false, writes},
        {"failed syncs from then on", Fault::io_error, false, syncs},
    };
}

std::string_view name_of(Call call) {
    constexpr std::array<std::string_view, simulation::calls> names{
        "open", "read", "write",  "truncate", "sync",     "sync_directory", "remove", "rename", "exists",
        "size", "lock", "unlock", "shm_map",  "shm_lock", "unfetch",        "sleep",  "touch",  "list"};
    return names[static_cast<std::size_t>(call)];
}

const Workload& workload_named(const std::vector<Workload>& all, std::string_view name) {
    return *std::find_if(all.begin(), all.end(), [&](const Workload& workload) { return workload.name == name; });
}

// At the `at`th call of the disk, as `way` says.
std::string run_with_fault(FaultedWorkload& faulted, std::size_t at, const WayToFail& way, Dice& dice) {
    return faulted.run({.begin =
                            [&](FaultClient& client) {
                                client.machine.disk.set_faults(FaultPlan{at, way.fault, way.once, way.kinds});
                            },
                        .end = [](FaultClient& client) { client.machine.disk.set_faults(std::nullopt); },
                        .has_failed = [](const FaultClient& client) { return client.machine.disk.has_failed(); }},
                       {}, dice);
}

}  // namespace

TEST_CASE("faults: whichever call of the disk fails, the store says truly what it stored, and goes on after a restart",
          "[faults]") {
    Campaign campaign("fault sweep, disk", "points", 300, 3'000);
    Dice dice(campaign.seed());
    // Complete in full; quick takes some of it, others with each seed.
    const std::uint64_t step = campaign::is_full() ? 1 : 40;
    std::uint64_t number = campaign.seed() % step;
    FaultFigures sum;
    std::uint64_t calls_of_all = 0;
    for (const Workload& workload : fault_workloads()) {
        FaultedWorkload faulted(workload);
        const std::vector<Call> calls = faulted.calls();
        calls_of_all += calls.size();
        for (const WayToFail& way : ways_to_fail()) {
            for (std::size_t at = 1; at <= calls.size(); ++at) {
                if (!way.kinds.test(static_cast<std::size_t>(calls[at - 1]))) continue;
                if (++number % step != 0) continue;
                campaign.count();
                const std::string fault = run_with_fault(faulted, at, way, dice);
                if (fault.empty()) continue;
                INFO(fmt::format("{}: {} at call {} of {} ({})", workload.name, way.name, at, calls.size(),
                                 name_of(calls[at - 1])));
                FAIL_CHECK(fault);
            }
        }
        const FaultFigures& figures = faulted.figures();
        sum.images += figures.images;
        sum.known += figures.known;
        sum.in_doubt += figures.in_doubt;
        sum.came_back += figures.came_back;
        sum.rejected += figures.rejected;
    }
    campaign.figure("calls of the workloads", calls_of_all);
    campaign.figure("states of the disk judged", sum.images);
    campaign.figure("met again", sum.known);
    campaign.figure("runs with an event in doubt", sum.in_doubt);
    campaign.figure("states with it there", sum.came_back);
    campaign.figure("runs with an event rejected", sum.rejected);
    CHECK(campaign.finish() == "");
}

TEST_CASE("faults: a commit is not acknowledged while -wal may still lose its name to a failed sync of the directory",
          "[faults]") {
    // SQLite syncs the directory with the first sync of -wal, and does not ask whether that succeeded.
    const std::vector<Workload> all = fault_workloads();
    const WayToFail way{"failed sync of the directory", Fault::io_error, true, set_of({Call::sync_directory})};
    Dice dice(1);
    std::size_t tried = 0;
    for (const std::string_view name : {"a new log", "appends"}) {
        FaultedWorkload faulted(workload_named(all, name));
        const std::vector<Call> calls = faulted.calls();
        for (std::size_t at = 1; at <= calls.size(); ++at) {
            if (calls[at - 1] != Call::sync_directory) continue;
            ++tried;
            INFO(fmt::format("{}: call {} of {}", name, at, calls.size()));
            CHECK(run_with_fault(faulted, at, way, dice) == "");
        }
    }
    CHECK(tried > 4);
}

}  // namespace daybook::crash
