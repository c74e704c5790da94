#include <daybook/replay/moment.hpp>

#include <fmt/format.h>

#include <limits>

#include <daybook/event/error.hpp>

namespace daybook {

Window window_at(const EventReader& reader, Sequence seq) {
    if (seq > reader.head().seq)
        throw Error(ErrorCode::past_the_head,
                    fmt::format("look at the log as of seq {}: it ends at seq {}; ask for a seq up to that", seq.value,
                                reader.head().seq.value));
    return Window{.to_seq = seq};
}

Window window_at(Timestamp time, TimeAxis axis) {
    Window window{.axis = axis};
    // `to` is exclusive, and the last instant there is has nothing after it.
    if (time.ns < std::numeric_limits<std::int64_t>::max()) window.to = Timestamp{time.ns + 1};
    return window;
}

}  // namespace daybook
