// abxbus, an event bus for Node.js: bench/peers/abxbus.js runs our loop on it, from the folder in the build tree where its
// package is installed.
#pragma once

#include <cstddef>
#include <cstdint>

#include "bench/setting.hpp"

namespace daybook::bench {

/// What of abxbus keeps an event before its emit is done.
enum class AbxbusStore : std::uint8_t {
    none,    ///< in memory only
    jsonl,   ///< its JSONL bridge: appended to a file, never synced
    sqlite,  ///< its SQLite bridge: a commit each, synchronous=FULL; it needs Node.js 22
};

/// One event after another, each awaited until its handlers, the bridge among them, are done; events a second.
/// Throws CannotMeasure: Node.js, the package, or the SQLite that comes with newer Node.js is not there.
[[nodiscard]] double abxbus_emits(AbxbusStore store, std::size_t handlers, Seconds time);

}  // namespace daybook::bench
