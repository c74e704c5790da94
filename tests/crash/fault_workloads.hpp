// The workloads that faults are laid into, and one run of one of them with one fault, judged.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "crash/fault_client.hpp"
#include "simulation/dice.hpp"
#include "simulation/simulated_disk.hpp"

namespace daybook::crash {

/// What a workload finds when it begins.
struct Beginning {
    simulation::DiskImage image;
    Ledger ledger;
};

struct Workload {
    std::string name;
    ClientOptions options{};
    /// On a healthy machine. What lies on the disk when it returns is what `run` finds: with the store left open, a kill.
    std::function<void(FaultClient&)> prepare{};
    std::function<void(FaultClient&)> run;
    /// Takes something off the disk between the two.
    std::function<void(simulation::DiskImage&)> damage{};
    bool uses_bus = false;
    /// The log lies behind its mark: it is to be accepted before it can be written.
    bool lost_its_tail = false;

    [[nodiscard]] Beginning begin() const;
};

/// All of them, in a fixed order.
[[nodiscard]] std::vector<Workload> fault_workloads();

/// Which states of the disk are looked into after a run.
struct JudgeOptions {
    /// Those that a power loss may leave besides the disk as it is seen: after the call that failed, and at the end.
    std::size_t power_losses = 2;
};

/// Counted over all runs.
struct FaultFigures {
    std::uint64_t images = 0;     ///< states of the disk that were judged
    std::uint64_t known = 0;      ///< and that were equal to one judged before, of an equal ledger
    std::uint64_t in_doubt = 0;   ///< runs in which a call was told as in doubt
    std::uint64_t came_back = 0;  ///< and in which what was in doubt was there afterwards
    std::uint64_t rejected = 0;   ///< runs in which something was told as rejected
};

/// Runs one workload again and again. Thread-safety: one thread at a time.
class FaultedWorkload {
  public:
    explicit FaultedWorkload(const Workload& workload);

    /// Before the run, with the machine that is to fail; and when the machine is to be healthy again.
    struct Faults {
        std::function<void(FaultClient&)> begin;
        std::function<void(FaultClient&)> end;
        std::function<bool(const FaultClient&)> has_failed;
    };
    /// One run. Returns what was wrong; empty: nothing.
    [[nodiscard]] std::string run(const Faults& faults, const JudgeOptions& judging, simulation::Dice& dice);
    [[nodiscard]] const FaultFigures& figures() const noexcept { return figures_; }
    /// Of the kinds of the calls that can fail, in order, when none does.
    [[nodiscard]] std::vector<simulation::Call> calls() const;

  private:
    [[nodiscard]] std::string judge(const simulation::DiskImage& image, const Ledger& ledger, const FaultClient& of,
                                    const std::string& what);
    [[nodiscard]] std::string examine(const simulation::DiskImage& image, const Ledger& ledger, const FaultClient& of,
                                      bool thorough);
    [[nodiscard]] std::string examine_journal(FaultClient& client) const;

    const Workload& workload_;
    Beginning beginning_;
    FaultFigures figures_;
    std::map<std::pair<std::uint64_t, std::uint64_t>, std::string> judged_;
};

}  // namespace daybook::crash
