#include "crash/recorded_run.hpp"

#include <fmt/format.h>

#include <daybook/event/error.hpp>
#include <daybook/event/uuid.hpp>

namespace daybook::crash {

using simulation::Dice;

Promises::Promises() {
    committed(Head{});
}

std::uint64_t Promises::committed(const Head& head) {
    const auto [place, is_new] = numbers_.try_emplace({head.seq.value, head.result_seq.value}, states_.size());
    if (is_new) states_.push_back(head);
    return place->second;
}

std::optional<std::uint64_t> Promises::find(const Head& head) const {
    const auto found = numbers_.find({head.seq.value, head.result_seq.value});
    if (found == numbers_.end()) return std::nullopt;
    const Head& promised = states_[static_cast<std::size_t>(found->second)];
    if (promised.digest != head.digest || promised.result_digest != head.result_digest) return std::nullopt;
    return found->second;
}

Promises Promises::until(std::uint64_t number) const {
    Promises until;
    for (std::uint64_t index = 1; index <= number; ++index) until.committed(state(index));
    return until;
}

namespace {

simulation::DiskImage empty_log(const RunOptions& options) {
    simulation::SimulatedMachine machine;
    machine.vfs.powersafe_overwrite = options.powersafe_overwrite;
    EventStore::open(simulation::log_path, machine.options(options.durability, options.seed + 1)).close();
    return machine.disk.seen();
}

}  // namespace

RecordedRun::RecordedRun(RunOptions given)
    : options(given), machine(options.fresh ? simulation::DiskImage{} : empty_log(options)) {
    machine.vfs.powersafe_overwrite = options.powersafe_overwrite;
    machine.disk.sync_lies = options.sync_lies;
    Dice dice(options.seed);
    std::optional<EventStore> store(EventStore::open(simulation::log_path, store_options()));
    for (std::size_t number = 0; number < options.steps; ++number) step(store, dice);
    store->close();
}

StoreOptions RecordedRun::store_options() const {
    StoreOptions made = machine.options(options.durability, options.seed);
    made.checkpoint_pages = options.checkpoint_pages;
    if (is_wide()) made.run_events = 40;
    return made;
}

bool RecordedRun::is_wide() const noexcept {
    return !options.plain && options.seed % 3 == 0;
}

void RecordedRun::acknowledge(EventStore& store) {
    machine.disk.note(promises.committed(store.head()));
}

NewEvent RecordedRun::make_event(Dice& dice) {
    NewEvent event;
    event.type = fmt::format("thing:{}", dice.below(3));
    event.stream = fmt::format("stream-{}", dice.below(3));
    event.id = fmt::format("event-{}", ++made_);
    if (is_wide() && dice.chance(70)) event.id = uuid_v5(Uuid{}, event.id).to_string();
    // Mostly small; sometimes on overflow pages of its own.
    const std::size_t bytes =
        options.plain ? 10 : static_cast<std::size_t>(dice.chance(85) ? dice.below(200) : dice.below(9000));
    event.payload = fmt::format(R"({{"n":{},"text":"{}"}})", made_, std::string(bytes, 'x'));
    if (!options.plain && dice.chance(20)) event.correlation_id = is_wide() ? event.id : "run-1";
    return event;
}

void RecordedRun::append(EventStore& store, Dice& dice) {
    AppendRequest request;
    const std::uint64_t count = options.plain || dice.chance(70) ? 1 : 2 + dice.below(is_wide() ? 30 : 4);
    for (std::uint64_t number = 0; number < count; ++number) request.events.push_back(make_event(dice));
    const bool handled = !options.plain && dice.chance(40);
    if (handled) {
        request.pending.push_back(PendingHandler{
            .event_index = 0, .bus = "bus", .handler = "handler", .owner = "owner", .recoverable = true});
        NewResult result;
        result.event_id = request.events.front().id;
        result.bus = "bus";
        result.handler = "handler";
        result.owner = "owner";
        result.attempt = 1;
        result.status = dice.chance(80) ? ResultStatus::completed : ResultStatus::error;
        unfinished_.push_back(std::move(result));
    }
    events.insert(events.end(), request.events.begin(), request.events.end());
    // The first moment at which anybody may believe that it is durable.
    const std::uint64_t next = promises.last() + 1;
    request.on_durable = [&](const Appended&) noexcept { machine.disk.note(next); };
    static_cast<void>(store.append(std::move(request)));
    acknowledge(store);
}

void RecordedRun::append_results(EventStore& store, Dice& dice) {
    if (unfinished_.empty()) return;
    const std::size_t count = static_cast<std::size_t>(1 + dice.below(unfinished_.size()));
    std::vector<NewResult> rows(unfinished_.begin(), unfinished_.begin() + static_cast<std::ptrdiff_t>(count));
    unfinished_.erase(unfinished_.begin(), unfinished_.begin() + static_cast<std::ptrdiff_t>(count));
    static_cast<void>(store.append_results(std::move(rows)));
    acknowledge(store);
}

void RecordedRun::step(std::optional<EventStore>& store, Dice& dice) {
    machine.clock->advance(std::chrono::milliseconds(3));
    if (options.plain) return append(*store, dice);
    switch (dice.below(16)) {
        case 0:
            static_cast<void>(store->checkpoint_wal());
            break;
        case 1:
            store->close();
            store.reset();
            store.emplace(EventStore::open(simulation::log_path, store_options()));
            break;
        case 2: {
            // Refused: what it had begun must leave nothing.
            NewEvent event = make_event(dice);
            --made_;
            static_cast<void>(store->try_append(
                {.events = {event}, .expectations = {{event.stream, ExpectedVersion::exactly(Version{999})}}}));
            break;
        }
        case 3:
            if (!events.empty()) static_cast<void>(store->append(events[dice.below(events.size())]));
            break;
        case 4:
        case 5:
        case 6:
            append_results(*store, dice);
            break;
        default:
            append(*store, dice);
            break;
    }
}

}  // namespace daybook::crash
