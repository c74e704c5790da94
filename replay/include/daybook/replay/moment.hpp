// Windows that mean "as it stood at": by seq, or by time on one of the two axes.
#pragma once

#include <daybook/event/window.hpp>
#include <daybook/store/event_reader.hpp>

namespace daybook {

/// Everything up to and including `seq`. Throws Error: past_the_head - the log has not got there.
[[nodiscard]] Window window_at(const EventReader& reader, Sequence seq);

/// Every event whose time on `axis` is at or before `time`.
[[nodiscard]] Window window_at(Timestamp time, TimeAxis axis = TimeAxis::occurred);

}  // namespace daybook
