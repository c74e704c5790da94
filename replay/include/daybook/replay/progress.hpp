// What a long replay tells while it runs, and how it is asked to stop.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include <daybook/event/position.hpp>

namespace daybook {

struct ReplayProgress {
    std::uint64_t events = 0;  ///< delivered by this call so far
    Sequence seq;              ///< of the last one
    Sequence first_seq;        ///< the window's bounds as far as they are known by seq
    Sequence last_seq;
};

/// Hooks of every replay. All are called by the calling thread, between two events, with no lock held.
/// An exception thrown by one ends the replay and passes through.
struct ReplayHooks {
    /// Called at least every 1,000 events and at the end.
    std::function<void(const ReplayProgress&)> progress{};
    /// Asked before every event, and while a projection's statement runs long; true ends the replay with Error
    /// cancelled.
    std::function<bool()> cancelled{};
    /// Told what was ignored: a damaged snapshot, one that belongs to another history.
    std::function<void(const std::string&)> note{};
};

}  // namespace daybook
