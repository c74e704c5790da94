#include "processes/worker.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>
#include <vector>

#include <daybook/event/error.hpp>
#include <daybook/interchange/journal_reader.hpp>

#include "processes/examiner.hpp"
#include "simulation/dice.hpp"

namespace daybook::processes {

namespace {

using test_hooks::KillPoint;

void prepare(const Place& place, const Errand& errand) {
    test_hooks::plant(place.bug);
    if (errand.killed_at) test_hooks::arm(*errand.killed_at, errand.passing);
}

std::vector<Report> reports_of(const Errand& errand, std::uint64_t first_number, const std::vector<Event>& events) {
    std::vector<Report> reports;
    for (const Event& event : events)
        reports.push_back({.kind = Report::Kind::acknowledged,
                           .who = errand.writer,
                           .number = first_number + reports.size(),
                           .seq = event.seq.value,
                           .version = event.version.value,
                           .digest = event.digest});
    return reports;
}

// One life's way to write. Thread-safety: one thread at a time.
class Pen {
  public:
    Pen(EventStore& store, WorkBus* work, const Place& place, const Errand& errand, const Reporter& reporter)
        : store_(store), work_(work), place_(place), errand_(errand), reporter_(reporter) {}

    void write(std::vector<NewEvent> events, std::uint64_t first_number) {
        told_ = false;
        const auto begun = std::chrono::steady_clock::now();
        const std::vector<Event> committed =
            work_ != nullptr ? emit(std::move(events)) : append(std::move(events), first_number);
        longest_ = std::max<std::chrono::nanoseconds>(longest_, std::chrono::steady_clock::now() - begun);
        if (!told_) reporter_.say(reports_of(errand_, first_number, committed));
    }
    [[nodiscard]] std::chrono::nanoseconds longest() const { return longest_; }

  private:
    std::vector<Event> append(std::vector<NewEvent> events, std::uint64_t first_number) {
        AppendRequest request;
        request.events = std::move(events);
        request.return_events = true;
        if (place_.told_as_durable)
            request.on_durable = [&](const Appended& appended) {
                reporter_.say(reports_of(errand_, first_number, appended.events));
                told_ = true;
            };
        return store_.append(std::move(request)).events;
    }
    std::vector<Event> emit(std::vector<NewEvent> events) {
        std::vector<Event> committed;
        for (Emitted& emitted : work_->bus().emit_all(std::move(events))) {
            require(emitted.outcome_error.empty(), [&] { return "no outcome: " + emitted.outcome_error; });
            committed.push_back(std::move(emitted.event));
        }
        return committed;
    }

    EventStore& store_;
    WorkBus* work_;
    const Place& place_;
    const Errand& errand_;
    const Reporter& reporter_;
    bool told_ = false;
    std::chrono::nanoseconds longest_{0};
};

// The number of a thread's writer: no other process's thread has it.
std::uint32_t writer_of(const Errand& errand, std::size_t thread) {
    constexpr std::uint32_t processes_max = 10;
    return errand.writer + processes_max * static_cast<std::uint32_t>(thread);
}

void write_as(Pen& pen, const Place& place, const Errand& errand, const Oracle& oracle) {
    std::uint64_t number = oracle.last_acknowledged(errand.writer) + 1;
    for (std::uint64_t count = 0; count < errand.appends; ++count) {
        std::vector<NewEvent> batch = batch_at(place, errand.writer, number);
        const std::size_t size = batch.size();
        pen.write(std::move(batch), number);
        number += size;
    }
}

EventStore open_for_reading(const Place& place, const Oracle& oracle) {
    SystemClock clock;
    for (;;) {
        try {
            return EventStore::open(place.database, store_options(place, 0, Access::read));
        } catch (const Error& error) {
            // Somebody recovers it just now; or the first writer is about to make it, or was killed while it did.
            const bool not_made_yet = oracle.seen().empty() && (error.code() == ErrorCode::no_such_file ||
                                                                error.code() == ErrorCode::not_a_daybook ||
                                                                error.code() == ErrorCode::schema_too_old);
            if (error.code() != ErrorCode::busy && !not_made_yet) throw;
            clock.sleep_for(std::chrono::milliseconds(1));
        }
    }
}

}  // namespace

int write_events(const Place& place, const Errand& errand, const Oracle& oracle, const Reporter& reporter) {
    prepare(place, errand);
    EventStore store = EventStore::open(place.database, store_options(place, errand.writer, Access::create));
    reporter.say({.kind = Report::Kind::opened});
    require(store.warnings().empty(), [&] { return store.warnings().front(); });
    if (errand.looks_first) static_cast<void>(check_events(store.reader(), place, oracle));
    std::optional<WorkBus> work;
    if (place.with_bus) {
        if (errand.killed_at == KillPoint::after_claim) static_cast<void>(leave_unfinished(place, 1, {}, reporter));
        work.emplace(store, place, reporter);
        // Only its writer knows when it rests.
        if (errand.looks_first && !work->journal().status().stands_by) {
            const JournalComparison journal = compare_journal(store.reader(), place.journal());
            require(journal.ok(), [&] { return journal.problems.front().message; });
        }
        const RecoverReport recovered = work->bus().recover();
        for (const EventResult& result : recovered.results)
            require(result.status == ResultStatus::completed,
                    [&] { return "a handler that was run again failed: " + result.error_message.value_or(""); });
    }
    Pen pen(store, work ? &*work : nullptr, place, errand, reporter);
    std::vector<std::thread> others;
    others.reserve(place.threads);
    for (std::size_t thread = 1; thread < place.threads; ++thread)
        others.emplace_back([&, thread] {
            Errand own = errand;
            own.writer = writer_of(errand, thread);
            Pen its_pen(store, work ? &*work : nullptr, place, own, reporter);
            write_as(its_pen, place, own, oracle);
        });
    write_as(pen, place, errand, oracle);
    for (std::thread& other : others) other.join();
    reporter.say({.kind = Report::Kind::waited,
                  .number = errand.appends,
                  .nanoseconds = static_cast<std::uint64_t>(pen.longest().count())});
    if (work) work->close();
    work.reset();
    store.close();
    return 0;
}

int read_events(const Place& place, const Oracle& oracle, const Reporter& reporter) {
    EventStore store = open_for_reading(place, oracle);
    static_cast<void>(check_events(store.reader(), place, oracle));
    reporter.say({.kind = Report::Kind::opened});
    simulation::Dice dice(place.seed + static_cast<std::uint64_t>(::getpid()));
    std::vector<Digest> read;
    std::uint64_t head_before = 0;
    SubscriptionOptions options;
    options.poll_interval = std::chrono::milliseconds(5);
    Subscription subscription = store.subscribe(options);
    for (;;) {
        const Head head = store.head();
        require(head.seq.value >= head_before,
                [&] { return fmt::format("a reader saw seq {} and later {}", head_before, head.seq.value); });
        head_before = head.seq.value;
        const EventView* const event = subscription.next(std::chrono::milliseconds(50));
        if (event == nullptr) continue;
        const std::uint64_t seq = event->seq.value;
        const Digest digest = event->digest;
        require(seq == read.size() + 1,
                [&] { return fmt::format("a reader was given event {} after {}", seq, read.size()); });
        require(seq != head.seq.value || digest == head.digest,
                [&] { return fmt::format("a reader saw another head than event {}", seq); });
        read.push_back(digest);
        if (seq > oracle.last_seen()) reporter.say({.kind = Report::Kind::seen, .seq = seq, .digest = digest});
        if (!dice.chance(20)) continue;
        const std::uint64_t again = 1 + dice.below(seq);
        const std::optional<Event> same = store.find(Sequence{again});
        require(same && same->digest == read[static_cast<std::size_t>(again - 1)],
                [&] { return fmt::format("a reader found event {} gone or changed", again); });
    }
}

int leave_unfinished(const Place& place, std::uint64_t count, const Errand& errand, const Reporter& reporter) {
    prepare(place, errand);
    EventStore store = EventStore::open(place.database, store_options(place, errand.writer, Access::create));
    EventBus bus(store, {.name = "workers", .close_queue = CloseQueue::leave});
    // As WorkBus's, under whose name it is run again.
    const Registration handler = bus.on("left:*", {.name = "effect"}, [&](const Event& event, HandlerContext& context) {
        reporter.say({.kind = Report::Kind::ran,
                      .who = WorkBus::effect,
                      .number = context.attempt(),
                      .seq = event.seq.value,
                      .digest = event.digest});
        for (NewEvent& effect : effects_of(event.id, event.stream)) context.emit(std::move(effect));
    });
    for (std::uint64_t number = 0; number < count; ++number) {
        NewEvent event;
        event.type = "left:behind";
        static_cast<void>(bus.post(std::move(event)));
    }
    if (errand.killed_at) bus.drain();
    bus.close();
    return 0;
}

int recover_at(const Place& place, int start, const Errand& errand, const Reporter& reporter) {
    EventStore store = EventStore::open(place.database, store_options(place, errand.writer, Access::read_write));
    WorkBus work(store, place, reporter);
    prepare(place, errand);
    reporter.say({.kind = Report::Kind::opened});
    char byte = 0;
    require(::read(start, &byte, 1) == 1, [] { return std::string("nobody gave the start"); });
    const RecoverReport report = work.bus().recover();
    reporter.say({.kind = Report::Kind::recovered, .number = report.results.size()});
    work.close();
    return 0;
}

}  // namespace daybook::processes
