#include "crash/fault_ledger.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include <daybook/event/error.hpp>
#include <daybook/event/json_text.hpp>

#include "simulation/exposure.hpp"

namespace daybook::crash {

using simulation::Exposed;

namespace {

using RowKey = std::tuple<std::string, std::string, std::string, std::uint32_t, ResultStatus>;

template <typename Row>
RowKey key_of(const Row& row) {
    return {row.event_id, row.bus, row.handler, row.attempt, row.status};
}

std::string_view name_of(Told told) {
    if (told == Told::stored) return "stored";
    return told == Told::rejected ? "rejected" : "in doubt";
}

bool same_content(const NewEvent& asked, const Event& found) {
    return asked.type == found.type && asked.stream == found.stream && asked.source == found.source &&
           asked.event_version == found.event_version && asked.correlation_id == found.correlation_id &&
           asked.causation_id == found.causation_id && asked.tags == found.tags && asked.payload == found.payload &&
           asked.metadata == found.metadata;
}

// What was told of a whole, `found` of whose `asked` parts are there.
std::string judge_whole(Told told, std::size_t asked, std::size_t found, const std::string& what) {
    const bool fits = told == Told::stored     ? found == asked
                      : told == Told::rejected ? found == 0
                                               : found == 0 || found == asked;
    if (fits) return "";
    return fmt::format("{} was told as {}, and {} of {} are there", what, name_of(told), found, asked);
}

}  // namespace

ReadLog read_log(const EventStore& store) {
    ReadLog log;
    std::optional<EventReader> reader;
    std::optional<EventCursor> events;
    std::optional<ResultCursor> results;
    {
        const Exposed exposed;
        reader.emplace(store.reader());
        events.emplace(reader->read());
        results.emplace(reader->results());
    }
    const auto next = [](auto& cursor) {
        const Exposed exposed;
        return cursor.next();
    };
    while (const EventView* event = next(*events)) log.events.push_back(event->to_event());
    while (const EventResult* result = next(*results)) log.results.push_back(*result);
    return log;
}

Batch& Ledger::batch_of(std::string_view first_id) {
    return *std::find_if(batches.begin(), batches.end(),
                         [&](const Batch& batch) { return batch.events.front().id == first_id; });
}

void Ledger::note(const NewResult& row, Told told, std::vector<EventResult> stored) {
    auto place = std::find_if(rows.begin(), rows.end(),
                              [&](const Rows& other) { return key_of(other.asked.front()) == key_of(row); });
    if (place == rows.end()) place = rows.insert(rows.end(), Rows{});
    place->asked = {row};
    if (told != Told::rejected) place->told = told;
    if (told == Told::stored) place->stored = std::move(stored);
}

bool Ledger::is_claimed(std::string_view event_id, std::uint32_t attempt) const {
    return std::any_of(rows.begin(), rows.end(), [&](const Rows& together) {
        const NewResult& row = together.asked.front();
        return together.told == Told::stored && row.status == ResultStatus::pending && row.event_id == event_id &&
               row.attempt == attempt;
    });
}

std::uint64_t Ledger::events_stored() const {
    std::uint64_t count = 0;
    for (const Batch& batch : batches)
        if (batch.told == Told::stored) count += batch.events.size();
    return count;
}

std::uint64_t Ledger::events_in_doubt() const {
    std::uint64_t count = 0;
    for (const Batch& batch : batches)
        if (batch.told == Told::in_doubt) count += batch.events.size();
    return count;
}

std::string Ledger::compare(const ReadLog& log) const {
    std::map<std::string, const Event*> by_id;
    for (std::size_t index = 0; index < log.events.size(); ++index) {
        const Event& event = log.events[index];
        if (event.seq.value != index + 1)
            return fmt::format("event {} stands where {} must be", event.seq.value, index + 1);
        if (!by_id.emplace(event.id, &event).second) return fmt::format("event '{}' is there twice", event.id);
    }
    std::size_t known = 0;
    for (const Batch& batch : batches) {
        std::size_t found = 0;
        Sequence before;
        for (std::size_t index = 0; index < batch.events.size(); ++index) {
            const auto place = by_id.find(batch.events[index].id);
            if (place == by_id.end()) continue;
            const Event& event = *place->second;
            ++found;
            if (!same_content(batch.events[index], event)) return fmt::format("event '{}' is torn", event.id);
            if (batch.told == Told::stored && event != batch.stored[index])
                return fmt::format("event '{}' is not what was acknowledged", event.id);
            if (event.seq <= before) return fmt::format("event '{}' is out of order", event.id);
            before = event.seq;
        }
        if (std::string fault = judge_whole(batch.told, batch.events.size(), found,
                                            fmt::format("the batch of '{}'", batch.events.front().id));
            !fault.empty())
            return fault;
        known += found;
    }
    const auto nested = static_cast<std::size_t>(std::count_if(
        log.events.begin(), log.events.end(), [](const Event& event) { return event.type.starts_with("nested:"); }));
    if (known + (handlers_ran ? nested : 0) != log.events.size())
        return fmt::format("{} events are there, {} were given", log.events.size(), known);

    std::map<RowKey, const EventResult*> by_key;
    for (std::size_t index = 0; index < log.results.size(); ++index) {
        const EventResult& row = log.results[index];
        if (row.result_seq.value != index + 1)
            return fmt::format("result {} stands where {} must be", row.result_seq.value, index + 1);
        by_key.emplace(key_of(row), &row);
    }
    std::size_t known_rows = 0;
    const auto check_stored = [&](const std::vector<EventResult>& stored) -> std::string {
        for (const EventResult& row : stored) {
            const auto place = by_key.find(key_of(row));
            if (place == by_key.end())
                return fmt::format("result {} was acknowledged and is gone", row.result_seq.value);
            if (*place->second != row)
                return fmt::format("result {} is not what was acknowledged", row.result_seq.value);
        }
        return "";
    };
    for (const Batch& batch : batches) {
        if (std::string fault = check_stored(batch.rows); !fault.empty()) return fault;
        for (const PendingHandler& handler : batch.pending) {
            const std::string& id = batch.events[handler.event_index].id;
            const bool found = by_key.contains({id, handler.bus, handler.handler, 1, ResultStatus::pending});
            if (found != by_id.contains(id))
                return fmt::format("event '{}' and its pending row are not there together", id);
            known_rows += found ? 1 : 0;
        }
    }
    for (const Rows& together : rows) {
        if (std::string fault = check_stored(together.stored); !fault.empty()) return fault;
        const auto found =
            static_cast<std::size_t>(std::count_if(together.asked.begin(), together.asked.end(),
                                                   [&](const NewResult& row) { return by_key.contains(key_of(row)); }));
        if (std::string fault = judge_whole(together.told, together.asked.size(), found,
                                            fmt::format("the results of '{}'", together.asked.front().event_id));
            !fault.empty())
            return fault;
        known_rows += found;
    }
    if (!handlers_ran && known_rows != log.results.size())
        return fmt::format("{} results are there, {} were given", log.results.size(), known_rows);
    return "";
}

std::string Ledger::compare_checkpoints(const EventStore& store) const {
    for (const KeptCheckpoint& kept : checkpoints) {
        const std::optional<Checkpoint> found = store.checkpoint(kept.name);
        if (std::string fault = judge_whole(kept.told, 1, found ? 1 : 0, fmt::format("checkpoint '{}'", kept.name));
            !fault.empty())
            return fault;
        if (found && found->head != kept.head) return fmt::format("checkpoint '{}' names another head", kept.name);
    }
    return "";
}

std::string Ledger::append_again(EventStore& store) const {
    for (const Batch& batch : batches) {
        std::vector<std::optional<Event>> before;
        for (const NewEvent& event : batch.events) before.push_back(store.find(event.id));
        const Head head = store.head();
        AppendRequest request{.events = batch.events, .pending = batch.pending, .return_events = true};
        const AppendOutcome outcome = store.try_append(std::move(request));
        const auto* const appended = std::get_if<Appended>(&outcome);
        if (appended == nullptr)
            return fmt::format("the batch of '{}', appended again, is a conflict", batch.events.front().id);
        for (std::size_t index = 0; index < batch.events.size(); ++index) {
            const bool was_there = before[index].has_value();
            if ((appended->positions[index].outcome == AppendedEvent::Outcome::already_appended) != was_there)
                return fmt::format("event '{}', appended again, was{} there and is told otherwise",
                                   batch.events[index].id, was_there ? "" : " not");
            const Event& answered = appended->events[index];
            if (was_there ? answered != *before[index] : answered.seq.value != head.seq.value + index + 1)
                return fmt::format("event '{}', appended again, is answered with another place",
                                   batch.events[index].id);
        }
    }
    for (const Rows& together : rows) {
        const auto key = key_of(together.asked.front());
        const std::optional<Event> event = store.find(together.asked.front().event_id);
        if (!event) return fmt::format("event '{}' is gone", together.asked.front().event_id);
        bool there = false;
        for (const EventResult& row : store.reader().results_of(event->seq)) there = there || key_of(row) == key;
        bool refused = false;
        try {
            static_cast<void>(store.append_results(together.asked));
        } catch (const Error& error) {
            if (error.code() != ErrorCode::invalid_argument) throw;
            refused = true;
        }
        if (refused != there)
            return fmt::format("the results of '{}', appended again, were{} there and are {}",
                               together.asked.front().event_id, there ? "" : " not", refused ? "refused" : "taken");
    }
    // Once each, however often it was told.
    Ledger all = *this;
    for (Batch& batch : all.batches) batch.told = batch.told == Told::stored ? Told::stored : Told::in_doubt;
    for (Rows& together : all.rows) together.told = together.told == Told::stored ? Told::stored : Told::in_doubt;
    const ReadLog log = read_log(store);
    if (std::string fault = all.compare(log); !fault.empty()) return "after appending again: " + fault;
    std::uint64_t given = 0;
    for (const Batch& batch : batches) given += batch.events.size();
    const auto nested = static_cast<std::uint64_t>(std::count_if(
        log.events.begin(), log.events.end(), [](const Event& event) { return event.type.starts_with("nested:"); }));
    if (log.events.size() - nested != given)
        return fmt::format("after appending again {} events are there, {} were given", log.events.size(), given);
    return "";
}

}  // namespace daybook::crash
