// A reader pinned to one head: everything it answers is about the log as it stood when it was made.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include <daybook/event/position.hpp>
#include <daybook/store/event_cursor.hpp>

namespace daybook {

/// Events are immutable and the log only grows, so a pinned reader holds no transaction open: it bounds by seq.
/// Thread-safety: safe from any thread. Must not outlive its store.
class EventReader {
  public:
    struct Impl;
    explicit EventReader(std::shared_ptr<Impl> impl) noexcept;

    [[nodiscard]] const Head& head() const noexcept;
    [[nodiscard]] EventCursor read(const Window& window = {}) const;
    [[nodiscard]] ResultCursor results(ResultWindow window = {}) const;
    [[nodiscard]] std::optional<Event> find(Sequence seq) const;
    [[nodiscard]] std::optional<Event> find(std::string_view id) const;
    /// Rows of one event, in the order of result_seq.
    [[nodiscard]] std::vector<EventResult> results_of(Sequence seq) const;
    /// Ids of the events that name `id` as their cause: at most `limit`, in seq order, after `after`.
    [[nodiscard]] std::vector<Sequence> effects_of(std::string_view id, Sequence after, std::size_t limit) const;
    /// The stream's version; 0 when it has no events.
    [[nodiscard]] Version stream_version(std::string_view stream) const;
    /// The position of the event with this seq (0: the position before the first). Throws Error: past_the_head.
    [[nodiscard]] Position position_at(Sequence seq) const;
    /// The largest seq whose recorded_at is before `time`; 0 when there is none. A binary search.
    [[nodiscard]] Sequence last_recorded_before(Timestamp time) const;
    /// Whether every event with a seq up to `seq` has occurred_at < `time`, as the blocks can tell: false may mean
    /// "not proven".
    [[nodiscard]] bool all_occurred_before(Sequence seq, Timestamp time) const;

  private:
    std::shared_ptr<Impl> impl_;
};

}  // namespace daybook
