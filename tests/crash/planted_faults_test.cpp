// Planted: an error of COMMIT told as "nothing was stored". The sweep of failing disks must see it.
#include <catch2/catch.hpp>

#include <string>
#include <vector>

#include "crash/fault_workloads.hpp"
#include "event/test_hooks.hpp"

namespace daybook::crash {

namespace {

using simulation::Call;
using simulation::CallSet;
using simulation::Dice;
using simulation::FaultPlan;

// What the sweep says when each sync of a workload fails, and all behind it; the first fault.
std::string sweep_syncs() {
    const std::vector<Workload> all = fault_workloads();
    FaultedWorkload faulted(all.at(1));
    const std::vector<Call> calls = faulted.calls();
    CallSet syncs;
    syncs.set(static_cast<std::size_t>(Call::sync));
    Dice dice(1);
    for (std::size_t at = 1; at <= calls.size(); ++at) {
        if (calls[at - 1] != Call::sync) continue;
        std::string fault =
            faulted.run({.begin =
                             [&](FaultClient& client) {
                                 client.machine.disk.set_faults(FaultPlan{.at = at, .once = false, .kinds = syncs});
                             },
                         .end = [](FaultClient& client) { client.machine.disk.set_faults(std::nullopt); },
                         .has_failed = [](const FaultClient& client) { return client.machine.disk.has_failed(); }},
                        {}, dice);
        if (!fault.empty()) return fault;
    }
    return "";
}

}  // namespace

TEST_CASE("planted: a failed commit that is told as rejected is caught by the sweep of failing disks", "[planted]") {
    CHECK(sweep_syncs() == "");
    test_hooks::plant(test_hooks::Bug::failed_commit_rejected);
    const std::string fault = sweep_syncs();
    test_hooks::plant(test_hooks::Bug::none);
    INFO(fault);
    CHECK(fault.find("told as rejected") != std::string::npos);
}

}  // namespace daybook::crash
