// Several programs on one simulated machine and one thread: each is a coroutine, and at every call of the disk a seed
// decides whether another one goes on. What one seed did, it does again.
//
// A program must not share a mutex or a thread-local with another: there is one thread. (shared/reference: FoundationDB's
// simulation; TigerBeetle's VOPR.)
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <daybook/event/clock.hpp>

#include "simulation/dice.hpp"
#include "simulation/simulated_disk.hpp"

namespace daybook::simulation {

/// Whoever sleeps lets time pass and the others run. Thread-safety: one thread at a time.
class SwitchingClock final : public Clock {
  public:
    explicit SwitchingClock(SimulatedDisk& disk) : disk_(disk) {}

    [[nodiscard]] Timestamp now() override { return Timestamp{1'769'860'800'000'000'000 + passed_.count()}; }
    [[nodiscard]] std::chrono::nanoseconds steady() override { return passed_; }
    void sleep_for(std::chrono::nanoseconds duration) override {
        advance(duration);
        disk_.pass(Call::sleep);
    }
    void advance(std::chrono::nanoseconds duration) noexcept { passed_ += duration; }

  private:
    SimulatedDisk& disk_;
    std::chrono::nanoseconds passed_{0};
};

struct Schedule {
    std::uint64_t seed = 1;
    /// How often another program goes on, in percent: at most calls, at xUnfetch (where SQLite's WAL-reset bug is
    /// open), and when somebody sleeps.
    unsigned switch_percent = 6;
    unsigned unfetch_percent = 12;
    unsigned sleep_percent = 100;
    /// With this call of the disk the machine dies: every call fails from then on, so that each program unwinds as
    /// it would after an error, and nothing that it does reaches the disk. 0: never.
    std::uint64_t dies_at_call = 0;
    /// More calls than this: nobody gets on any more.
    std::uint64_t calls_max = 200'000;
};

/// Thread-safety: one thread at a time. Keeps the stacks of its programs for the next run.
class Scheduler {
  public:
    Scheduler();
    ~Scheduler();
    Scheduler(const Scheduler&) = delete;
    Scheduler& operator=(const Scheduler&) = delete;

    /// Runs all programs to their ends. Uses disk.on_call and, when the machine dies, the disk's faults.
    /// Throws what the first program threw that threw, when all have ended.
    void run(SimulatedDisk& disk, const Schedule& schedule, std::vector<std::function<void()>> programs);

    // Of the last run, or of the one that goes on:

    [[nodiscard]] bool is_dead() const noexcept { return dead_; }
    /// calls_max was reached, and the machine was ended.
    [[nodiscard]] bool is_stuck() const noexcept { return stuck_; }
    /// Operations of the disk's log before the death; all of them if there was none.
    [[nodiscard]] std::size_t operations() const noexcept { return operations_; }
    [[nodiscard]] std::uint64_t calls() const noexcept { return calls_; }
    [[nodiscard]] std::uint64_t switches() const noexcept { return switches_; }

  private:
    struct Program;

    static void begin(unsigned low, unsigned high) noexcept;
    void called(Call call);
    void die();
    void switch_to(Program& next);
    [[nodiscard]] Program* choose_other();

    std::vector<std::unique_ptr<Program>> programs_;  // never fewer than were ever needed: their stacks are kept
    std::vector<Program*> living_;
    Program* current_ = nullptr;
    std::unique_ptr<Program> main_;
    SimulatedDisk* disk_ = nullptr;
    Schedule schedule_;
    Dice dice_{1};
    bool dead_ = false;
    bool stuck_ = false;
    std::size_t operations_ = 0;
    std::uint64_t calls_ = 0;
    std::uint64_t switches_ = 0;
};

}  // namespace daybook::simulation
