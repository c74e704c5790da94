#include "crash/bus_run.hpp"

#include <fmt/format.h>

#include <optional>
#include <utility>

namespace daybook::crash {

using simulation::Dice;
using simulation::SimulatedMachine;

namespace {

// Notes each state between two transactions, and that it is promised from the moment on at which middleware hears of it.
class Witness final : public Middleware {
  public:
    Witness(BusRun& run, EventStore& store) : run_(run), store_(store) {}
    std::string_view name() const noexcept override { return "witness"; }
    void on_committed(const Committed&) override { note(); }
    void on_result(const Event&, const EventResult&) override { note(); }
    void note() { run_.machine.disk.note(run_.promises.committed(store_.head())); }

  private:
    BusRun& run_;
    EventStore& store_;
};

}  // namespace

StoreOptions store_options_of(const SimulatedMachine& machine, const BusRunOptions& options) {
    StoreOptions made = machine.options(options.durability, options.seed);
    made.checkpoint_pages = options.checkpoint_pages;
    return made;
}

std::shared_ptr<JournalMiddleware> journal_on(const SimulatedMachine& machine, const BusRunOptions& options) {
    JournalOptions made;
    made.path = simulation::journal_path;
    made.sync = options.sync;
    made.rotate_bytes = options.rotate_bytes;
    made.lock_retry = std::chrono::milliseconds(0);
    made.files = machine.files;
    made.clock = machine.clock;
    return std::make_shared<JournalMiddleware>(std::move(made));
}

WorkingBus::WorkingBus(EventStore& store, std::vector<std::shared_ptr<Middleware>> middleware, OutcomeCommit outcomes)
    : bus(store, {.name = "works", .outcomes = outcomes, .middleware = std::move(middleware)}),
      handler(bus.on("thing:*", {.name = "effect"}, [this](const Event& event, HandlerContext& context) {
          ++runs;
          NewEvent effect;
          effect.type = "effect:had";
          effect.payload = fmt::format(R"({{"of":"{}"}})", event.id);
          context.emit(std::move(effect));
          return std::string(R"({"done":true})");
      })) {}

BusRun::BusRun(BusRunOptions given) : options(given) {
    Dice dice(options.seed);
    use(dice);
}

void BusRun::use(Dice& dice) {
    EventStore store = EventStore::open(simulation::log_path, store_options_of(machine, options));
    EventStore other = EventStore::open(simulation::log_path, store_options_of(machine, options));
    std::optional<WorkingBus> working;
    std::shared_ptr<Witness> witness;
    const auto open_bus = [&] {
        witness = std::make_shared<Witness>(*this, store);
        working.emplace(store, std::vector<std::shared_ptr<Middleware>>{witness, journal_on(machine, options)},
                        options.outcomes);
    };
    open_bus();
    for (std::size_t step = 0; step < options.steps; ++step) {
        machine.clock->advance(std::chrono::milliseconds(5));
        NewEvent event;
        event.id = fmt::format("thing-{}", step);
        event.payload = fmt::format(R"({{"n":{},"text":"{}"}})", step, std::string(dice.below(900), 'x'));
        switch (dice.below(8)) {
            case 0:
                // By another store: the journal must hear of it all the same.
                event.type = "stranger:came";
                static_cast<void>(other.append(std::move(event)));
                witness->note();
                continue;
            case 1:
                working->bus.close();
                working.reset();
                open_bus();
                break;
            case 2: {
                std::vector<NewEvent> both(2);
                both[0] = std::move(event);
                both[0].type = both[1].type = "thing:made";
                both[1].id = fmt::format("thing-{}-too", step);
                static_cast<void>(working->bus.emit_all(std::move(both)));
                break;
            }
            case 3:
                static_cast<void>(working->bus.pump());
                break;
            default:
                event.type = "thing:made";
                static_cast<void>(working->bus.emit(std::move(event)));
                break;
        }
        machine.disk.note(promises.committed(store.head()) | is_journaled);
    }
    working->bus.close();
    working.reset();
    other.close();
    store.close();
}

}  // namespace daybook::crash
