// Holds a log against what was promised of it, and against what every log promises.
#pragma once

#include <daybook/store/event_reader.hpp>

#include "processes/oracle.hpp"
#include "processes/workplace.hpp"

namespace daybook::processes {

/// The events that handlers have emitted, by the id of their cause, in seq order; and all others.
struct Content {
    std::map<std::string, std::vector<std::string>, std::less<>> effects;
    std::map<std::uint64_t, std::string> things;  ///< by seq: events that handlers are for
};

/// At any time, while others write: nothing that `oracle` knows is lost or changed, no id twice, no gap, no order violated.
/// Throws what it finds.
Content check_events(const EventReader& log, const Place& place, const Oracle& oracle);

/// When nobody else lives: the same; what is unfinished is named, is run again as documented, once; each effect once; the
/// journal is the log; verify(). To be called in a child, and returns its exit code.
int examine(const Place& place, const Oracle& oracle, const Reporter& reporter);

}  // namespace daybook::processes
