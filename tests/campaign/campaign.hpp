// A search that is counted: how much of it is done, what it found, and whether that was as much as was asked for. A search
// that stopped early must not look green.
//
// DAYBOOK_CAMPAIGN says how much: `quick` (the default; seconds), `full` (the figures of every CI run), or a number of
// minutes for each campaign. DAYBOOK_SEED chooses the random choices. DAYBOOK_FIGURES names a file to which each campaign
// appends its line.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace daybook::campaign {

/// Thread-safety: one thread at a time.
class Campaign {
  public:
    /// `unit`: what is counted, in the plural, for example "distinct crash images". The goals are for quick and full.
    Campaign(std::string name, std::string unit, std::uint64_t quick_goal, std::uint64_t full_goal);
    Campaign(const Campaign&) = delete;
    Campaign& operator=(const Campaign&) = delete;

    [[nodiscard]] std::uint64_t seed() const noexcept { return seed_; }
    /// Whether there is more to do.
    [[nodiscard]] bool goes_on() const;
    /// What was looked for was found: no more is asked for.
    void be_content() noexcept { goal_ = counted_; }
    void count(std::uint64_t more = 1) noexcept { counted_ += more; }
    [[nodiscard]] std::uint64_t counted() const noexcept { return counted_; }
    /// One more figure for the line, for example {"lost", 0}.
    void figure(std::string_view name, std::uint64_t value);
    /// Prints the line. Returns it when the goal was missed, and nothing when it was reached.
    [[nodiscard]] std::string finish();

  private:
    const std::string name_;
    const std::string unit_;
    const std::uint64_t seed_;
    std::uint64_t goal_;
    std::chrono::steady_clock::duration time_{};  // instead of a goal, when it is not 0
    std::chrono::steady_clock::time_point started_;
    std::uint64_t counted_ = 0;
    std::vector<std::pair<std::string, std::uint64_t>> figures_;
};

/// Whether the figures of a CI run, or more, are asked for.
[[nodiscard]] bool is_full();

}  // namespace daybook::campaign
