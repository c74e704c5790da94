// Handlers that never finished.
#pragma once

#include <cstdint>
#include <string>

#include <daybook/event/position.hpp>
#include <daybook/event/timestamp.hpp>

namespace daybook {

struct Unfinished {
    Sequence event_seq;
    std::string event_id;
    std::string event_type;
    std::string bus;
    std::string handler;
    std::uint32_t attempt = 1;
    std::string owner;
    bool owner_is_gone = false;  ///< nobody holds the owner's lock
    bool recoverable = true;
    bool started = false;  ///< a `started` row exists
    Timestamp since;       ///< recorded_at of the attempt's pending row
};

/// A bus instance's mark of life: a lock in the lock file, released when this is destroyed or the process dies.
/// Thread-safety: immutable. Must not outlive its store.
class OwnerLock {
  public:
    virtual ~OwnerLock() = default;
    /// Unique over processes and time; goes into NewResult::owner.
    [[nodiscard]] virtual const std::string& name() const noexcept = 0;
};

}  // namespace daybook
