// Opens what a crash left with the real store, and says whether the log that comes back is one that was promised.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "crash/recorded_run.hpp"
#include "simulation/simulated_disk.hpp"

namespace daybook::crash {

struct Verdict {
    std::uint64_t state = 0;  ///< the number of the promised state that came back
    std::string fault{};      ///< what is wrong; empty: nothing

    [[nodiscard]] bool ok() const noexcept { return fault.empty(); }
};

/// Keeps what it has looked into: two images that recover to the same bytes are examined in depth once.
/// Thread-safety: one thread at a time.
class Judge {
  public:
    explicit Judge(const RecordedRun& run) : Judge(run, run.promises) {}
    /// For a run that went on after a crash: `promises` knows more than the run's own.
    Judge(const RecordedRun& run, const Promises& promises) : run_(run), promises_(promises) {}

    /// Opens `image`, which may hold anything; then, with what came back: the whole verification, one more append (of the
    /// event that would have come next, under its own id), and another opening.
    [[nodiscard]] Verdict judge(const simulation::DiskImage& image);
    /// The same, and the state that came back is not before `acknowledged`.
    [[nodiscard]] Verdict judge(const simulation::DiskImage& image, std::uint64_t acknowledged);
    /// Judges `machine` as it stands, whose log() goes on with what recovery does.
    [[nodiscard]] Verdict judge(simulation::SimulatedMachine& machine);
    /// Different recovered logs that were examined in depth.
    [[nodiscard]] std::size_t examined() const noexcept { return known_.size(); }

  private:
    [[nodiscard]] std::string examine(const simulation::DiskImage& recovered, const Head& head) const;

    const RecordedRun& run_;
    const Promises& promises_;
    std::map<std::pair<std::uint64_t, std::uint64_t>, std::string> known_;
};

}  // namespace daybook::crash
