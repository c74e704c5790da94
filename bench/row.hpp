// One row of the bench: what is measured, what stands beside it in the same run, and the goal.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace daybook::bench {

class Setting;

/// One repetition. Without a limit the row's value is `ours` itself, otherwise the ratio.
struct Sample {
    double ours = 0;
    std::optional<double> limit{};

    [[nodiscard]] double value() const { return limit ? ours / *limit : ours; }
};

enum class Goal : std::uint8_t { at_least, at_most, stated };

struct Row {
    std::string name;
    std::string limit;  ///< what `ours` is divided by; empty: nothing
    std::string unit;   ///< of ours and of the limit
    Goal goal = Goal::at_least;
    double bound = 0;
    /// Bound of the regression guard (`--quick`), about half of what is usual: noise must not break it, a halving must.
    std::optional<double> guard{};
    int repetitions = 5;
    /// Measures both sides once, and throws when the result of either is not what it must be.
    std::function<Sample(Setting&)> measure;
};

struct Measured {
    const Row* row = nullptr;
    std::vector<Sample> samples{};
    std::string skipped{};  ///< why there are none
};

/// The value in the middle. Needs one at least.
[[nodiscard]] double median(std::vector<double> values);

/// What a row needs is not there, a peer or room on the disk: it says so, and the others go on.
class CannotMeasure : public std::exception {
  public:
    explicit CannotMeasure(std::string what) : what_(std::move(what)) {}
    [[nodiscard]] const char* what() const noexcept override { return what_.c_str(); }

  private:
    std::string what_;
};

}  // namespace daybook::bench
