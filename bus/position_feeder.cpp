// See the header.
#include "bus/position_feeder.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace daybook {

namespace {

// A checkpoint is a commit of its own and only serves whoever wants to know how far the journal is behind.
constexpr std::uint64_t records_a_checkpoint = 10'000;

}  // namespace

PositionFeeder::PositionFeeder(EventStore& store, MiddlewareChain& chain, std::size_t index)
    : store_(store), chain_(chain), index_(index) {}

bool PositionFeeder::belongs(const Head& position, const EventReader& reader) const {
    const Head& head = reader.head();
    if (position.store_id != head.store_id || position.seq > head.seq || position.result_seq > head.result_seq)
        return false;
    if (reader.position_at(position.seq).digest != position.digest) return false;
    if (position.result_seq.value == 0) return position.result_digest == Digest{};
    ResultCursor results = reader.results(ResultWindow{.from = position.result_seq, .to = position.result_seq});
    const EventResult* result = results.next();
    return result != nullptr && result->digest == position.result_digest;
}

Head PositionFeeder::place(Middleware& middleware, const FeedPosition& position, const EventReader& reader) {
    const bool diverged = !position.is_new && position.head != known_ && !belongs(position.head, reader);
    if (!position.is_new && !diverged) return position.head;
    Head begin;
    begin.store_id = reader.head().store_id;
    if (position.from_head) begin = reader.head();
    if (diverged) {
        chain_.report(
            index_, "position",
            fmt::format("what it holds up to seq {} (result {}) is not of this log, whose head is seq {}: it is set "
                        "aside and begun anew after seq {}",
                        position.head.seq.value, position.head.result_seq.value, reader.head().seq.value,
                        begin.seq.value));
    }
    middleware.begin_at(begin, diverged);
    return begin;
}

PositionFeeder::Round PositionFeeder::feed(std::uint64_t records_max) noexcept {
    Round round;
    round.failed = !chain_.guarded(index_, "feed", [&](Middleware& middleware) {
        // Asked before the reader is made, so that the head that is read can only be newer.
        const std::optional<FeedPosition> position = middleware.position();
        if (!position || position->stands_by) {
            round.stands_by = true;
            return;
        }
        const EventReader reader = store_.reader();
        const Head& head = reader.head();
        Head at = place(middleware, *position, reader);
        known_ = at;
        round.left = (head.seq.value - at.seq.value) + (head.result_seq.value - at.result_seq.value);
        if (round.left == 0 || records_max == 0) return;

        // Only where there is something: a window whose start lies behind its end is refused.
        std::optional<EventCursor> events;
        std::optional<ResultCursor> results;
        if (at.seq < head.seq) {
            const std::uint64_t to = std::min(head.seq.value, at.seq.value + records_max);
            events.emplace(reader.read(Window{.from_seq = Sequence{at.seq.value + 1}, .to_seq = Sequence{to}}));
        }
        if (at.result_seq < head.result_seq) {
            const std::uint64_t to = std::min(head.result_seq.value, at.result_seq.value + records_max);
            results.emplace(reader.results(
                ResultWindow{.from = ResultSequence{at.result_seq.value + 1}, .to = ResultSequence{to}}));
        }
        const EventView* event = events ? events->next() : nullptr;
        const EventResult* result = results ? results->next() : nullptr;
        std::uint64_t fed = 0;
        for (; fed < records_max && (event != nullptr || result != nullptr); ++fed) {
            // An event at seq n stands before the results whose commit saw n as the head.
            if (result != nullptr && (event == nullptr || result->events_head < event->seq)) {
                middleware.feed(*result);
                at.result_seq = result->result_seq;
                at.result_digest = result->digest;
                result = results->next();
            } else {
                middleware.feed(event->to_event());
                at.seq = event->seq;
                at.digest = event->digest;
                event = events->next();
            }
        }
        middleware.flush();
        known_ = at;
        round.fed = fed;
        round.left -= std::min(round.left, fed);
        fed_since_saved_ += fed;
    });
    if (fed_since_saved_ >= records_a_checkpoint) save_checkpoint();
    return round;
}

void PositionFeeder::save_checkpoint() noexcept {
    fed_since_saved_ = 0;
    if (!known_ || known_ == saved_) return;
    chain_.guarded(index_, "save_checkpoint", [&](Middleware& middleware) {
        const std::string name(middleware.name());
        const std::optional<Checkpoint> kept = store_.checkpoint(name);
        if (!kept || kept->head != *known_) {
            store_.save_checkpoint(Checkpoint{name, *known_, store_.clock().now()}, kept);
        }
        saved_ = known_;
    });
}

}  // namespace daybook
