// One file, some processes that write it, are killed and begin again, and some that read it; in the end the log is held
// against what they had said.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <daybook/testkit/temp_directory.hpp>

#include "event/test_hooks.hpp"
#include "processes/child_process.hpp"
#include "processes/oracle.hpp"
#include "processes/worker.hpp"
#include "processes/workplace.hpp"
#include "simulation/dice.hpp"

namespace daybook::processes {

/// What is counted, over all rounds.
struct Kills {
    std::array<std::uint64_t, test_hooks::kill_points> at_point{};
    std::uint64_t at_random = 0;      ///< of writers
    std::uint64_t while_opening = 0;  ///< of these, before the store was open
    std::uint64_t of_readers = 0;
    [[nodiscard]] std::uint64_t at_points() const;
    [[nodiscard]] std::uint64_t of_writers() const { return at_points() + at_random; }
};

/// Thread-safety: one thread at a time.
class Round {
  public:
    /// So many consecutive seeds name every point in their first_points.
    static constexpr std::uint64_t seeds_for_all_points = (test_hooks::kill_points + 1) / 2;

    /// `bug`: planted in every process.
    Round(std::uint64_t seed, Kills& kills, test_hooks::Bug bug = test_hooks::Bug::none);

    /// Kills writers so many times, or some more. What was found; empty when the log is what was promised.
    [[nodiscard]] std::string run(std::uint64_t kills);
    [[nodiscard]] const Oracle& oracle() const noexcept { return oracle_; }
    [[nodiscard]] std::size_t writers() const noexcept { return writers_.size(); }

  private:
    using Clock = std::chrono::steady_clock;
    struct Process {
        std::optional<ChildProcess> child;
        Clock::time_point begun{};
        std::optional<Clock::time_point> killed_when{};
        std::uint64_t killed_after_reports = 0;  // then, when is drawn
        std::uint64_t reports = 0;               // acknowledged or seen
        bool is_open = false;
        bool killed_here = false;  // not at its point
    };
    struct Writer : Process {
        Errand errand;
    };

    void choose_place();
    void begin(Writer& writer);
    void begin(Process& reader);
    void draw_point(Errand& errand);
    void wait_for_something();
    void attend(Writer& writer);
    void attend(Process& reader);
    void take(Process& process, bool wait);
    void kill(Process& process);
    void kill_together();
    void end(Writer& writer);
    void end_reader(Process& reader);
    void find(std::string what);
    std::string keep_files();

    const std::uint64_t seed_;
    Kills& kills_;
    simulation::Dice dice_;
    testkit::TempDirectory directory_;
    Place place_;
    Oracle oracle_;
    std::vector<test_hooks::KillPoint> first_points_;  // of the first writer's first lives
    std::vector<Writer> writers_;
    std::vector<Process> readers_;
    Clock::duration opening_ = std::chrono::milliseconds(3);  // as it was seen to take
    bool anybody_opened_ = false;
    std::uint64_t lives_ = 0;
    std::string found_;
};

}  // namespace daybook::processes
