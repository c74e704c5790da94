#include "crash/judge.hpp"

#include <fmt/format.h>

#include <exception>
#include <optional>

#include <daybook/event/error.hpp>
#include <daybook/store/verify.hpp>

#include "simulation/crash_images.hpp"

namespace daybook::crash {

using simulation::DiskImage;
using simulation::SimulatedMachine;

namespace {

StoreOptions options_on(const SimulatedMachine& machine, const RecordedRun& run) {
    StoreOptions options = machine.options(run.options.durability, 7);
    options.checkpoint_pages = run.options.checkpoint_pages;
    return options;
}

}  // namespace

Verdict Judge::judge(const DiskImage& image) {
    SimulatedMachine machine(image);
    machine.vfs.powersafe_overwrite = run_.options.powersafe_overwrite;
    return judge(machine);
}

Verdict Judge::judge(const DiskImage& image, std::uint64_t acknowledged) {
    Verdict verdict = judge(image);
    if (verdict.ok() && verdict.state < acknowledged) {
        const Head& found = promises_.state(verdict.state);
        const Head& wanted = promises_.state(acknowledged);
        verdict.fault = fmt::format("lost: event {} and result {} were acknowledged, {} and {} came back",
                                    wanted.seq.value, wanted.result_seq.value, found.seq.value, found.result_seq.value);
    }
    return verdict;
}

Verdict Judge::judge(SimulatedMachine& machine) {
    Verdict verdict;
    try {
        std::optional<EventStore> store(EventStore::open(simulation::log_path, options_on(machine, run_)));
        const Head head = store->head();
        const DiskImage recovered = machine.disk.seen();
        if (const auto state = promises_.find(head)) {
            verdict.state = *state;
        } else {
            verdict.fault = fmt::format(
                "invented: no transaction ever ended at event {} and result {} with these "
                "digests",
                head.seq.value, head.result_seq.value);
            return verdict;
        }
        store->close();
        store.reset();
        // The database file holds everything now: what is in it decides the rest.
        const auto key = simulation::hash_of(*recovered.at(simulation::log_path));
        auto known = known_.find(key);
        if (known == known_.end()) known = known_.emplace(key, examine(recovered, head)).first;
        verdict.fault = known->second;
    } catch (const std::exception& error) {
        verdict.fault = fmt::format("refused: {}", error.what());
    }
    return verdict;
}

std::string Judge::examine(const DiskImage& recovered, const Head& head) const {
    SimulatedMachine machine(recovered);
    machine.vfs.powersafe_overwrite = run_.options.powersafe_overwrite;
    const StoreOptions options = options_on(machine, run_);
    VerifyOptions verifying;
    verifying.store = options;
    const VerifyReport report = verify(simulation::log_path, verifying);
    if (!report.ok())
        return fmt::format("corrupt: {} ({})", report.problems.front().code, report.problems.front().message);

    // The next event, under the id that it had: nobody can tell whether it was stored, so a client appends it again.
    NewEvent next;
    next.type = "thing:after";
    if (head.seq.value < run_.events.size()) next = run_.events[static_cast<std::size_t>(head.seq.value)];
    {
        EventStore store = EventStore::open(simulation::log_path, options);
        const Appended appended = store.append(std::move(next));
        if (appended.first_seq.value != head.seq.value + 1)
            return fmt::format("append after recovery got seq {} behind {}", appended.first_seq.value, head.seq.value);
        store.close();
    }
    StoreOptions reading = options;
    reading.access = Access::read;
    const EventStore store = EventStore::open(simulation::log_path, reading);
    std::uint64_t read = 0;
    EventCursor cursor = store.read();
    while (cursor.next()) ++read;
    if (read != head.seq.value + 1) return fmt::format("{} events can be read of {}", read, head.seq.value + 1);
    return "";
}

}  // namespace daybook::crash
