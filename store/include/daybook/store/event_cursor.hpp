// Cursors: history read in pages, each page in a read transaction of its own, bounded by the head at the cursor's birth.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include <daybook/event/event.hpp>
#include <daybook/event/event_result.hpp>
#include <daybook/event/window.hpp>

namespace daybook {

/// Thread-safety: one thread at a time. Must not outlive its store.
class EventCursor {
  public:
    struct Impl;
    explicit EventCursor(std::unique_ptr<Impl> impl) noexcept;
    EventCursor(EventCursor&&) noexcept;
    EventCursor& operator=(EventCursor&&) noexcept;
    ~EventCursor();

    /// The next event of the window, or null at its end. What it points to lives until the next call.
    /// An erased payload reads as `null`.
    /// Throws Error: corrupt - a seq is missing or a row is damaged; what comes before it was handed out first, and the
    /// next call says so again; io_error, closed.
    [[nodiscard]] const EventView* next();

  private:
    std::unique_ptr<Impl> impl_;
};

/// Which results.
struct ResultWindow {
    std::optional<ResultSequence> from{};  ///< inclusive
    std::optional<ResultSequence> to{};    ///< inclusive
    std::optional<Sequence> event{};       ///< of this event only
};

/// Results in the order of result_seq. Thread-safety: one thread at a time. Must not outlive its store.
class ResultCursor {
  public:
    struct Impl;
    explicit ResultCursor(std::unique_ptr<Impl> impl) noexcept;
    ResultCursor(ResultCursor&&) noexcept;
    ResultCursor& operator=(ResultCursor&&) noexcept;
    ~ResultCursor();

    /// The next row, or null at the end. Lives until the next call.
    [[nodiscard]] const EventResult* next();

  private:
    std::unique_ptr<Impl> impl_;
};

}  // namespace daybook
