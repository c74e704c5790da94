#include <daybook/replay/paced_replay.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include <daybook/event/error.hpp>
#include <daybook/replay/snapshot_use.hpp>

namespace daybook {

namespace {

using std::chrono::nanoseconds;

constexpr nanoseconds slice_max{100'000'000};  // how long a wait goes on before stopped() is asked again
constexpr std::uint64_t progress_interval_events = 1'000;

Timestamp time_on(const EventView& event, TimeAxis axis) {
    return axis == TimeAxis::occurred ? event.occurred_at : event.recorded_at;
}

// From `before` to `after`, at `speed`, at most `max_gap`; none when it goes back.
nanoseconds gap(Timestamp before, Timestamp after, const PacedReplayOptions& options) {
    if (after <= before || std::isinf(options.speed)) return nanoseconds{0};
    // Unsigned: two instants can be further apart than 63 bits count.
    const std::uint64_t distance = static_cast<std::uint64_t>(after.ns) - static_cast<std::uint64_t>(before.ns);
    const double scaled = static_cast<double>(distance) / options.speed;
    const nanoseconds wait = scaled >= static_cast<double>(nanoseconds::max().count())
                                 ? nanoseconds::max()
                                 : nanoseconds{std::llround(scaled)};
    return options.max_gap ? std::min(wait, *options.max_gap) : wait;
}

}  // namespace

void PacedReplayOptions::validate() const {
    window.validate();
    if (!(speed > 0))
        throw Error(ErrorCode::invalid_argument,
                    fmt::format("replay at speed {}: it must be greater than 0, or max", speed));
    if (max_gap && max_gap->count() < 0)
        throw Error(ErrorCode::invalid_argument,
                    fmt::format("replay with a longest gap of {} ns: it cannot be negative", max_gap->count()));
}

PacedReplayReport replay_paced(const EventReader& reader, Clock& clock, const PacedReplayOptions& options,
                               const std::function<void(const EventView&)>& deliver) {
    options.validate();
    PacedReplayReport report;
    ReplayProgress progress;
    progress.first_seq = options.window.from_seq.value_or(Sequence{1});
    progress.last_seq = last_seq_of(reader, options.window);
    const auto stopped = [&options] { return options.stopped && options.stopped(); };
    std::optional<Timestamp> before;
    nanoseconds due{0};  // on the steady clock: when the last event was to be delivered
    EventCursor cursor = reader.read(options.window);
    while (const EventView* event = cursor.next()) {
        if (stopped()) {
            report.stopped = true;
            break;
        }
        const Timestamp time = time_on(*event, options.axis);
        if (options.step) {
            if (!options.step(*event)) {
                report.stopped = true;
                break;
            }
        } else if (before) {
            const nanoseconds wait = options.window.reverse ? gap(time, *before, options) : gap(*before, time, options);
            const nanoseconds now = clock.steady();
            // From when the last one was due, so that the time its delivery took is not added; but never in a burst
            // to make up for a delivery that took longer than the gap.
            due = wait > nanoseconds::max() - due ? nanoseconds::max() : due + wait;
            if (due < now) due = now;
            for (nanoseconds left = due - now; left.count() > 0 && !report.stopped; left = due - clock.steady()) {
                const nanoseconds slice = std::min(left, slice_max);
                clock.sleep_for(slice);
                report.waited += slice;
                report.stopped = stopped();
            }
            if (report.stopped) break;
        } else {
            due = clock.steady();
        }
        before = time;
        deliver(*event);
        ++report.events;
        report.last_seq = event->seq;
        progress.events = report.events;
        progress.seq = event->seq;
        if (options.progress && report.events % progress_interval_events == 0) options.progress(progress);
    }
    if (options.progress) options.progress(progress);
    return report;
}

}  // namespace daybook
