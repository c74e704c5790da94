#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <span>
#include <utility>

#include <daybook/event/error.hpp>
#include <daybook/store/event_cursor.hpp>

#include "store/event_cursor_impl.hpp"
#include "store/event_row.hpp"

namespace daybook {

namespace {

constexpr std::size_t first_page_rows = 64;
constexpr std::size_t page_text_bytes_max = std::size_t{4} << 20;
// A filter may look at so many times more rows than it hands out before the read transaction is ended.
constexpr std::size_t examined_per_row_handed_out = 16;
// Fewer are read one by one.
constexpr std::size_t few_seqs = 16;

}  // namespace

EventCursor::Impl::Impl(std::shared_ptr<ReaderPool> pool, const Head& head, std::size_t page_events,
                        const Window& window)
    : pool_(std::move(pool)),
      page_events_(std::max<std::size_t>(page_events, 1)),
      reverse_(window.reverse),
      left_(window.limit),
      page_rows_(std::min(page_events_, first_page_rows)) {
    auto lease = pool_->borrow();
    plan_ = plan_window(lease, window, head);
    if (plan_.path != ReadPath::nothing) todo_ = plan_.seqs;
}

const EventView* EventCursor::Impl::next() {
    if (left_ == std::uint64_t{0}) return nullptr;
    while (index_ == page_.size()) {
        if (todo_.empty()) return nullptr;
        fill();
    }
    if (left_) --*left_;
    return &page_[index_++];
}

void EventCursor::Impl::fill() {
    page_.clear();
    index_ = 0;
    PageLimits limits{page_rows_, page_events_ * examined_per_row_handed_out};
    if (left_) limits.rows = static_cast<std::size_t>(std::min<std::uint64_t>(limits.rows, *left_));
    page_rows_ = std::min(page_events_, page_rows_ * 4);
    try {
        auto lease = pool_->borrow();
        switch (plan_.path) {
            case ReadPath::nothing:
                break;
            case ReadPath::scan:
            case ReadPath::blocks:
                read_dense(lease, limits);
                break;
            case ReadPath::correlation:
            case ReadPath::causation:
                read_index(lease, limits);
                break;
            case ReadPath::stream:
            case ReadPath::types:
                read_places(lease, limits);
                break;
        }
    } catch (const Error&) {
        // What came before the fault is handed out first; the next page meets the fault again.
        if (page_.size() == 0) throw;
    }
}

bool EventCursor::Impl::full(PageLimits limits, std::size_t examined) const noexcept {
    return page_.size() >= limits.rows || examined >= limits.examined || page_.text_bytes() >= page_text_bytes_max;
}

void EventCursor::Impl::done_with(std::uint64_t key) noexcept {
    if (reverse_) {
        todo_.last = key - 1;
        run_.last = key - 1;
    } else {
        todo_.first = key + 1;
        run_.first = key + 1;
    }
}

void EventCursor::Impl::check_order(Sequence seq) const {
    const bool inside = seq.value >= plan_.seqs.first && seq.value <= plan_.seqs.last;
    const bool onward = !last_ || (reverse_ ? seq < *last_ : seq > *last_);
    if (inside && onward) return;
    throw Error(ErrorCode::corrupt,
                fmt::format("read the log: an index leads to seq {} after seq {}, in a window of {} to {}: run verify",
                            seq.value, last_.value_or(Sequence{0}).value, plan_.seqs.first, plan_.seqs.last));
}

void EventCursor::Impl::throw_gap(std::optional<std::uint64_t> found) const {
    const std::uint64_t missing = next_key();
    if (!found)
        throw Error(ErrorCode::corrupt,
                    fmt::format("read the log: seq {} is missing, though the log goes on to {}: run verify", missing,
                                plan_.seqs.last));
    const std::uint64_t before = reverse_ ? *found : missing - 1;
    const std::uint64_t after = reverse_ ? missing + 1 : *found;
    throw Error(ErrorCode::corrupt,
                fmt::format("read the log: seq {} is missing between {} and {}: run verify", missing, before, after));
}

void EventCursor::Impl::take(const Statement& row) {
    const EventView event = event_row(row);
    if (!plan_.check_rows || plan_.rest.contains(event)) page_.add(event);
    last_ = event.seq;
}

bool EventCursor::Impl::choose_run(ReaderPool::Lease& lease) {
    if (plan_.path == ReadPath::scan) {
        run_ = todo_;
    } else if (run_.empty()) {
        run_ = next_occurred_run(lease, todo_, plan_.occurred, reverse_);
        if (run_.empty()) {
            todo_ = {};
        } else if (reverse_) {
            todo_.last = run_.last;
        } else {
            todo_.first = run_.first;
        }
    }
    return !run_.empty();
}

void EventCursor::Impl::read_dense(ReaderPool::Lease& lease, PageLimits limits) {
    std::size_t examined = 0;
    while (!todo_.empty() && !full(limits, examined) && choose_run(lease)) {
        Statement& rows = lease.statement(sql_of(ReadPath::scan, reverse_));
        const ResetGuard guard(rows);
        rows.bind(1, run_.first).bind(2, run_.last);
        while (!run_.empty() && !full(limits, examined)) {
            if (!rows.step()) throw_gap({});
            const Sequence seq = event_row_seq(rows);
            if (seq.value != next_key()) throw_gap(seq.value);
            take(rows);
            ++examined;
            done_with(seq.value);
        }
    }
}

void EventCursor::Impl::read_index(ReaderPool::Lease& lease, PageLimits limits) {
    Statement& rows = lease.statement(sql_of(plan_.path, reverse_));
    const ResetGuard guard(rows);
    rows.bind(1, todo_.first).bind(2, todo_.last).bind(3, std::string_view(plan_.key));
    for (std::size_t examined = 0; !full(limits, examined); ++examined) {
        if (!rows.step()) {
            todo_ = {};
            return;
        }
        const Sequence seq = event_row_seq(rows);
        check_order(seq);
        take(rows);
        done_with(seq.value);
    }
}

// The seqs of the next run, or of the tail; false when there are no more.
bool EventCursor::Impl::add_places(ReaderPool::Lease& lease) {
    const NamePlaces& places = plan_.places;
    const std::size_t all = places.runs.size() + 1;
    if (places_chosen_ == all) return false;
    const std::size_t place = reverse_ ? all - 1 - places_chosen_ : places_chosen_;
    std::vector<std::uint64_t> seqs;
    if (place == places.runs.size()) {
        seqs = places.tail;
    } else {
        read_run(lease, places, places.runs[place], seqs);
    }
    std::erase_if(seqs, [this](std::uint64_t seq) { return seq < plan_.seqs.first || seq > plan_.seqs.last; });
    if (reverse_) std::reverse(seqs.begin(), seqs.end());
    seqs_.insert(seqs_.end(), seqs.begin(), seqs.end());
    ++places_chosen_;
    return true;
}

// Reads on until so many seqs are known; false when there are no more.
bool EventCursor::Impl::choose_places(ReaderPool::Lease& lease, std::size_t wanted) {
    seqs_.clear();
    seqs_read_ = 0;
    try {
        while (seqs_.size() < wanted && add_places(lease)) {
        }
    } catch (const Error&) {
        // What came before the fault is read first; the next time meets the fault again.
        if (seqs_.empty()) throw;
    }
    return !seqs_.empty();
}

void EventCursor::Impl::read_places(ReaderPool::Lease& lease, PageLimits limits) {
    const ReadTransaction transaction(lease);  // or each statement would be one of its own
    std::size_t examined = 0;
    while (!full(limits, examined)) {
        const std::size_t wanted = std::min(limits.rows - page_.size(), seqs_at_once);
        if (seqs_read_ == seqs_.size() && !choose_places(lease, wanted)) {
            todo_ = {};
            return;
        }
        const std::size_t known = std::min(wanted, seqs_.size() - seqs_read_);
        const bool at_once = known >= few_seqs;
        const auto seqs = std::span(seqs_).subspan(seqs_read_, at_once ? known : 1);
        Statement& rows = lease.statement(at_once ? sql_of_many(reverse_) : sql_of(plan_.path, reverse_));
        const ResetGuard guard(rows);
        for (std::size_t index = 0; index < seqs.size(); ++index) rows.bind(static_cast<int>(index) + 1, seqs[index]);
        for (std::size_t index = 0; index < seqs.size() && !full(limits, examined); ++index) {
            take_place(rows, Sequence{seqs[index]});
            ++seqs_read_;
            ++examined;
        }
    }
}

void EventCursor::Impl::take_place(Statement& rows, Sequence seq) {
    check_order(seq);
    if (!rows.step() || event_row_seq(rows) != seq)
        throw Error(ErrorCode::corrupt,
                    fmt::format("read the log: an index leads to seq {}, which is missing: run verify", seq.value));
    check_name(rows);
    take(rows);
    done_with(seq.value);
}

// A row that lists another's events would make them appear where they do not belong.
void EventCursor::Impl::check_name(const Statement& row) const {
    const NamePlaces& places = plan_.places;
    const std::string_view name = row.text(places.kind == NameKind::stream ? 4 : 2);
    if (std::find(places.names.begin(), places.names.end(), name) != places.names.end()) return;
    throw Error(ErrorCode::corrupt,
                fmt::format("read the log: {} leads to seq {}, which is of {} '{}': run verify",
                            sql_of(places.kind).runs_table, event_row_seq(row).value, to_string(places.kind), name));
}

EventCursor::EventCursor(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
EventCursor::EventCursor(EventCursor&&) noexcept = default;
EventCursor& EventCursor::operator=(EventCursor&&) noexcept = default;
EventCursor::~EventCursor() = default;

const EventView* EventCursor::next() {
    return impl_->next();
}

}  // namespace daybook
