// The cursors' insides: a plan carried out page by page on borrowed connections.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include <daybook/store/event_cursor.hpp>

#include "store/event_page.hpp"
#include "store/reader_pool.hpp"
#include "store/window_plan.hpp"

namespace daybook {

/// Thread-safety: one thread at a time.
struct EventCursor::Impl {
  public:
    /// Makes the plan. Throws Error: invalid_argument, corrupt, closed.
    Impl(std::shared_ptr<ReaderPool> pool, const Head& head, std::size_t page_events, const Window& window);

    [[nodiscard]] const EventView* next();
    [[nodiscard]] const WindowPlan& plan() const noexcept { return plan_; }

  private:
    struct PageLimits {
        std::size_t rows;      // handed out
        std::size_t examined;  // looked at
    };
    void fill();
    void read_dense(ReaderPool::Lease& lease, PageLimits limits);
    void read_index(ReaderPool::Lease& lease, PageLimits limits);
    void read_places(ReaderPool::Lease& lease, PageLimits limits);
    bool choose_run(ReaderPool::Lease& lease);
    bool add_places(ReaderPool::Lease& lease);
    bool choose_places(ReaderPool::Lease& lease, std::size_t wanted);
    void take_place(Statement& rows, Sequence seq);
    void check_name(const Statement& row) const;
    void take(const Statement& row);
    [[nodiscard]] bool full(PageLimits limits, std::size_t examined) const noexcept;
    void check_order(Sequence seq) const;
    [[noreturn]] void throw_gap(std::optional<std::uint64_t> found) const;
    [[nodiscard]] std::uint64_t next_key() const noexcept { return reverse_ ? todo_.last : todo_.first; }
    void done_with(std::uint64_t key) noexcept;

    const std::shared_ptr<ReaderPool> pool_;
    const std::size_t page_events_;
    const bool reverse_;
    WindowPlan plan_;
    NumberRange todo_;                   // seqs not read yet
    NumberRange run_{};                  // blocks only: the rest of the run being read, a part of todo_
    std::size_t places_chosen_ = 0;      // stream and types: how many of the plan's runs, and then its tail
    std::vector<std::uint64_t> seqs_{};  // of the places being read, in the order of reading …
    std::size_t seqs_read_ = 0;          // … and how many of them were
    std::optional<Sequence> last_{};     // the last row read
    std::optional<std::uint64_t> left_;  // of the limit
    std::size_t page_rows_;              // grows: a caller who takes one event should not pay for a thousand
    EventPage page_;
    std::size_t index_ = 0;  // of the next event of the page
};

/// Thread-safety: one thread at a time.
struct ResultCursor::Impl {
  public:
    /// Throws Error: invalid_argument - from > to; closed.
    Impl(std::shared_ptr<ReaderPool> pool, const Head& head, std::size_t page_rows, const ResultWindow& window);

    [[nodiscard]] const EventResult* next();

  private:
    void fill();

    const std::shared_ptr<ReaderPool> pool_;
    const std::size_t page_rows_;
    NumberRange todo_;  // result_seqs
    bool of_one_event_ = false;
    std::vector<std::uint64_t> of_event_{};  // of_one_event_: its result_seqs, ascending
    std::size_t of_event_index_ = 0;
    std::vector<EventResult> page_{};  // rows [0, size_) are filled; memory is used again
    std::size_t size_ = 0;
    std::size_t index_ = 0;
};

}  // namespace daybook
