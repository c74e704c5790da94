#include <daybook/replay/fold.hpp>

#include <fmt/format.h>

namespace daybook {

namespace {
constexpr std::uint64_t progress_interval_events = 1'000;
}  // namespace

void check_fold_window(const Window& window) {
    window.validate();
    if (window.reverse)
        throw Error(ErrorCode::invalid_argument,
                    "fold a window in reverse: a fold goes from the oldest event to the newest");
}

void ReplayMeter::before(const EventView& event) {
    if (hooks_.cancelled && hooks_.cancelled())
        throw Error(ErrorCode::cancelled, fmt::format("replay stopped on request before seq {}, after {} events",
                                                      event.seq.value, progress_.events));
}

void ReplayMeter::after(Sequence seq) {
    ++progress_.events;
    progress_.seq = seq;
    if (hooks_.progress && progress_.events % progress_interval_events == 0) hooks_.progress(progress_);
}

void ReplayMeter::end() {
    if (hooks_.progress) hooks_.progress(progress_);
}

}  // namespace daybook
