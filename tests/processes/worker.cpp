#include "processes/worker.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <set>
#include <stdexcept>

#include <daybook/bus/event_bus.hpp>
#include <daybook/event/error.hpp>
#include <daybook/interchange/journal_reader.hpp>
#include <daybook/middleware/journal.hpp>
#include <daybook/store/event_store.hpp>
#include <daybook/store/verify.hpp>

#include "simulation/dice.hpp"

namespace daybook::processes {

namespace {

using test_hooks::KillPoint;

StoreOptions store_options(Access access) {
    StoreOptions options;
    options.access = access;
    options.checkpoint_pages = 40;
    return options;
}

// The same in every life of a writer: an id in doubt is appended again with equal content.
NewEvent event_of(const Place& place, std::uint32_t writer, std::uint64_t number) {
    simulation::Dice dice(place.seed * 1'000'003 + writer * 7'919 + number);
    NewEvent event;
    event.type = "thing:made";
    event.stream = fmt::format("stream-{}", dice.below(3));
    event.id = fmt::format("w{}-{}", writer, number);
    const std::size_t bytes = static_cast<std::size_t>(dice.chance(90) ? dice.below(150) : dice.below(6'000));
    event.payload = fmt::format(R"({{"writer":{},"number":{},"text":"{}"}})", writer, number, std::string(bytes, 't'));
    return event;
}

struct Bus {
    Bus(EventStore& store, const Place& place)
        : bus(store, {.name = "workers", .middleware = {journal_of(place)}}),
          handler(bus.on("thing:*", {.name = "effect"}, [](const Event& event, HandlerContext& context) {
              NewEvent effect;
              effect.type = "effect:had";
              effect.stream = event.stream;
              effect.payload = fmt::format(R"({{"of":"{}"}})", event.id);
              context.emit(std::move(effect));
              return std::string(R"({"done":true})");
          })) {}

    static std::shared_ptr<JournalMiddleware> journal_of(const Place& place) {
        constexpr JournalSync policies[] = {JournalSync::every_flush, JournalSync::on_close, JournalSync::never};
        JournalOptions options;
        options.path = place.journal().string();
        options.sync = policies[place.seed % 3];
        options.rotate_bytes = place.seed % 2 == 0 ? 4'096 : 64'000;
        options.lock_retry = std::chrono::milliseconds(0);
        return std::make_shared<JournalMiddleware>(std::move(options));
    }

    EventBus bus;
    Registration handler;
};

[[noreturn]] void fail(const std::string& what) {
    throw std::runtime_error("FOUND: " + what);
}

void require(bool holds, const std::string& what) {
    if (!holds) fail(what);
}

}  // namespace

int write_events(const Place& place, const Errand& errand, const Reporter& reporter) {
    if (errand.killed_at) test_hooks::arm(*errand.killed_at, errand.passing);
    EventStore store = EventStore::open(place.database, store_options(Access::create));
    std::optional<Bus> bus;
    if (place.with_bus) {
        if (errand.killed_at == KillPoint::after_claim) static_cast<void>(leave_unfinished(place, 1));
        bus.emplace(store, place);
        static_cast<void>(bus->bus.recover());
    }
    std::chrono::nanoseconds longest{0};
    for (std::uint64_t count = 0; count < errand.events; ++count) {
        const std::uint64_t number = errand.first_number + count;
        const auto begun = std::chrono::steady_clock::now();
        NewEvent event = event_of(place, errand.writer, number);
        const std::uint64_t seq =
            bus ? bus->bus.emit(std::move(event)).event.seq.value : store.append(std::move(event)).first_seq.value;
        longest = std::max<std::chrono::nanoseconds>(longest, std::chrono::steady_clock::now() - begun);
        reporter.say({Report::Kind::acknowledged, errand.writer, number, seq});
        if ((count & 0xff) == 0xff || count + 1 == errand.events)
            reporter.say({Report::Kind::waited, errand.writer, count + 1, static_cast<std::uint64_t>(longest.count())});
    }
    if (bus) bus->bus.close();
    bus.reset();
    store.close();
    return 0;
}

int read_events(const Place& place, const Reporter& reporter) {
    std::optional<EventStore> store;
    SystemClock clock;
    while (!store) {
        try {
            store.emplace(EventStore::open(place.database, store_options(Access::read)));
        } catch (const Error& error) {
            // The first writer may be about to make it, or was killed while it did.
            if (error.code() != ErrorCode::no_such_file && error.code() != ErrorCode::not_a_daybook &&
                error.code() != ErrorCode::busy && error.code() != ErrorCode::schema_too_old)
                throw;
            clock.sleep_for(std::chrono::milliseconds(1));
        }
    }
    simulation::Dice dice(place.seed + static_cast<std::uint64_t>(::getpid()));
    std::map<std::uint64_t, Digest> read;
    std::uint64_t last = 0;
    for (;;) {
        const Head head = store->head();
        if (head.seq.value < last) {
            reporter.say({Report::Kind::fault, 0, last, head.seq.value});
            fail(fmt::format("a reader saw seq {} and later {}", last, head.seq.value));
        }
        last = head.seq.value;
        if (last == 0) continue;
        const std::uint64_t seq = 1 + dice.below(last);
        const std::optional<Event> event = store->find(Sequence{seq});
        const auto [place_of, is_new] = read.emplace(seq, event ? event->digest : Digest{});
        if (!event || (!is_new && place_of->second != event->digest)) {
            reporter.say({Report::Kind::fault, 0, last, seq});
            fail(fmt::format("a reader found event {} gone or changed, with the head at {}", seq, last));
        }
        clock.sleep_for(std::chrono::microseconds(200));
    }
}

namespace {

void examine_events(EventStore& store, const Place& place, const Acknowledged& acknowledged) {
    std::set<std::string> ids;
    std::map<std::string, std::uint64_t> versions;
    std::map<std::uint32_t, std::uint64_t> numbers;
    std::map<std::string, std::uint64_t> effects;
    std::vector<std::pair<Sequence, std::string>> things;
    std::uint64_t seq = 0;
    Timestamp before{INT64_MIN};
    EventCursor cursor = store.read();
    while (const EventView* event = cursor.next()) {
        const std::string id(event->id);
        ++seq;
        require(event->seq.value == seq, fmt::format("a gap: event {} follows {}", event->seq.value, seq - 1));
        require(ids.insert(id).second, "twice in the log: " + id);
        require(event->version.value == ++versions[std::string(event->stream)], "a version out of order: " + id);
        require(event->recorded_at >= before, "a time that goes back: " + id);
        before = event->recorded_at;
        if (event->type == "effect:had") {
            require(event->causation_id.has_value(), "an effect without a cause: " + id);
            ++effects[std::string(*event->causation_id)];
            continue;
        }
        if (!id.starts_with('w')) continue;
        const std::size_t dash = id.find('-');
        const auto writer = static_cast<std::uint32_t>(std::stoul(id.substr(1, dash - 1)));
        const std::uint64_t number = std::stoull(id.substr(dash + 1));
        ++numbers[writer];
        require(number == numbers[writer], fmt::format("{} follows number {} of its writer", id, numbers[writer] - 1));
        const NewEvent wanted = event_of(place, writer, number);
        require(event->payload == wanted.payload && event->stream == wanted.stream, "other content: " + id);
        const auto promised = acknowledged.find({writer, number});
        require(promised == acknowledged.end() || promised->second == seq,
                fmt::format("{} was acknowledged at {} and is at {}", id,
                            promised == acknowledged.end() ? 0 : promised->second, seq));
        things.emplace_back(event->seq, id);
    }
    for (const auto& [key, at] : acknowledged)
        require(key.second <= numbers[key.first], fmt::format("LOST: w{}-{} at seq {}", key.first, key.second, at));
    if (!place.with_bus) return;
    for (const auto& [at, id] : things) {
        require(effects[id] == 1, fmt::format("{} effects of {}", effects[id], id));
        std::size_t completed = 0;
        for (const EventResult& result : store.reader().results_of(at)) {
            require(!is_terminal(result.status) || result.status == ResultStatus::completed, "an outcome of " + id);
            if (result.status == ResultStatus::completed) ++completed;
        }
        require(completed == 1, fmt::format("{} outcomes of {}", completed, id));
    }
}

}  // namespace

int examine(const Place& place, const Acknowledged& acknowledged) {
    EventStore store = EventStore::open(place.database, store_options(Access::create));
    require(store.warnings().empty(), store.warnings().empty() ? "" : store.warnings().front());
    if (place.with_bus) {
        Bus bus(store, place);
        const RecoverReport report = bus.bus.recover();
        require(report.owner_lives == 0, "an owner that was killed seems to live");
        require(bus.bus.unfinished().empty(), "unfinished work after recover()");
        static_cast<void>(bus.bus.pump());
        bus.bus.close();
        for (const FailureCount& failure : bus.bus.failures())
            require(failure.total == 0, fmt::format("{} failed: {}", failure.who, failure.last_message));
        const JournalComparison journal = compare_journal(store.reader(), place.journal());
        require(journal.ok(), journal.ok() ? "" : journal.problems.front().message);
        require(journal.notes.empty(), journal.notes.empty() ? "" : journal.notes.front());
    }
    examine_events(store, place, acknowledged);
    store.close();
    const VerifyReport report = verify(place.database);
    require(report.ok(), report.ok() ? "" : report.problems.front().code + ": " + report.problems.front().message);
    return 0;
}

int leave_unfinished(const Place& place, std::uint64_t count) {
    EventStore store = EventStore::open(place.database, store_options(Access::create));
    EventBus bus(store, {.name = "workers", .close_queue = CloseQueue::leave});
    const Registration handler = bus.on("left:*", {.name = "effect"}, [](const Event&) {});
    for (std::uint64_t number = 0; number < count; ++number) {
        NewEvent event;
        event.type = "left:behind";
        static_cast<void>(bus.post(std::move(event)));
    }
    bus.close();
    return 0;
}

int recover_at(const Place& place, int start, const Reporter& reporter) {
    EventStore store = EventStore::open(place.database, store_options(Access::read_write));
    Bus bus(store, place);
    char byte = 0;
    require(::read(start, &byte, 1) == 1, "nobody gave the start");
    const RecoverReport report = bus.bus.recover();
    reporter.say({Report::Kind::recovered, 0, report.results.size(), 0});
    bus.bus.close();
    return 0;
}

}  // namespace daybook::processes
