#include "processes/workplace.hpp"

#include <fmt/format.h>

#include <utility>

#include "simulation/dice.hpp"

namespace daybook::processes {

namespace {

simulation::Dice dice_of(const Place& place, std::uint32_t writer, std::uint64_t number) {
    return simulation::Dice(place.seed * 1'000'003 + writer * 7'919 + number);
}

NewEvent event_of(const Place& place, std::uint32_t writer, std::uint64_t number) {
    simulation::Dice dice = dice_of(place, writer, number);
    NewEvent event;
    event.type = "thing:made";
    event.stream = fmt::format("stream-{}", dice.below(3));
    event.id = fmt::format("w{}-{}", writer, number);
    const std::uint64_t bytes = dice.chance(90) ? dice.below(150) : dice.below(6'000);
    event.payload = fmt::format(R"({{"writer":{},"number":{},"text":"{}"}})", writer, number,
                                std::string(static_cast<std::size_t>(bytes), 't'));
    return event;
}

std::shared_ptr<JournalMiddleware> journal_of(const Place& place) {
    JournalOptions options;
    options.path = place.journal().string();
    options.sync = place.journal_sync;
    options.rotate_bytes = place.journal_rotates_at;
    options.lock_retry = std::chrono::milliseconds(0);
    return std::make_shared<JournalMiddleware>(std::move(options));
}

BusOptions bus_options(const Place& place, const std::shared_ptr<JournalMiddleware>& journal) {
    BusOptions options;
    options.name = "workers";
    options.worker_threads = place.in_pool ? 1 : 0;
    options.outcomes = place.each_outcome ? OutcomeCommit::each : OutcomeCommit::together;
    options.record_started = place.record_started;
    options.middleware = {journal};
    return options;
}

}  // namespace

StoreOptions store_options(const Place& place, std::uint32_t writer, Access access) {
    StoreOptions options;
    options.run_events = 3;
    options.access = access;
    options.checkpoint_pages = place.checkpoint_pages;
    options.wait_strategy = place.wait_strategy;
    if (simulation::Dice(place.seed + writer).chance(place.normal_percent)) options.durability = Durability::normal;
    return options;
}

std::vector<NewEvent> batch_at(const Place& place, std::uint32_t writer, std::uint64_t first_number) {
    simulation::Dice dice = dice_of(place, writer + 100, first_number);
    const std::uint64_t size = dice.chance(70) ? 1 : 2 + dice.below(2);
    std::vector<NewEvent> events;
    for (std::uint64_t index = 0; index < size; ++index)
        events.push_back(event_of(place, writer, first_number + index));
    return events;
}

std::vector<NewEvent> effects_of(std::string_view id, std::string_view stream) {
    const std::size_t count = id.back() % 2 == 0 ? 2 : 1;
    std::vector<NewEvent> effects(count);
    for (std::size_t ordinal = 0; ordinal < count; ++ordinal) {
        effects[ordinal].type = "effect:had";
        effects[ordinal].stream = stream;
        effects[ordinal].payload = fmt::format(R"({{"of":"{}","ordinal":{}}})", id, ordinal);
    }
    return effects;
}

WorkBus::WorkBus(EventStore& store, const Place& place, const Reporter& reporter)
    : reporter_(reporter),
      journal_(journal_of(place)),
      bus_(store, bus_options(place, journal_)),
      effect_(bus_.on("thing:*", {.name = "effect", .mode = place.in_pool ? HandlerMode::pool : HandlerMode::in_line},
                      [this](const Event& event, HandlerContext& context) {
                          begin(event, effect, context.attempt());
                          for (NewEvent& its : effects_of(event.id, event.stream)) context.emit(std::move(its));
                          return std::string(R"({"done":true})");
                      })),
      mail_(bus_.on("thing:*", {.name = "mail", .recoverable = false},
                    [this](const Event& event, HandlerContext& context) { begin(event, mail, context.attempt()); })) {}

void WorkBus::begin(const Event& event, std::uint32_t handler, std::uint64_t attempt) {
    reporter_.say({.kind = Report::Kind::ran,
                   .who = handler,
                   .number = attempt,
                   .seq = event.seq.value,
                   .version = event.version.value,
                   .digest = event.digest});
    const std::lock_guard lock(mutex_);
    runs_.emplace(event.seq.value, handler, attempt);
}

std::set<Run> WorkBus::runs() const {
    const std::lock_guard lock(mutex_);
    return runs_;
}

void WorkBus::close() {
    bus_.close();
    for (const FailureCount& failure : bus_.failures())
        require(failure.total == 0, [&] { return fmt::format("{} failed: {}", failure.who, failure.last_message); });
}

}  // namespace daybook::processes
