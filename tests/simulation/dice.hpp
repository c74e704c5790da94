// Random choices that a seed repeats on every machine (the standard's distributions are not specified that far).
#pragma once

#include <cstdint>

namespace daybook::simulation {

/// SplitMix64. Thread-safety: one thread at a time.
class Dice {
  public:
    explicit Dice(std::uint64_t seed) noexcept : state_(seed) {}

    std::uint64_t next() noexcept {
        state_ += 0x9e3779b97f4a7c15;
        std::uint64_t mixed = state_;
        mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
        return mixed ^ (mixed >> 31);
    }
    /// 0..`bound` - 1; `bound` is at least 1.
    std::uint64_t below(std::uint64_t bound) noexcept { return next() % bound; }
    /// True in `percent` of 100 cases.
    bool chance(unsigned percent) noexcept { return below(100) < percent; }

  private:
    std::uint64_t state_;
};

}  // namespace daybook::simulation
