// Running handlers, and bringing what became of them into the log.
#include <cxxabi.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <iterator>
#include <typeinfo>

#include <daybook/event/error.hpp>
#include <daybook/event/json_text.hpp>

#include "bus/event_bus_impl.hpp"
#include "event/test_hooks.hpp"

namespace daybook {

namespace {

// What a handler says when it fails is kept for people; a row is not the place for a dump.
constexpr std::size_t error_bytes_max = 16 * 1024;

std::string type_name(const std::type_info& type) {
    int status = 0;
    char* demangled = abi::__cxa_demangle(type.name(), nullptr, nullptr, &status);
    std::string name = status == 0 && demangled != nullptr ? demangled : type.name();
    std::free(demangled);  // NOLINT: it comes from malloc
    return name;
}

/// What `text` says, as UTF-8 and of bounded size.
std::string clean(std::string text) {
    // Cut first: what a handler throws may hold a whole file.
    std::size_t end = std::min(text.size(), error_bytes_max);
    if (end < text.size()) {
        while (end + 3 > error_bytes_max && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80) --end;
    }
    const std::size_t rest = text.size() - end;
    text.resize(end);
    text = replace_invalid_utf8(text);
    return rest == 0 ? text : fmt::format("{}... (+{} bytes)", text, rest);
}

/// The disk's fault and not the row's: worth another try.
bool is_storage(ErrorCode code) noexcept {
    const auto number = static_cast<unsigned>(code);
    return (number >= 300 && number < 400) || code == ErrorCode::out_of_memory;
}

thread_local HandlerContext::Impl* innermost = nullptr;

}  // namespace

HandlerContext::Impl* current_run() noexcept {
    return innermost;
}

RunScope::RunScope(HandlerContext::Impl& run) noexcept {
    run.outer = innermost;
    innermost = &run;
}

RunScope::~RunScope() {
    innermost = innermost->outer;
}

Outcome EventBus::Impl::cancelled(const std::shared_ptr<EventRuns>& runs, std::size_t index,
                                  std::string_view why) const {
    Outcome outcome{runs, index, {}};
    outcome.row.event_id = runs->event.id;
    outcome.row.bus = options.name;
    outcome.row.handler = runs->handlers[index]->name;
    outcome.row.attempt = runs->attempt;
    outcome.row.owner = owner_name;
    outcome.row.status = ResultStatus::cancelled;
    outcome.row.note = std::string(why);
    return outcome;
}

void EventBus::Impl::started(const EventRuns& runs, const HandlerEntry& handler, Timestamp at) noexcept {
    try {
        if (options.record_started) {
            NewResult row;
            row.event_id = runs.event.id;
            row.bus = options.name;
            row.handler = handler.name;
            row.attempt = runs.attempt;
            row.owner = owner_name;
            row.status = ResultStatus::started;
            row.started_at = at;
            std::vector<NewResult> rows;
            rows.push_back(std::move(row));
            const std::vector<EventResult> written = store.append_results(std::move(rows));
            if (!chain.nobody_watches()) {
                const auto lock = delivery_lock();
                for (const EventResult& result : written) chain.on_result(runs.event, result);
            }
        }
        if (!chain.nobody_watches()) {
            const auto lock = delivery_lock();
            chain.on_handler_start(HandlerStart{runs.event, options.name, handler.name, runs.attempt, at});
        }
    } catch (...) {
        // The pending row says already that it may have run.
        outcome_failures.failed_with_current_exception("append a started row");
    }
}

Outcome EventBus::Impl::run_handler(const std::shared_ptr<EventRuns>& runs, std::size_t index) {
    HandlerEntry& handler = *runs->handlers[index];
    if (!handler.enter()) return cancelled(runs, index, "the handler was removed before its turn");
    struct Leave {
        HandlerEntry& entry;
        ~Leave() { entry.leave(); }
    } const leave{handler};

    Outcome outcome = cancelled(runs, index, "");
    NewResult& row = outcome.row;
    row.note.reset();
    const Timestamp begun = store.clock().now();
    started(*runs, handler, begun);
    DAYBOOK_KILL_POINT(before_handler);
    HandlerContext::Impl run{*this, runs->event, handler, runs->attempt, nullptr};
    run.chain = std::make_shared<HandlerChain>(HandlerChain{handler.name, runs->event.type, runs->event.id,
                                                            runs->chain ? runs->chain->depth + 1 : 1, runs->chain});
    // The steady clock measures: a wall clock that is set back would give a negative duration.
    const std::chrono::nanoseconds before = store.clock().steady();
    row.status = ResultStatus::error;
    try {
        std::optional<std::string> returned;
        {
            const RunScope scope(run);
            HandlerContext context(run);
            returned = handler.function(runs->event, context);
        }
        if (returned) row.result = minify_json(*returned, store.options().limits, "what the handler returned");
        row.status = ResultStatus::completed;
    } catch (const abi::__forced_unwind&) {
        throw;  // the thread is being cancelled: must go on
    } catch (const std::exception& error) {
        row.error_type = type_name(typeid(error));
        row.error_message = clean(error.what());
    } catch (...) {
        const std::type_info* type = abi::__cxa_current_exception_type();
        row.error_type = type != nullptr ? type_name(*type) : "unknown";
        row.error_message = "something that is not a std::exception was thrown";
    }
    DAYBOOK_KILL_POINT(after_handler);
    row.started_at = begun;
    row.finished_at = Timestamp{begun.ns + (store.clock().steady() - before).count()};
    row.emitted = std::move(run.emitted);
    if (!run.note.empty()) row.note = clean(std::move(run.note));
    return outcome;
}

void EventBus::Impl::count(Outcome& outcome, std::string_view error) noexcept {
    const std::lock_guard lock(outcome.runs->mutex);
    try {
        outcome.runs->outcome_error.assign(error);
    } catch (...) {
        outcome.runs->outcome_error.clear();
    }
    if (outcome.counted) return;
    outcome.counted = true;
    --outcome.runs->due;
    outcome.runs->changed.notify_all();
}

void EventBus::Impl::accept(std::span<Outcome> outcomes, std::vector<EventResult>&& rows) noexcept {
    if (!chain.nobody_watches()) {
        const auto lock = delivery_lock();
        for (std::size_t index = 0; index < outcomes.size() && index < rows.size(); ++index) {
            chain.on_result(outcomes[index].runs->event, rows[index]);
        }
    }
    for (std::size_t index = 0; index < outcomes.size() && index < rows.size(); ++index) {
        outcomes[index].settled = true;
        {
            const std::lock_guard lock(outcomes[index].runs->mutex);
            std::vector<EventResult>& shown = outcomes[index].runs->rows;
            if (outcomes[index].index < shown.size()) shown[outcomes[index].index] = std::move(rows[index]);
        }
        count(outcomes[index], {});
    }
}

bool EventBus::Impl::append_outcomes(std::span<Outcome> outcomes, std::string& error) {
    try {
        std::vector<NewResult> rows;
        rows.reserve(outcomes.size());
        for (const Outcome& outcome : outcomes) rows.push_back(outcome.row);
        std::vector<EventResult> written = store.append_results(std::move(rows));
        DAYBOOK_KILL_POINT(after_outcome);
        accept(outcomes, std::move(written));
        return true;
    } catch (const Error& failure) {
        error = failure.what();
        if (is_storage(failure.code())) return false;
    } catch (const std::exception& failure) {
        error = failure.what();  // no memory: as little the rows' fault
        return false;
    }
    if (outcomes.size() == 1) {
        // Trying again would not help, and must not hold up the others.
        outcome_failures.failed("append an outcome", error);
        outcomes.front().settled = true;
        count(outcomes.front(), error);
        return true;
    }
    // One of them is at fault: each alone, so that it harms no other.
    for (std::size_t index = 0; index < outcomes.size(); ++index) {
        if (!append_outcomes(outcomes.subspan(index, 1), error)) return false;
    }
    return true;
}

void EventBus::Impl::save(std::vector<Outcome> outcomes) noexcept {
    constexpr std::size_t commit_rows_max = 500;
    std::string error;
    bool refused = false;
    try {
        {
            const std::lock_guard lock(unsaved_mutex);
            if (outcomes.empty() && unsaved.empty()) return;
            outcomes.reserve(outcomes.size() + unsaved.size());  // all of them are moved then, or none
            outcomes.insert(outcomes.begin(), std::make_move_iterator(unsaved.begin()),
                            std::make_move_iterator(unsaved.end()));
            unsaved.clear();
        }
        for (std::size_t begin = 0; begin < outcomes.size() && !refused; begin += commit_rows_max) {
            const std::size_t count = std::min(commit_rows_max, outcomes.size() - begin);
            // Once the disk has refused, more tries in the same breath only cost time.
            refused = !append_outcomes(std::span(outcomes).subspan(begin, count), error);
        }
        if (!refused) {
            if (feeders.empty()) return;
            const auto lock = delivery_lock();
            return feed(outcomes.size());
        }
        outcome_failures.failed("append outcomes", error);
    } catch (...) {
        outcome_failures.failed_with_current_exception("append outcomes");
    }
    // Nobody waits for what is not in the log; their rows stay pending, which is true: the handlers may have run.
    std::erase_if(outcomes, [](const Outcome& outcome) { return outcome.settled; });
    for (Outcome& outcome : outcomes) count(outcome, error.empty() ? "out of memory" : std::string_view(error));
    keep_unsaved(outcomes);
}

void EventBus::Impl::keep_unsaved(std::vector<Outcome>& outcomes) noexcept {
    const std::lock_guard lock(unsaved_mutex);
    std::size_t kept = 0;
    try {
        if (unsaved.empty() && outcomes.size() <= options.unsaved_outcomes_max) return unsaved.swap(outcomes);
        for (; kept < outcomes.size() && unsaved.size() < options.unsaved_outcomes_max; ++kept)
            unsaved.push_back(std::move(outcomes[kept]));
    } catch (...) {
        // No memory for more: the rest is forgotten as what is over the cap.
    }
    forgotten += outcomes.size() - kept;
}

void EventBus::Impl::run_queued(const QueuedRun& run) noexcept {
    try {
        std::vector<Outcome> outcomes;
        outcomes.push_back(run_handler(run.runs, run.index));
        save(std::move(outcomes));
    } catch (...) {
        outcome_failures.failed_with_current_exception("run a queued handler");
        Outcome lost{run.runs, run.index, {}};
        count(lost, "out of memory: its pending row stays");
    }
}

void EventBus::Impl::help_until_done(const std::shared_ptr<EventRuns>& runs,
                                     std::optional<std::chrono::nanoseconds> deadline) {
    const bool in_handler = current_run() != nullptr;
    if (!in_handler && queue->workers() > 0) return;
    for (;;) {
        {
            const std::lock_guard lock(runs->mutex);
            if (runs->due == 0) return;
        }
        if (deadline && store.clock().steady() >= *deadline) return;
        // In a handler only its own: a stranger's handler must not run inside of this one.
        std::optional<QueuedRun> next = in_handler ? queue->take_of(runs) : queue->take_oldest();
        if (!next) return;
        run_queued(*next);
        queue->finished();
    }
}

}  // namespace daybook
