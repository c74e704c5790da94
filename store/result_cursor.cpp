// ResultCursor: results in pages, in the order of result_seq.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include <daybook/event/error.hpp>
#include <daybook/store/event_cursor.hpp>

#include "store/event_cursor_impl.hpp"
#include "store/result_row.hpp"

namespace daybook {

namespace {

const std::string& range_sql() {
    static const std::string sql = fmt::format(
        "SELECT {} FROM event_results_log WHERE result_seq BETWEEN ?1 AND ?2 ORDER BY result_seq", result_columns);
    return sql;
}

NumberRange result_seqs_of(const Head& head, const ResultWindow& window) {
    if (window.from && window.to && *window.from > *window.to)
        throw Error(ErrorCode::invalid_argument,
                    fmt::format("read results: from {} is after to {}", window.from->value, window.to->value));
    return {std::max<std::uint64_t>(window.from.value_or(ResultSequence{1}).value, 1),
            std::min(window.to.value_or(head.result_seq), head.result_seq).value};
}

}  // namespace

ResultCursor::Impl::Impl(std::shared_ptr<ReaderPool> pool, const Head& head, std::size_t page_rows,
                         const ResultWindow& window)
    : pool_(std::move(pool)), page_rows_(std::max<std::size_t>(page_rows, 1)), todo_(result_seqs_of(head, window)) {
    if (!window.event || todo_.empty()) return;
    // One event's rows stand together in the unique index, but in the order of their handlers: few enough to sort.
    of_one_event_ = true;
    auto lease = pool_->borrow();
    Statement& statement = lease.statement(
        "SELECT result_seq FROM event_results_log WHERE event_seq = ?1 AND result_seq BETWEEN ?2 AND ?3");
    const ResetGuard guard(statement);
    if (window.event->value > head.seq.value) return;
    statement.bind(1, *window.event).bind(2, todo_.first).bind(3, todo_.last);
    while (statement.step()) of_event_.push_back(statement.unsigned_integer(0));
    std::sort(of_event_.begin(), of_event_.end());
}

void ResultCursor::Impl::fill() {
    size_ = 0;
    index_ = 0;
    const auto add = [this](const Statement& row) {
        if (size_ == page_.size()) page_.emplace_back();
        read_result_row(row, page_[size_]);
        ++size_;
    };
    try {
        auto lease = pool_->borrow();
        Statement& rows = lease.statement(range_sql());
        if (of_one_event_) {
            while (size_ < page_rows_ && of_event_index_ < of_event_.size()) {
                const std::uint64_t result_seq = of_event_[of_event_index_];
                const ResetGuard guard(rows);
                rows.bind(1, result_seq).bind(2, result_seq);
                if (!rows.step())
                    throw Error(ErrorCode::corrupt,
                                fmt::format("read results: an index names result {}, which is missing: run verify",
                                            result_seq));
                add(rows);
                ++of_event_index_;
            }
            return;
        }
        const ResetGuard guard(rows);
        rows.bind(1, todo_.first).bind(2, todo_.last);
        while (size_ < page_rows_ && !todo_.empty()) {
            const bool there = rows.step();
            if (!there || rows.unsigned_integer(0) != todo_.first)
                throw Error(
                    ErrorCode::corrupt,
                    fmt::format("read results: result_seq {} is missing, though the log goes on to {}: run verify",
                                todo_.first, there ? rows.unsigned_integer(0) : todo_.last));
            add(rows);
            ++todo_.first;
        }
    } catch (const Error&) {
        if (size_ == 0) throw;  // as in EventCursor: what came before the fault is handed out first
    }
}

const EventResult* ResultCursor::Impl::next() {
    if (index_ == size_) {
        if (of_one_event_ ? of_event_index_ == of_event_.size() : todo_.empty()) return nullptr;
        fill();
        if (size_ == 0) return nullptr;
    }
    return &page_[index_++];
}

ResultCursor::ResultCursor(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
ResultCursor::ResultCursor(ResultCursor&&) noexcept = default;
ResultCursor& ResultCursor::operator=(ResultCursor&&) noexcept = default;
ResultCursor::~ResultCursor() = default;

const EventResult* ResultCursor::next() {
    return impl_->next();
}

}  // namespace daybook
