#include <fmt/format.h>

#include <limits>
#include <utility>

#include <daybook/event/error.hpp>
#include <daybook/store/event_reader.hpp>

#include "store/event_cursor_impl.hpp"
#include "store/event_ids.hpp"
#include "store/event_reader_impl.hpp"
#include "store/event_row.hpp"
#include "store/name_places.hpp"

namespace daybook {

namespace {

std::string select_event(std::string_view condition) {
    return fmt::format("SELECT {} FROM events_log WHERE {}", event_columns, condition);
}

}  // namespace

EventReader::EventReader(std::shared_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}

const Head& EventReader::head() const noexcept {
    return impl_->head;
}

EventCursor EventReader::read(const Window& window) const {
    return EventCursor(std::make_unique<EventCursor::Impl>(impl_->pool, impl_->head, impl_->page_events, window));
}

ResultCursor EventReader::results(ResultWindow window) const {
    return ResultCursor(std::make_unique<ResultCursor::Impl>(impl_->pool, impl_->head, impl_->page_events, window));
}

std::optional<Event> EventReader::find(Sequence seq) const {
    static const std::string sql = select_event("seq = ?1");
    if (seq.value == 0 || seq > impl_->head.seq) return std::nullopt;
    auto lease = impl_->pool->borrow();
    Statement& statement = lease.statement(sql);
    const ResetGuard guard(statement);
    statement.bind(1, seq);
    if (statement.step()) return event_row(statement).to_event();
    if (seq < first_kept_seq(lease)) return std::nullopt;
    throw Error(ErrorCode::corrupt,
                fmt::format("find event {}: this seq is missing, though the log goes on to {}: run verify", seq.value,
                            impl_->head.seq.value));
}

std::optional<Event> EventReader::find(std::string_view id) const {
    std::optional<Sequence> seq;
    {
        auto lease = impl_->pool->borrow();
        seq = find_id(lease, id);
    }
    return seq ? find(*seq) : std::nullopt;
}

std::vector<EventResult> EventReader::results_of(Sequence seq) const {
    std::vector<EventResult> rows;
    ResultCursor cursor = results({.event = seq});
    while (const EventResult* row = cursor.next()) rows.push_back(*row);
    return rows;
}

std::vector<Sequence> EventReader::effects_of(std::string_view id, Sequence after, std::size_t limit) const {
    std::vector<Sequence> effects;
    if (after >= impl_->head.seq || limit == 0) return effects;
    auto lease = impl_->pool->borrow();
    Statement& statement = lease.statement(
        "SELECT seq FROM events_log INDEXED BY events_by_causation WHERE causation_id = ?1 AND seq > ?2 AND seq <= ?3"
        " ORDER BY seq");
    const ResetGuard guard(statement);
    statement.bind(1, id).bind(2, after).bind(3, impl_->head.seq);
    while (effects.size() < limit && statement.step()) effects.push_back(event_row_seq(statement));
    return effects;
}

Version EventReader::stream_version(std::string_view stream) const {
    auto lease = impl_->pool->borrow();
    const std::uint64_t seq = last_place(lease, NameKind::stream, stream, impl_->head.seq.value);
    if (seq == 0) return Version{0};
    Statement& statement = lease.statement("SELECT version FROM events_log WHERE seq = ?1 AND stream = ?2");
    const ResetGuard guard(statement);
    statement.bind(1, seq).bind(2, stream);
    if (statement.step()) return Version{statement.unsigned_integer(0)};
    throw Error(
        ErrorCode::corrupt,
        fmt::format("look up the version of stream '{}': an index leads to seq {}, which is not of it: run verify",
                    stream, seq));
}

Position EventReader::position_at(Sequence seq) const {
    const Head& head = impl_->head;
    if (seq.value == 0) return {head.store_id, seq, Digest{}};
    if (seq == head.seq) return head.position();
    if (seq > head.seq)
        throw Error(ErrorCode::past_the_head,
                    fmt::format("look up the position at seq {}: the log ends at {}", seq.value, head.seq.value));
    auto lease = impl_->pool->borrow();
    Statement& statement = lease.statement("SELECT digest FROM events_log WHERE seq = ?1");
    const ResetGuard guard(statement);
    statement.bind(1, seq);
    if (statement.step()) return {head.store_id, seq, statement.digest(0)};
    if (const Sequence first = first_kept_seq(lease); seq < first)
        throw Error(ErrorCode::not_found,
                    fmt::format("look up the position at seq {}: the log begins at {}", seq.value, first.value));
    throw Error(ErrorCode::corrupt,
                fmt::format("look up the position at seq {}: it is missing, though the log goes on to {}: run verify",
                            seq.value, head.seq.value));
}

Sequence EventReader::last_recorded_before(Timestamp time) const {
    auto lease = impl_->pool->borrow();
    const NumberRange seqs{first_kept_seq(lease).value, impl_->head.seq.value};
    const Sequence last = daybook::last_recorded_before(lease, seqs, time);
    return last.value < seqs.first ? Sequence{0} : last;
}

bool EventReader::all_occurred_before(Sequence seq, Timestamp time) const {
    if (seq > impl_->head.seq) return false;
    auto lease = impl_->pool->borrow();
    return daybook::all_occurred_before(lease, {first_kept_seq(lease).value, seq.value}, time);
}

}  // namespace daybook
