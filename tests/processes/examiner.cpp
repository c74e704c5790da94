#include "processes/examiner.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include <daybook/interchange/journal_reader.hpp>
#include <daybook/store/verify.hpp>

namespace daybook::processes {

namespace {

struct Attempt {
    bool started = false;
    std::optional<ResultStatus> outcome{};
    std::vector<std::string> emitted{};
};

/// By seq of the event and name of the handler: its attempts, from 1 on.
using Attempts = std::map<std::pair<std::uint64_t, std::string>, std::vector<Attempt>>;

/// Of writer and number, from an id `w<writer>-<number>`.
std::pair<std::uint32_t, std::uint64_t> parse_id(const std::string& id) {
    const std::size_t dash = id.find('-');
    return {static_cast<std::uint32_t>(std::stoul(id.substr(1, dash - 1))), std::stoull(id.substr(dash + 1))};
}

// Each attempt begins with its pending row and ends at most once; the next begins only where the last did not end.
Attempts check_results(const EventReader& log, const Place& place) {
    Attempts all;
    std::uint64_t result_seq = 0;
    ResultCursor results = log.results();
    while (const EventResult* row = results.next()) {
        ++result_seq;
        require(row->result_seq.value == result_seq,
                [&] { return fmt::format("a gap: result {} follows {}", row->result_seq.value, result_seq - 1); });
        std::vector<Attempt>& attempts = all[{row->event_seq.value, row->handler}];
        const auto what = [&] {
            return fmt::format("result {} of event {}, handler {}: attempt {} {}", result_seq, row->event_seq.value,
                               row->handler, row->attempt, to_string(row->status));
        };
        if (row->status == ResultStatus::pending) {
            require(row->attempt == attempts.size() + 1, what);
            require(attempts.empty() || !attempts.back().outcome, what);
            attempts.emplace_back();
            continue;
        }
        require(row->attempt == attempts.size() && !attempts.back().outcome, what);
        if (row->status == ResultStatus::started) {
            require(place.record_started && !std::exchange(attempts.back().started, true), what);
            continue;
        }
        require(row->status == ResultStatus::completed, what);
        attempts.back().outcome = row->status;
        attempts.back().emitted = row->emitted;
    }
    return all;
}

// unfinished() names exactly the attempts without an outcome, and knows that their processes are gone; recover() runs those
// that may be run again as the next attempt, in order, and counts the others.
void check_recovery(WorkBus& work, const Attempts& attempts) {
    using Item = std::tuple<std::uint64_t, std::string, std::uint64_t>;  // seq, handler, attempt
    std::vector<Item> expected;
    std::vector<Item> expected_runs;
    for (const auto& [key, tries] : attempts) {
        if (tries.back().outcome) continue;
        expected.emplace_back(key.first, key.second, tries.size());
        if (key.second == "effect") expected_runs.emplace_back(key.first, key.second, tries.size() + 1);
    }
    std::vector<Item> listed;
    for (const Unfinished& item : work.bus().unfinished()) {
        require(item.owner_is_gone, [&] { return "an owner that was killed seems to live: " + item.owner; });
        require(item.recoverable == (item.handler == "effect"),
                [&] { return item.handler + " is recoverable, or not"; });
        listed.emplace_back(item.event_seq.value, item.handler, item.attempt);
    }
    std::sort(listed.begin(), listed.end());
    require(listed == expected,
            [&] { return fmt::format("unfinished() lists {} items, {} are", listed.size(), expected.size()); });

    const RecoverReport report = work.bus().recover();
    std::vector<Item> ran;
    for (const EventResult& result : report.results)
        ran.emplace_back(result.event_seq.value, result.handler, result.attempt);
    require(ran == expected_runs,
            [&] { return fmt::format("recover() ran {} items, not {}", ran.size(), expected_runs.size()); });
    require(report.not_recoverable == expected.size() - expected_runs.size() && report.owner_lives == 0 &&
                report.taken_by_others == 0 && report.no_handler.empty() && report.left == 0 &&
                report.outcome_error.empty(),
            [&] {
                return fmt::format(
                    "recover() says: {} not recoverable, {} owners live, {} taken by others, {} without "
                    "handler, {} left, '{}'",
                    report.not_recoverable, report.owner_lives, report.taken_by_others, report.no_handler.size(),
                    report.left, report.outcome_error);
            });
    for (const Unfinished& item : work.bus().unfinished())
        require(!item.recoverable, [&] { return "unfinished after recover(): " + item.event_id; });
}

// Every event had its handlers called: `effect` to the end, whoever died on the way, `mail` at most once; and no outcome is
// there without a run.
void check_outcomes(const Content& content, const Attempts& attempts, const std::set<Run>& runs,
                    const std::set<Run>& own_runs) {
    for (const auto& [seq, id] : content.things) {
        const auto effect = attempts.find({seq, "effect"});
        require(effect != attempts.end() && effect->second.back().outcome.has_value(),
                [&, &thing = id] { return "no outcome of the handler of " + thing; });
        const auto emitted = content.effects.find(id);
        require(emitted != content.effects.end() && emitted->second == effect->second.back().emitted,
                [&, &thing = id] { return "what the handler emitted is not what is there, of " + thing; });
        require(emitted->second.size() == effects_of(id, "").size(),
                [&, &thing = id] { return fmt::format("{} effects of {}", emitted->second.size(), thing); });
    }
    for (const auto& [key, tries] : attempts) {
        const std::uint32_t handler = key.second == "effect" ? WorkBus::effect : WorkBus::mail;
        require(handler == WorkBus::effect || tries.size() == 1,
                [&, &thing = key] { return fmt::format("mail was run again for event {}", thing.first); });
        if (!tries.back().outcome) continue;
        const Run run{key.first, handler, tries.size()};
        require(runs.contains(run) || own_runs.contains(run), [&, &thing = key] {
            return fmt::format("an outcome of event {}, handler {}, that nobody ran", thing.first, thing.second);
        });
    }
}

}  // namespace

Content check_events(const EventReader& log, const Place& place, const Oracle& oracle) {
    Content content;
    std::set<std::string, std::less<>> ids;
    std::map<std::string, std::uint64_t, std::less<>> versions;
    struct Progress {
        std::vector<NewEvent> batch{};
        std::size_t done = 0;
        std::uint64_t last = 0;
    };
    std::map<std::uint32_t, Progress> writers;
    std::uint64_t seq = 0;
    Timestamp before{INT64_MIN};
    EventCursor cursor = log.read();
    while (const EventView* event = cursor.next()) {
        const std::string id(event->id);
        const auto what = [&] { return fmt::format("event {} at seq {}", id, event->seq.value); };
        ++seq;
        require(event->seq.value == seq, [&] { return fmt::format("a gap: {} follows {}", what(), seq - 1); });
        require(ids.insert(id).second, [&] { return "twice in the log: " + what(); });
        require(event->version.value == ++versions[std::string(event->stream)],
                [&] { return "a version out of order: " + what(); });
        require(event->recorded_at >= before, [&] { return "a time that goes back: " + what(); });
        before = event->recorded_at;
        if (const auto seen = oracle.seen().find(seq); seen != oracle.seen().end())
            require(seen->second == event->digest, [&] { return "another event was seen here before: " + what(); });

        if (event->type == "effect:had") {
            require(event->causation_id && ids.contains(*event->causation_id) &&
                        event->correlation_id == event->causation_id,
                    [&] { return "not linked to its cause: " + what(); });
            std::vector<std::string>& effects = content.effects[std::string(*event->causation_id)];
            const std::vector<NewEvent> wanted = effects_of(*event->causation_id, event->stream);
            require(effects.size() < wanted.size() && wanted[effects.size()].payload == event->payload,
                    [&] { return "emitted twice, or out of turn: " + what(); });
            effects.push_back(id);
            continue;
        }
        content.things.emplace(seq, id);
        if (!id.starts_with('w')) continue;

        const auto [writer, number] = parse_id(id);
        Progress& progress = writers[writer];
        require(number == progress.last + 1, [&] { return "out of its writer's order: " + what(); });
        progress.last = number;
        if (progress.done == progress.batch.size()) {
            progress.batch = batch_at(place, writer, number);
            progress.done = 0;
        }
        const NewEvent& wanted = progress.batch[progress.done++];
        require(event->payload == wanted.payload && event->stream == wanted.stream && event->type == wanted.type,
                [&] { return "other content: " + what(); });
        const auto promised = oracle.acknowledged().find({writer, number});
        if (promised == oracle.acknowledged().end()) continue;
        require(promised->second.seq == seq && promised->second.version == event->version.value &&
                    promised->second.digest == event->digest,
                [&] { return fmt::format("acknowledged at seq {}: {}", promised->second.seq, what()); });
    }
    for (const auto& [writer, progress] : writers)
        require(progress.done == progress.batch.size(),
                [&, number = writer] { return fmt::format("a part of a batch of writer {}", number); });
    for (const auto& [key, promise] : oracle.acknowledged())
        require(key.second <= writers[key.first].last, [&, &lost = key, at = promise.seq] {
            return fmt::format("LOST: w{}-{}, acknowledged at seq {}", lost.first, lost.second, at);
        });
    require(oracle.last_seen() <= seq,
            [&] { return fmt::format("LOST: seq {} was seen, the log ends at {}", oracle.last_seen(), seq); });
    return content;
}

int examine(const Place& place, const Oracle& oracle, const Reporter& reporter) {
    EventStore store = EventStore::open(place.database, store_options(place, 0, Access::create));
    require(store.warnings().empty(), [&] { return store.warnings().front(); });
    static_cast<void>(check_events(store.reader(), place, oracle));
    if (place.with_bus) {
        WorkBus work(store, place, reporter);
        require(!work.journal().status().stands_by, [] { return std::string("a dead writer holds the journal"); });
        check_recovery(work, check_results(store.reader(), place));
        static_cast<void>(work.bus().pump());
        work.close();
        check_outcomes(check_events(store.reader(), place, oracle), check_results(store.reader(), place), oracle.runs(),
                       work.runs());
        const JournalComparison journal = compare_journal(store.reader(), place.journal());
        require(journal.ok(), [&] { return journal.problems.front().message; });
        require(journal.notes.empty(), [&] { return journal.notes.front(); });
    }
    store.close();
    const VerifyReport report = verify(place.database);
    require(report.ok(), [&] { return report.problems.front().code + ": " + report.problems.front().message; });
    return 0;
}

}  // namespace daybook::processes
