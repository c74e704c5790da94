// Guards: what may say no, before the commit. They run inside EventStore::append, so that no way in goes around.
#pragma once

#include <string_view>

#include <daybook/event/event.hpp>

namespace daybook {

/// Called with each new event after it was checked and minified, and before anything is written.
/// Calling thread: the appender's. Locks held: none. May block: it holds up its own appender only.
/// Keep: nothing. To refuse: throw (an Error keeps its code, anything else becomes guard_refused);
/// nothing of that append is written.
/// Thread-safety: implementations are safe from any thread.
class Guard {
  public:
    virtual ~Guard() = default;
    /// For messages.
    [[nodiscard]] virtual std::string_view name() const noexcept = 0;
    virtual void check(const NewEvent& event) = 0;
};

}  // namespace daybook
