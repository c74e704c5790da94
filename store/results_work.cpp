#include "store/results_work.hpp"

#include <fmt/format.h>

#include <set>
#include <tuple>

#include <daybook/event/error.hpp>
#include <daybook/event/event.hpp>
#include <daybook/event/json_text.hpp>

namespace daybook {

namespace {

std::string name_of(const EventResult& row) {
    return fmt::format("result '{}' of handler '{}' on bus '{}' for event '{}', attempt {}", to_string(row.status),
                       row.handler, row.bus, row.event_id, row.attempt);
}

void check_text(const std::optional<std::string>& text, std::string_view what, const Limits& limits) {
    if (!text) return;
    if (text->size() > limits.payload_bytes_max)
        throw Error(ErrorCode::too_large, fmt::format("append a result: its {} has {} bytes, the cap is {}", what,
                                                      text->size(), limits.payload_bytes_max));
    if (const std::size_t bad = find_invalid_utf8(*text); bad != std::string_view::npos)
        throw Error(ErrorCode::invalid_utf8, fmt::format("append a result: its {} is not UTF-8 at byte {}", what, bad));
}

EventResult checked_row(NewResult given, bool imported, const Limits& limits) {
    check_name(given.event_id, "event_id of a result", limits.name_bytes_max);
    check_name(given.bus, "bus", limits.name_bytes_max);
    check_name(given.handler, "handler", limits.name_bytes_max);
    if (!given.owner.empty() || !imported) check_name(given.owner, "owner", limits.name_bytes_max);
    if (given.attempt == 0)
        throw Error(ErrorCode::invalid_argument,
                    fmt::format("append a result of handler '{}': attempts count from 1, this is 0", given.handler));
    if (given.result) given.result = minify_json(*given.result, limits, "result");
    check_text(given.error_type, "error_type", limits);
    check_text(given.error_message, "error_message", limits);
    check_text(given.note, "note", limits);
    for (const std::string& id : given.emitted) check_name(id, "emitted id", limits.name_bytes_max);
    EventResult row;
    row.event_id = std::move(given.event_id);
    row.bus = std::move(given.bus);
    row.handler = std::move(given.handler);
    row.attempt = given.attempt;
    row.status = given.status;
    row.owner = std::move(given.owner);
    row.result = std::move(given.result);
    row.error_type = std::move(given.error_type);
    row.error_message = std::move(given.error_message);
    row.started_at = given.started_at;
    row.finished_at = given.finished_at;
    row.emitted = std::move(given.emitted);
    row.note = std::move(given.note);
    row.imported = imported;
    return row;
}

}  // namespace

ResultsWork::ResultsWork(std::vector<NewResult> results, bool imported, const Limits& limits) : imported_(imported) {
    rows_.reserve(results.size());
    std::set<std::tuple<std::string_view, std::string_view, std::string_view, std::uint32_t, ResultStatus>> seen;
    std::set<std::tuple<std::string_view, std::string_view, std::string_view, std::uint32_t>> ended;
    for (NewResult& result : results) {
        rows_.push_back({checked_row(std::move(result), imported, limits), !imported, false});
        const EventResult& row = rows_.back().result;
        if (!seen.emplace(row.event_id, row.bus, row.handler, row.attempt, row.status).second)
            throw Error(ErrorCode::invalid_argument,
                        fmt::format("append {}: it is in the same call twice", name_of(row)));
        if (!imported && row.status != ResultStatus::late) {
            if (ended.contains({row.event_id, row.bus, row.handler, row.attempt}))
                throw Error(ErrorCode::invalid_argument,
                            fmt::format("append {}: that attempt ends earlier in the same call; only `late` may follow",
                                        name_of(row)));
            if (is_terminal(row.status)) ended.emplace(row.event_id, row.bus, row.handler, row.attempt);
        }
        bytes_ += row.result ? row.result->size() : 0;
        bytes_ += row.error_message ? row.error_message->size() : 0;
    }
}

void ResultsWork::check(LogWriter& writer) {
    written_.clear();
    for (std::size_t index = 0; index < rows_.size(); ++index)
        check_row(writer, rows_[index], std::span(rows_).first(index));
}

void ResultsWork::check_row(LogWriter& writer, Row& row, std::span<const Row> earlier) const {
    EventResult& result = row.result;
    row.there_already = false;
    row.recoverable = !imported_;
    const std::optional<Sequence> event = writer.find_sequence(result.event_id);
    if (!event)
        throw Error(ErrorCode::not_found, fmt::format("append {}: there is no event with that id", name_of(result)));
    result.event_seq = *event;
    Statement& find = writer.statement(
        "SELECT status, recoverable FROM event_results_log WHERE event_seq = ? AND bus = ? AND handler = ? AND attempt "
        "= ?");
    const ResetGuard guard(find);
    find.bind(1, *event)
        .bind(2, std::string_view(result.bus))
        .bind(3, std::string_view(result.handler))
        .bind(4, std::int64_t{result.attempt});
    bool begun = false;
    bool ended = false;
    bool there = false;
    while (find.step()) {
        const std::optional<ResultStatus> status = result_status_from(find.text(0));
        if (!imported_) row.recoverable = find.integer(1) != 0;
        if (status == result.status) there = true;
        if (status == ResultStatus::pending) begun = true;
        if (status && is_terminal(*status)) ended = true;
    }
    if (there && imported_) {
        row.there_already = true;
        return;
    }
    if (there)
        throw Error(ErrorCode::invalid_argument, fmt::format("append {}: that row is there already", name_of(result)));
    if (ended && !imported_ && result.status != ResultStatus::late)
        throw Error(ErrorCode::invalid_argument,
                    fmt::format("append {}: that attempt has ended already; only `late` may follow", name_of(result)));
    if (imported_) return;
    check_history(writer, result, begun, ended, earlier);
    if (result.status != ResultStatus::pending) return;
    Statement& find_later = writer.statement(
        "SELECT max(attempt) FROM event_results_log WHERE event_seq = ? AND bus = ? AND handler = ? AND attempt > ?");
    const ResetGuard later_guard(find_later);
    find_later.bind(1, *event)
        .bind(2, std::string_view(result.bus))
        .bind(3, std::string_view(result.handler))
        .bind(4, std::int64_t{result.attempt});
    if (find_later.step() && !find_later.is_null(0))
        throw Error(ErrorCode::invalid_argument, fmt::format("append {}: attempt {} has begun already; claim the work",
                                                             name_of(result), find_later.integer(0)));
}

void ResultsWork::check_history(LogWriter& writer, const EventResult& row, bool begun, bool ended,
                                std::span<const Row> earlier) {
    const bool is_late = row.status == ResultStatus::late;
    if (row.status != ResultStatus::pending && begun && (ended || !is_late)) return;
    if (row.status == ResultStatus::pending && row.attempt == 1) return;
    bool follows = false;
    for (const Row& other : earlier) {
        const EventResult& before = other.result;
        if (before.event_id != row.event_id || before.bus != row.bus || before.handler != row.handler) continue;
        if (before.attempt + 1 == row.attempt) follows = true;
        if (before.attempt != row.attempt) continue;
        if (before.status == ResultStatus::pending) begun = true;
        if (is_terminal(before.status)) ended = true;
    }
    const auto refuse = [&](std::string_view why) {
        throw Error(ErrorCode::invalid_argument, fmt::format("append {}: {}", name_of(row), why));
    };
    if (row.status != ResultStatus::pending) {
        if (!begun) refuse("that attempt has not begun; its `pending` row comes first");
        if (is_late && !ended) refuse("that attempt has no outcome yet; `late` follows one");
        return;
    }
    Statement& find = writer.statement(
        "SELECT 1 FROM event_results_log WHERE event_seq = ? AND bus = ? AND handler = ? AND attempt = ?");
    const ResetGuard guard(find);
    find.bind(1, row.event_seq)
        .bind(2, std::string_view(row.bus))
        .bind(3, std::string_view(row.handler))
        .bind(4, std::int64_t{row.attempt} - 1);
    if (!follows && !find.step())
        refuse(fmt::format("attempts follow each other, and there is no attempt {}", row.attempt - 1));
}

void ResultsWork::write(LogWriter& writer) {
    std::vector<bool> recoverable;
    for (const Row& row : rows_) {
        if (row.there_already) continue;
        written_.push_back(row.result);
        recoverable.push_back(row.recoverable);
    }
    if (!written_.empty()) writer.append_results(written_, recoverable);
}

void ClaimWork::check(LogWriter& writer) {
    claimed_.reset();
    may_claim_ = false;
    Statement& find = writer.statement(
        "SELECT u.attempt, u.owner, u.recoverable, e.event_id FROM unfinished_handlers AS u JOIN events_log AS e"
        " ON e.seq = u.event_seq WHERE u.event_seq = ? AND u.bus = ? AND u.handler = ?");
    const ResetGuard guard(find);
    find.bind(1, work_.event_seq).bind(2, std::string_view(work_.bus)).bind(3, std::string_view(work_.handler));
    if (!find.step() || find.integer(0) != std::int64_t{work_.attempt}) return;
    if (find.integer(2) == 0)
        throw Error(
            ErrorCode::invalid_argument,
            fmt::format(
                "claim handler '{}' of bus '{}' for event {}: it is not recoverable (it has no name of its own)",
                work_.handler, work_.bus, work_.event_seq.value));
    if (!lock_.owner_is_gone(std::string(find.text(1)))) return;
    EventResult row;
    row.event_seq = work_.event_seq;
    row.event_id = std::string(find.text(3));
    row.bus = work_.bus;
    row.handler = work_.handler;
    row.attempt = work_.attempt + 1;
    row.owner = owner_;
    claimed_ = std::move(row);
    may_claim_ = true;
}

void ClaimWork::write(LogWriter& writer) {
    if (may_claim_) writer.append_results({&*claimed_, 1}, {true});
}

}  // namespace daybook
