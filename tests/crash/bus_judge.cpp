#include "crash/bus_judge.hpp"

#include <fmt/format.h>

#include <exception>
#include <fstream>
#include <map>
#include <set>
#include <stdexcept>
#include <utility>

#include <daybook/event/error.hpp>
#include <daybook/interchange/journal_reader.hpp>
#include <daybook/store/verify.hpp>
#include <daybook/testkit/temp_directory.hpp>

namespace daybook::crash {

using simulation::DiskImage;
using simulation::SimulatedMachine;

namespace {

void require(bool holds, const std::string& fault) {
    if (!holds) throw std::runtime_error(fault);
}

// The journal's files of an image as real ones: its readers know no other.
class WrittenJournal {
  public:
    explicit WrittenJournal(const DiskImage& image) {
        const std::string directory = "/daybook-simulation/";
        for (const auto& [name, bytes] : image) {
            if (!name.starts_with(simulation::journal_path) || name.ends_with(".lock")) continue;
            std::ofstream(directory_ / name.substr(directory.size()), std::ios::binary) << *bytes;
        }
    }
    [[nodiscard]] std::filesystem::path path() const { return directory_ / "log.jsonl"; }

  private:
    testkit::TempDirectory directory_;
};

// The last event and result that the journal on the disk holds by itself.
std::pair<std::uint64_t, std::uint64_t> end_of_journal(const DiskImage& image) {
    const WrittenJournal written(image);
    std::pair<std::uint64_t, std::uint64_t> end{0, 0};
    try {
        JournalReader reader = JournalReader::open(written.path());
        while (const JournalRecord* record = reader.next()) {
            if (const auto* event = std::get_if<Event>(record)) end.first = event->seq.value;
            if (const auto* result = std::get_if<EventResult>(record)) end.second = result->result_seq.value;
        }
    } catch (const Error& error) {
        // Not there, or damaged from here on: what was not synced may be in any state.
        if (error.code() != ErrorCode::no_such_file && error.code() != ErrorCode::invalid_line) throw;
    }
    return end;
}

void require_acknowledged(EventStore& store, const Head& promised) {
    const Head head = store.head();
    const auto name = [](const Head& of) {
        return fmt::format("event {} and result {}", of.seq.value, of.result_seq.value);
    };
    require(head.seq >= promised.seq && head.result_seq >= promised.result_seq,
            fmt::format("lost: {} were acknowledged, {} came back", name(promised), name(head)));
    if (promised.seq.value > 0)
        require(store.reader().position_at(promised.seq).digest == promised.digest,
                fmt::format("history at {} is another one", name(promised)));
}

// What is listed as unfinished is what has a pending row and no end, each once; returns how many.
std::uint64_t require_outbox(EventStore& store, EventBus& bus) {
    std::set<std::pair<std::uint64_t, std::string>> pending;
    ResultCursor results = store.reader().results();
    while (const EventResult* row = results.next()) {
        if (row->status == ResultStatus::pending) pending.emplace(row->event_seq.value, row->handler);
        if (is_terminal(row->status)) pending.erase({row->event_seq.value, row->handler});
    }
    std::set<std::pair<std::uint64_t, std::string>> listed;
    for (const Unfinished& work : bus.unfinished()) {
        require(listed.emplace(work.event_seq.value, work.handler).second, "a handler is listed twice as unfinished");
        require(work.owner_is_gone, "an owner that is gone seems to live");
    }
    require(pending == listed, fmt::format("{} handlers have no end, {} are listed", pending.size(), listed.size()));
    return listed.size();
}

void require_reactions(EventStore& store) {
    std::map<std::string, std::uint64_t> effects;
    std::vector<std::pair<Sequence, std::string>> things;
    EventCursor cursor = store.read();
    while (const EventView* event = cursor.next()) {
        if (event->type == "thing:made") things.emplace_back(event->seq, event->id);
        if (event->type == "effect:had") ++effects[std::string(event->causation_id.value_or(""))];
    }
    for (const auto& [seq, id] : things) {
        require(effects[id] == 1, fmt::format("{} was reacted to {} times", id, effects[id]));
        std::uint32_t attempts = 0;
        std::uint64_t ends = 0;
        for (const EventResult& row : store.reader().results_of(seq)) {
            if (row.status == ResultStatus::pending)
                require(row.attempt == ++attempts, fmt::format("attempt {} of {} is out of turn", row.attempt, id));
            if (is_terminal(row.status)) ++ends;
        }
        require(ends == 1, fmt::format("{} has {} outcomes", id, ends));
    }
}

}  // namespace

std::string BusJudge::judge_journal(const DiskImage& image, std::uint64_t acknowledged) const {
    const auto [events, results] = end_of_journal(image);
    const Head& promised = run_.promises.state(acknowledged);
    if (events >= promised.seq.value && results >= promised.result_seq.value) return "";
    return fmt::format("the journal ends at event {} and result {}, {} and {} were synced into it", events, results,
                       promised.seq.value, promised.result_seq.value);
}

BusVerdict BusJudge::judge(SimulatedMachine& machine, std::uint64_t acknowledged, bool has_grown) {
    BusVerdict verdict;
    try {
        // Another process than any before it: with random numbers of its own.
        StoreOptions options = store_options_of(machine, run_.options);
        options.random = std::make_shared<testkit::SeededRandom>(1'000 + ++lives_);
        EventStore store = EventStore::open(simulation::log_path, options);
        require(store.warnings().empty(), store.warnings().empty() ? "" : "false alarm: " + store.warnings().front());
        require(has_grown || run_.promises.find(store.head()).has_value(), "invented: no transaction ever ended so");
        require_acknowledged(store, run_.promises.state(acknowledged));
        const std::shared_ptr<JournalMiddleware> journal = journal_on(machine, run_.options);
        WorkingBus working(store, {journal}, run_.options.outcomes);
        const std::uint64_t unfinished = require_outbox(store, working.bus);
        const RecoverReport report = working.bus.recover();
        verdict.run_again = report.results.size();
        require(verdict.run_again == unfinished && working.runs == unfinished,
                fmt::format("{} handlers were unfinished, {} ran again", unfinished, working.runs));
        require(working.bus.unfinished().empty() && working.bus.recover().results.empty(),
                "unfinished after recover()");
        NewEvent next;
        next.type = "thing:made";
        next.id = fmt::format("after-{}", store.head().seq.value);
        static_cast<void>(working.bus.emit(std::move(next)));
        static_cast<void>(working.bus.pump());
        working.bus.close();
        for (const FailureCount& failure : working.bus.failures()) {
            // A journal of another history is reported so.
            const bool reported = failure.total > 0 && !journal->status().set_aside.empty();
            require(failure.total == 0 || reported, fmt::format("{}: {}", failure.who, failure.last_message));
        }
        verdict.set_aside = journal->status().set_aside.size();
        require(verdict.set_aside == 0 || run_.options.durability == Durability::normal,
                "a journal was set aside although nothing may be lost in FULL");
        require_reactions(store);
        const WrittenJournal written(machine.disk.seen());
        const JournalComparison comparison = compare_journal(store.reader(), written.path());
        require(comparison.ok(), comparison.ok() ? "" : "journal: " + comparison.problems.front().message);
        require(comparison.notes.empty(), comparison.notes.empty() ? "" : "journal: " + comparison.notes.front());
        store.close();
        VerifyOptions verifying;
        verifying.store = store_options_of(machine, run_.options);
        const VerifyReport whole = verify(simulation::log_path, verifying);
        require(whole.ok(), whole.ok() ? "" : "corrupt: " + whole.problems.front().message);
    } catch (const std::exception& error) {
        verdict.fault = error.what();
    }
    return verdict;
}

}  // namespace daybook::crash
