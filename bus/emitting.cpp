// From an emit to its handlers: linking, the commit, delivery to middleware in seq order.
#include <fmt/format.h>

#include <algorithm>

#include <daybook/event/error.hpp>
#include <daybook/event/uuid.hpp>

#include "bus/event_bus_impl.hpp"

namespace daybook {

namespace {

// Name space of the ids of events that recoverable handlers emit (a random UUID, fixed for ever).
constexpr std::string_view emitted_name_space = "6f0d3f5e-5f0b-4f57-9a43-2d1f8b1c7e90";

std::string describe(const HandlerChain* chain) {
    std::string text;
    constexpr std::size_t shown_max = 8;
    std::size_t shown = 0;
    for (; chain != nullptr && shown < shown_max; chain = chain->outer.get(), ++shown) {
        text += fmt::format("{}'{}' handling '{}' ({})", shown == 0 ? "" : ", inside ", chain->handler,
                            chain->event_type, chain->event_id);
    }
    if (chain != nullptr) text += fmt::format(", inside {} more", chain->depth);
    return text;
}

/// What an emit has taken and must give back unless it commits.
struct Taken {
    HandlerRegistry& registry;
    WorkQueue& queue;
    std::vector<HandlerList> handlers{};
    std::size_t room = 0;

    ~Taken() {
        for (const HandlerList& list : handlers) registry.give_back(list);
        if (room > 0) queue.give_back(room);
    }
};

}  // namespace

void EventBus::Impl::link(NewEvent& event, HandlerContext::Impl& run, bool detached) const {
    if (detached) return;
    if (!event.causation_id) event.causation_id = run.event.id;
    if (!event.correlation_id) event.correlation_id = run.event.correlation_id.value_or(run.event.id);
}

std::string EventBus::Impl::next_id(HandlerContext::Impl& run, bool& derived) const {
    const std::uint64_t ordinal = run.emits++;
    derived = run.handler.recoverable;
    if (!derived) return {};
    // Names hold no control characters, so NUL keeps the parts apart.
    std::string name = run.event.id;
    for (const std::string_view part : {std::string_view(run.bus.options.name), std::string_view(run.handler.name)}) {
        name += '\0';
        name += part;
    }
    name += '\0';
    name += std::to_string(ordinal);
    return uuid_v5(*Uuid::parse(emitted_name_space), name).to_string();
}

void EventBus::Impl::reserve_room(std::size_t count, std::size_t& reserved) {
    if (count == 0) return;
    if (queue->try_reserve(count)) {
        reserved = count;
        return;
    }
    switch (options.queue_full) {
        case QueueFull::refuse:
            throw Error(
                ErrorCode::busy,
                fmt::format("emit on bus '{}': {} handler runs are to be queued, {} are queued and {} fit; nothing "
                            "was written: try again when some have run",
                            options.name, count, queue->size(), options.queue_capacity));
        case QueueFull::block:
            if (queue->workers() > 0 && current_run() == nullptr) {
                queue->reserve(count);
                reserved = count;
            }
            return;
        case QueueFull::run_here:
            return;
    }
}

std::vector<EventResult> EventBus::Impl::last_rows(Sequence event, bool may_be_missing) const {
    std::vector<EventResult> rows;
    try {
        for (EventResult& row : store.reader().results_of(event)) {
            if (row.bus != options.name) continue;
            const auto same = std::find_if(rows.begin(), rows.end(),
                                           [&](const EventResult& other) { return other.handler == row.handler; });
            if (same == rows.end()) {
                rows.push_back(std::move(row));
            } else {
                *same = std::move(row);
            }
        }
    } catch (const Error&) {
        if (!may_be_missing) throw;
    }
    return rows;
}

RunsList EventBus::Impl::commit(std::vector<NewEvent> events, EmitOptions emit_options, bool post,
                                HandlerContext::Impl* run) {
    const Timestamp entered = store.clock().now();
    if (events.empty()) throw Error(ErrorCode::invalid_argument, "emit: no event was given");

    AppendRequest request;
    request.return_events = true;
    request.expectations = std::move(emit_options.expectations);
    if (emit_options.expected.kind() != ExpectedVersion::Kind::any) {
        request.expectations.push_back(StreamExpectation{events.front().stream, emit_options.expected});
    }
    bool all_derived = run != nullptr;
    for (NewEvent& event : events) {
        if (run == nullptr) continue;
        link(event, *run, emit_options.detached);
        bool derived = false;
        std::string id = next_id(*run, derived);
        if (event.id.empty() && derived) {
            event.id = std::move(id);
        } else {
            all_derived = false;
        }
    }
    // A re-run of a handler gets back what the first run has emitted, and adds what that one did not come to.
    if (all_derived) {
        request.first_stands = true;
        request.repeats = Repeats::each_event;
    }

    Taken taken{registry, *queue};
    std::size_t to_queue = 0;
    const std::size_t depth = run != nullptr ? run->chain->depth : 0;
    for (std::size_t index = 0; index < events.size(); ++index) {
        taken.handlers.push_back(registry.claim(events[index].type));
        for (const std::shared_ptr<HandlerEntry>& handler : taken.handlers.back()) {
            request.pending.push_back(
                PendingHandler{index, options.name, handler->name, owner_name, handler->recoverable});
            if (post || handler->mode == HandlerMode::pool) ++to_queue;
        }
        if (!taken.handlers.back().empty() && depth >= options.nesting_max) {
            throw Error(
                ErrorCode::handler_loop,
                fmt::format(
                    "emit '{}' on bus '{}': {} handlers are inside each other already (nesting_max is {}), which "
                    "looks like a loop: {}; nothing was written",
                    events[index].type, options.name, depth, options.nesting_max, describe(run->chain.get())));
        }
    }
    reserve_room(to_queue, taken.room);

    // Middleware hears of events in the order of seq, so there is a line for it. The place in it is taken at the commit with
    // a node that exists already: nothing can fail there.
    std::list<std::shared_ptr<Delivery>> node;
    std::shared_ptr<Delivery> mine;
    bool in_line = false;
    if (!options.middleware.empty()) {
        mine = node.emplace_back(std::make_shared<Delivery>());
        request.on_durable = [&](const Appended&) noexcept {
            const std::lock_guard lock(line_mutex);
            line.splice(line.end(), node);
            in_line = true;
        };
    }
    const std::size_t count = events.size();
    request.events = std::move(events);
    const Timestamp commit_started = store.clock().now();

    RunsList all;
    try {
        Appended appended = store.append(std::move(request));
        const Timestamp durable = store.clock().now();
        for (std::size_t index = 0; index < count; ++index) {
            auto runs = std::make_shared<EventRuns>();
            const AppendedEvent& position = appended.positions[index];
            runs->already_appended = position.outcome != AppendedEvent::Outcome::appended;
            runs->event = std::move(appended.events[index]);
            runs->emitted_at = entered;
            runs->commit_started_at = commit_started;
            runs->durable_at = durable;
            if (run != nullptr) {
                runs->chain = run->chain;
                if (!emit_options.detached) {
                    runs->emitted_by = EmittedBy{run->event.id, run->event.correlation_id.value_or(run->event.id),
                                                 run->bus.options.name, run->handler.name, run->attempt};
                }
                run->emitted.push_back(runs->event.id);
                if (position.differs) {
                    if (!run->note.empty()) run->note += "; ";
                    run->note += fmt::format(
                        "emitted event {} was in the log from an earlier attempt with other content: the "
                        "first stands",
                        runs->event.id);
                }
            }
            if (runs->already_appended) {
                runs->rows = last_rows(runs->event.seq, !appended.already_appended());
            } else {
                runs->handlers = std::move(taken.handlers[index]);
                taken.handlers[index].clear();
                registry.spend(runs->handlers);
                for (const EventResult& row : appended.pending) {
                    if (row.event_seq == runs->event.seq) runs->pending.push_back(row);
                }
                runs->rows = runs->pending;
                runs->turns.assign(runs->handlers.size(), EventRuns::Turn::not_queued);
                for (const std::shared_ptr<HandlerEntry>& handler : runs->handlers) {
                    runs->queues.push_back(taken.room > 0 && (post || handler->mode == HandlerMode::pool));
                }
                runs->due = runs->handlers.size();
            }
            if (mine && !runs->already_appended) mine->runs.push_back(runs);
            all.push_back(std::move(runs));
        }
    } catch (...) {
        if (in_line) {
            // Durable, but this process has no memory left to react to it: its handlers stay unfinished work.
            const std::lock_guard lock(line_mutex);
            mine->runs.clear();
            mine->ready = true;
            line_moved.notify_all();
        }
        throw;
    }

    if (in_line) {
        {
            const std::lock_guard lock(line_mutex);
            mine->ready = true;
            line_moved.notify_all();
        }
        deliver(*mine);
    }

    // Only now: nobody may be handled before middleware has heard of the event.
    for (const std::shared_ptr<EventRuns>& runs : all) {
        for (std::size_t index = 0; index < runs->handlers.size(); ++index) {
            if (!runs->queues[index]) continue;
            queue->push(QueuedRun{runs, index});
            --taken.room;
        }
    }
    return all;
}

void EventBus::Impl::deliver(const Delivery& mine) {
    for (;;) {
        {
            // Whoever gets here first delivers for those before it that are filled in.
            const std::lock_guard delivering(delivery_mutex);
            for (;;) {
                std::shared_ptr<Delivery> next;
                {
                    const std::lock_guard lock(line_mutex);
                    if (mine.delivered) return;
                    if (line.empty() || !line.front()->ready) break;
                    next = std::move(line.front());
                    line.pop_front();
                }
                deliver_one(*next);
                const std::lock_guard lock(line_mutex);
                next->delivered = true;
                line_moved.notify_all();
            }
        }
        // Somebody before us has committed and has not come back from the store yet; it will at once.
        std::unique_lock lock(line_mutex);
        line_moved.wait(lock, [&] { return mine.delivered || (!line.empty() && line.front()->ready); });
        if (mine.delivered) return;
    }
}

void EventBus::Impl::deliver_one(const Delivery& delivery) noexcept {
    std::uint64_t records = 0;
    for (const std::shared_ptr<EventRuns>& runs : delivery.runs) {
        records += 1 + runs->pending.size();
        if (chain.nobody_watches()) continue;
        chain.on_committed(Committed{.event = runs->event,
                                     .pending = runs->pending,
                                     .bus = options.name,
                                     .emitted_at = runs->emitted_at,
                                     .commit_started_at = runs->commit_started_at,
                                     .durable_at = runs->durable_at,
                                     .emitted_by = runs->emitted_by ? &*runs->emitted_by : nullptr});
    }
    feed(records);
}

void EventBus::Impl::feed(std::uint64_t own_records) noexcept {
    for (PositionFeeder& feeder : feeders) feeder.feed(own_records + options.feed_records_max);
}

std::vector<Emitted> EventBus::Impl::emit(std::vector<NewEvent> events, EmitOptions emit_options,
                                          HandlerContext::Impl* run) {
    const Call call(*this, "emit");
    const RunsList all = commit(std::move(events), std::move(emit_options), false, run);
    std::vector<Outcome> outcomes;
    for (const std::shared_ptr<EventRuns>& runs : all) {
        for (std::size_t index = 0; index < runs->handlers.size(); ++index) {
            // A pool handler without room in the queue runs here too: run_here, or nobody could make room.
            if (runs->queues[index]) continue;
            outcomes.push_back(run_handler(runs, index));
            if (options.outcomes == OutcomeCommit::each) save(std::exchange(outcomes, {}));
        }
    }
    save(std::move(outcomes));
    std::vector<Emitted> emitted;
    emitted.reserve(all.size());
    for (const std::shared_ptr<EventRuns>& runs : all) {
        const std::lock_guard lock(runs->mutex);
        emitted.push_back(Emitted{runs->event, runs->rows, runs->already_appended, runs->outcome_error});
    }
    return emitted;
}

std::vector<PostedEvent> EventBus::Impl::post(std::vector<NewEvent> events, EmitOptions emit_options,
                                              HandlerContext::Impl* run) {
    const Call call(*this, "post");
    const RunsList all = commit(std::move(events), std::move(emit_options), true, run);
    std::vector<PostedEvent> posted;
    posted.reserve(all.size());
    for (const std::shared_ptr<EventRuns>& runs : all) {
        for (std::size_t index = 0; index < runs->handlers.size(); ++index) {
            if (!runs->queues[index]) save({run_handler(runs, index)});
        }
        posted.push_back(PostedEvent(std::make_shared<PostedEvent::Impl>(PostedEvent::Impl{runs, weak_from_this()})));
    }
    return posted;
}

}  // namespace daybook
