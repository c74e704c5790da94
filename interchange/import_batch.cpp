// Appending in batches. A batch that the store refuses is halved until the line at fault stands alone (skip), or that
// line is looked for and named (stop).
#include "interchange/import_batch.hpp"

#include <algorithm>
#include <memory>
#include <utility>
#include <variant>

#include <fmt/format.h>

namespace daybook::interchange {
namespace {

// What the store compares when an id is there already: the time only if the later one has a time.
bool same_content(const NewEvent& first, const NewEvent& later) {
    if (later.occurred_at) return first == later;
    NewEvent timed = later;
    timed.occurred_at = first.occurred_at;
    return first == timed;
}

std::size_t bytes_of(const NewEvent& event) {
    return event.payload.size() + event.metadata.size();
}

}  // namespace

std::string bare_message(const Error& error) {
    std::string_view text = error.what();
    const std::string code = fmt::format(" [{}]", to_string(error.code()));
    if (text.size() >= code.size() && text.substr(text.size() - code.size()) == code) text.remove_suffix(code.size());
    return std::string(text);
}

bool is_input_fault(ErrorCode code) noexcept {
    return static_cast<unsigned>(code) >= 100 && static_cast<unsigned>(code) < 200;
}

ImportBatch::ImportBatch(EventStore& store, const ImportOptions& options, ImportSummary& summary,
                         std::function<void()> committed)
    : store_(store),
      options_(options),
      summary_(summary),
      committed_(std::move(committed)),
      limits_(store.options().limits) {}

std::string ImportBatch::where(std::uint64_t line) const {
    return fmt::format("{}:{}", source_, line);
}

std::string ImportBatch::last_committed() const {
    if (committed_line_ == 0) return "nothing was committed before it";
    return fmt::format("{}:{} was the last line to be committed", committed_source_, committed_line_);
}

void ImportBatch::stop_at(std::uint64_t line, const Error& error) const {
    throw Error(error.code(), fmt::format("import stopped at {}: {}; {}, nothing after that was written: mend the line "
                                          "and import again, or skip bad lines (--on-error skip)",
                                          where(line), bare_message(error), last_committed()));
}

void ImportBatch::skip(std::uint64_t line, std::string_view message) {
    ++summary_.skipped;
    if (options_.on_skipped) options_.on_skipped(fmt::format("{}: skipped: {}", where(line), message));
}

void ImportBatch::skip(const Item& item, std::string_view message) {
    left_out_.insert(item.event.id);
    skip(item.line, message);
}

void ImportBatch::bad_line(std::uint64_t line, const Error& error) {
    if (options_.on_bad_line == OnBadLine::stop || !is_input_fault(error.code())) stop_at(line, error);
    ++summary_.read;
    last_line_ = line;
    skip(line, bare_message(error));
}

void ImportBatch::add(NewEvent event, std::uint64_t line, bool without_time, bool without_id) {
    if (const auto known = ids_.find(event.id); known != ids_.end()) {
        if (same_content(items_[known->second].event, event)) {
            repeats_.push_back({std::move(event), line, without_time, without_id});
            last_line_ = line;
            if (repeats_.size() >= limits_.batch_events_max) flush();
            return;
        }
        flush();
    }
    if (!items_.empty() && bytes_ + bytes_of(event) > limits_.batch_bytes_max) flush();
    bytes_ += bytes_of(event);
    ids_.emplace(event.id, items_.size());
    items_.push_back({std::move(event), line, without_time, without_id});
    last_line_ = line;
    if (items_.size() >= limits_.batch_events_max) flush();
}

void ImportBatch::add(NewResult result, std::uint64_t line) {
    results_.push_back({std::move(result), line});
    last_line_ = line;
    if (results_.size() >= limits_.batch_events_max) flush();
}

void ImportBatch::flush() {
    if (!items_.empty() || !results_.empty()) {
        append(items_);
        for (const Item& repeat : repeats_) {
            ++summary_.read;
            if (left_out_.count(repeat.event.id) != 0) {
                skip(repeat.line, "it repeats a line that was skipped");
                continue;
            }
            ++summary_.already_there;
            if (repeat.without_time) ++summary_.without_time;
            if (repeat.without_id) ++summary_.without_id;
        }
        items_.clear();
        ids_.clear();
        repeats_.clear();
        left_out_.clear();
        bytes_ = 0;
        append_results(results_);
        results_.clear();
    }
    if (last_line_ == 0) return;
    committed_line_ = last_line_;
    committed_source_ = source_;
    committed_();
}

void ImportBatch::append(std::span<Item> items) {
    if (items.empty()) return;
    const bool skips = options_.on_bad_line == OnBadLine::skip;
    AppendRequest request;
    request.repeats = skips ? Repeats::skip_conflicts : Repeats::each_event;
    request.events.reserve(items.size());
    for (const Item& item : items) request.events.push_back(item.event);
    try {
        const AppendOutcome outcome = store_.try_append(std::move(request));
        if (const auto* appended = std::get_if<Appended>(&outcome)) {
            count(items, *appended);
        } else if (const auto* conflict = std::get_if<IdempotencyConflict>(&outcome)) {
            const Error error(ErrorCode::idempotency_conflict, conflict->message());
            if (!skips || items.size() > 1)
                stop_at(items[std::min(conflict->event_index, items.size() - 1)].line, error);
            ++summary_.read;
            skip(items.front(), bare_message(error));
        } else {
            throw Error(ErrorCode::internal, "import: the store compared a version that nobody asked about");
        }
    } catch (const Error& error) {
        if (error.code() == ErrorCode::idempotency_conflict || error.code() == ErrorCode::internal) throw;
        refused(items, error);
    }
}

void ImportBatch::count(std::span<Item> items, const Appended& appended) {
    for (std::size_t i = 0; i < items.size(); ++i) {
        const AppendedEvent& position = appended.positions[i];
        ++summary_.read;
        if (position.outcome == AppendedEvent::Outcome::conflict) {
            skip(items[i], fmt::format("the id '{}' is in the log as seq {} with other content", items[i].event.id,
                                       position.seq.value));
            continue;
        }
        if (items[i].without_time) ++summary_.without_time;
        if (items[i].without_id) ++summary_.without_id;
        if (position.outcome == AppendedEvent::Outcome::already_appended) {
            ++summary_.already_there;
            continue;
        }
        ++summary_.appended;
        if (!summary_.first_seq) summary_.first_seq = position.seq;
        summary_.last_seq = position.seq;
    }
}

std::size_t ImportBatch::find_refused(std::span<Item> items) const {
    for (std::size_t i = 0; i < items.size(); ++i) {
        try {
            for (const std::shared_ptr<Guard>& guard : store_.options().guards) guard->check(items[i].event);
        } catch (const std::exception&) {
            return i;
        }
    }
    return 0;
}

void ImportBatch::refused(std::span<Item> items, const Error& error) {
    if (!is_input_fault(error.code())) {
        throw Error(error.code(), fmt::format("import of lines {} to {} of {} failed: {}; {}", items.front().line,
                                              items.back().line, source_, bare_message(error), last_committed()));
    }
    if (options_.on_bad_line == OnBadLine::stop) stop_at(items[find_refused(items)].line, error);
    if (items.size() == 1) {
        ++summary_.read;
        skip(items.front(), bare_message(error));
        return;
    }
    append(items.first(items.size() / 2));
    append(items.subspan(items.size() / 2));
}

void ImportBatch::append_results(std::span<ResultItem> items) {
    if (items.empty()) return;
    std::vector<NewResult> rows;
    rows.reserve(items.size());
    for (const ResultItem& item : items) rows.push_back(item.result);
    try {
        static_cast<void>(store_.append_results(std::move(rows), true));
        summary_.results += items.size();
    } catch (const Error& error) {
        results_refused(items, error);
    }
}

void ImportBatch::results_refused(std::span<ResultItem> items, const Error& error) {
    if (!is_input_fault(error.code())) {
        throw Error(error.code(), fmt::format("import of lines {} to {} of {} failed: {}; {}", items.front().line,
                                              items.back().line, source_, bare_message(error), last_committed()));
    }
    if (options_.on_bad_line == OnBadLine::stop) {
        std::uint64_t line = items.front().line;
        if (error.code() == ErrorCode::not_found) {
            const auto missing = std::find_if(items.begin(), items.end(), [this](const ResultItem& item) {
                return !store_.find(std::string_view(item.result.event_id));
            });
            if (missing != items.end()) line = missing->line;
        }
        stop_at(line, error);
    }
    if (items.size() == 1) {
        ++summary_.read;
        skip(items.front().line, bare_message(error));
        return;
    }
    append_results(items.first(items.size() / 2));
    append_results(items.subspan(items.size() / 2));
}

}  // namespace daybook::interchange
