// Events delivered at the pace at which they happened: faster, slower, or one at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>

#include <daybook/event/clock.hpp>
#include <daybook/event/window.hpp>
#include <daybook/replay/progress.hpp>
#include <daybook/store/event_reader.hpp>

namespace daybook {

struct PacedReplayOptions {
    /// As fast as the receiver takes them.
    static constexpr double max_speed = std::numeric_limits<double>::infinity();

    Window window{};
    double speed = 1.0;                  ///< 2 = twice as fast. Default: 1; greater than 0, or max_speed
    TimeAxis axis = TimeAxis::occurred;  ///< which times make the gaps. A gap that goes back counts as none
    std::optional<std::chrono::nanoseconds> max_gap{};  ///< longest wait between two events. Default: none
    /// Asked before each event, instead of waiting; false ends the replay. Default: none (no step mode).
    std::function<bool(const EventView& next)> step{};
    /// Asked before each event, and every 100 ms of a wait; true ends the replay.
    std::function<bool()> stopped{};
    std::function<void(const ReplayProgress&)> progress{};

    /// Throws Error: invalid_argument.
    void validate() const;
};

struct PacedReplayReport {
    std::uint64_t events = 0;  ///< delivered
    std::optional<Sequence> last_seq{};
    std::chrono::nanoseconds waited{0};
    bool stopped = false;  ///< before the window's end
};

/// Calls `deliver` for each event of the window, in its order (reverse too), waiting on `clock` between them.
/// Thread-safety: safe from any thread. Calling thread of `deliver`: the caller's; no lock is held; may
/// block. Throws Error: invalid_argument; corrupt, io_error. What `deliver` throws passes through.
PacedReplayReport replay_paced(const EventReader& reader, Clock& clock, const PacedReplayOptions& options,
                               const std::function<void(const EventView&)>& deliver);

}  // namespace daybook
