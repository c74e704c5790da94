#include "crash/interleaving.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <map>
#include <set>
#include <tuple>
#include <utility>
#include <variant>

#include <daybook/event/error.hpp>
#include <daybook/store/append_ticket.hpp>
#include <daybook/store/event_store.hpp>
#include <daybook/store/verify.hpp>

#include "simulation/crash_images.hpp"
#include "simulation/simulated_machine.hpp"
#include "store/connection.hpp"

namespace daybook::crash {

namespace {

using simulation::CrashPoint;
using simulation::Dice;
using simulation::DiskImage;
using simulation::Schedule;
using simulation::Scheduler;
using simulation::SimulatedMachine;
using simulation::SwitchingClock;

// What anybody was told of the log. It never changes: a seq has one event, an id one seq, and the head never goes back.
class History {
  public:
    /// An event with a content that can be told from every other's; under `id` it is always the same.
    NewEvent make(const std::string& id, std::size_t text_bytes, std::uint64_t stream) {
        const auto [place, is_new] = made_.try_emplace(id);
        if (!is_new) return place->second;
        NewEvent& event = place->second;
        event.id = id;
        event.type = fmt::format("thing:{}", made_.size() % 3);
        event.stream = fmt::format("stream-{}", stream);
        event.payload = fmt::format(R"({{"n":{},"text":"{}"}})", made_.size(),
                                    std::string(text_bytes, static_cast<char>('a' + made_.size() % 26)));
        return event;
    }
    /// One that was acknowledged; none when there is none yet.
    [[nodiscard]] std::optional<NewEvent> acknowledged_event(Dice& dice) const {
        if (acknowledged_ids_.empty()) return std::nullopt;
        return made_.at(acknowledged_ids_[static_cast<std::size_t>(dice.below(acknowledged_ids_.size()))]);
    }

    /// The store said, or showed, that this event is in the log.
    void know(Sequence seq, std::string_view id, const Digest& digest) {
        const auto [place, is_new] = events_.try_emplace(seq.value, Known{std::string(id), digest});
        if (!is_new && (place->second.id != id || place->second.digest != digest))
            fail("seq {} was event {}, now it is {}", seq.value, place->second.id, id);
        const auto [other, is_new_id] = places_.try_emplace(std::string(id), seq.value);
        if (!is_new_id && other->second != seq.value)
            fail("event {} was at seq {}, now it is at {}", id, other->second, seq.value);
    }
    void know_content(std::uint64_t seq, std::string_view id, std::string_view type, std::string_view stream,
                      std::string_view payload, const Digest& digest) {
        const auto found = made_.find(std::string(id));
        if (found == made_.end()) return fail("invented: nobody appended event {} at seq {}", id, seq);
        const NewEvent& given = found->second;
        if (given.type != type || given.stream != stream || given.payload != payload)
            fail("event {} at seq {} has another content than was given", id, seq);
        know(Sequence{seq}, id, digest);
    }
    void know_result(std::uint64_t seq, const Digest& digest) {
        const auto [place, is_new] = results_.try_emplace(seq, digest);
        if (!is_new && place->second != digest) fail("result {} is another one now", seq);
    }
    void acknowledge(const std::string& id, std::uint64_t seq, bool survives_power_loss) {
        acknowledged_ids_.push_back(id);
        acknowledged_ = std::max(acknowledged_, seq);
        if (survives_power_loss) durable_ = std::max(durable_, seq);
    }
    void acknowledge_result(std::uint64_t seq, bool survives_power_loss) {
        acknowledged_results_ = std::max(acknowledged_results_, seq);
        if (survives_power_loss) durable_results_ = std::max(durable_results_, seq);
    }
    void acknowledge_checkpoint(std::uint64_t seq, bool survives_power_loss) {
        checkpoint_ = std::max(checkpoint_, seq);
        if (survives_power_loss) durable_checkpoint_ = std::max(durable_checkpoint_, seq);
    }
    /// Somebody was shown a log that ends at `seq`.
    void show(std::uint64_t seq, bool survives_power_loss) {
        acknowledged_ = std::max(acknowledged_, seq);
        if (survives_power_loss) durable_ = std::max(durable_, seq);
    }
    /// Whoever asks from now on must be shown at least this seq.
    [[nodiscard]] std::uint64_t reached() const noexcept { return acknowledged_; }

    void claim(const Unfinished& work) {
        if (!claims_.emplace(work.event_seq.value, work.bus, work.handler, work.attempt).second)
            fail("attempt {} of {} for event {} was claimed twice", work.attempt, work.handler, work.event_seq.value);
    }

    /// After a power loss that may have taken what was not synced: the log ends at `head` now.
    void forget_what_follows(const Head& head) {
        for (auto place = events_.upper_bound(head.seq.value); place != events_.end(); place = events_.erase(place))
            places_.erase(place->second.id);
        results_.erase(results_.upper_bound(head.result_seq.value), results_.end());
    }
    /// The power was cut: only what was promised to survive that is asked for.
    void forget_what_may_be_lost() {
        acknowledged_ = durable_;
        acknowledged_results_ = durable_results_;
        checkpoint_ = durable_checkpoint_;
    }
    [[nodiscard]] std::uint64_t results_reached() const noexcept { return acknowledged_results_; }
    [[nodiscard]] std::uint64_t checkpoint_reached() const noexcept { return checkpoint_; }

    template <typename... Values>
    void fail(fmt::format_string<Values...> text, Values&&... values) {
        if (fault_.empty()) fault_ = fmt::format(text, std::forward<Values>(values)...);
    }
    [[nodiscard]] const std::string& fault() const noexcept { return fault_; }

  private:
    struct Known {
        std::string id;
        Digest digest;
    };
    std::map<std::string, NewEvent> made_;
    std::map<std::uint64_t, Known> events_;
    std::map<std::string, std::uint64_t> places_;
    std::map<std::uint64_t, Digest> results_;
    std::vector<std::string> acknowledged_ids_;
    std::set<std::tuple<std::uint64_t, std::string, std::string, std::uint32_t>> claims_;
    std::uint64_t acknowledged_ = 0;
    std::uint64_t durable_ = 0;
    std::uint64_t acknowledged_results_ = 0;
    std::uint64_t durable_results_ = 0;
    std::uint64_t checkpoint_ = 0;
    std::uint64_t durable_checkpoint_ = 0;
    std::string fault_;
};

// What a seed has chosen for all lives of the machine.
struct Plan {
    std::size_t writers = 2;
    std::size_t readers = 0;
    std::size_t steps_max = 6;
    std::size_t checkpoint_pages = 10;
    bool plain = false;
    std::vector<Durability> durability;  // by writer
    bool all_full = true;
};

struct Life {
    SimulatedMachine& machine;
    std::shared_ptr<SwitchingClock> clock;
    Scheduler& scheduler;
    const Plan& plan;
    History& history;
    std::uint64_t number = 0;

    [[nodiscard]] bool is_over() const noexcept { return scheduler.is_dead(); }
    [[nodiscard]] StoreOptions options(Durability durability, std::uint64_t seed) const {
        StoreOptions made = machine.options(durability, seed);
        made.clock = clock;
        made.checkpoint_pages = plan.checkpoint_pages;
        made.page_events = 3 + seed % 20;
        return made;
    }
};

// Runs a program; an error that no dead machine explains is a fault.
template <typename Body>
void run_program(Life& life, std::string_view who, const Body& body) {
    try {
        body();
    } catch (const std::exception& error) {
        if (!life.is_over()) life.history.fail("{} met an error: {}", who, error.what());
    }
}

class Writer {
  public:
    Writer(Life& life, std::size_t number, std::uint64_t seed)
        : life_(life),
          number_(number),
          durability_(life.plan.durability[number]),
          is_full_(durability_ == Durability::full),
          seed_(seed),
          dice_(seed) {}

    void run() {
        open();
        const std::uint64_t steps = 1 + dice_.below(life_.plan.steps_max);
        for (std::uint64_t step = 0; step < steps && !life_.is_over(); ++step) take_step();
        close();
    }

  private:
    void open() {
        store_.emplace(EventStore::open(simulation::log_path, life_.options(durability_, seed_ + ++opened_)));
        if (life_.is_over()) return;
        for (const std::string& warning : store_->warnings()) life_.history.fail("writer was warned: {}", warning);
        if (!life_.plan.plain) owner_ = store_->hold_owner_lock();
    }

    void close() {
        unfinished_.clear();
        owner_.reset();
        store_->close();
        store_.reset();
    }

    NewEvent make_event() {
        const std::size_t text_bytes = static_cast<std::size_t>(life_.plan.plain   ? dice_.below(2500)
                                                                : dice_.chance(60) ? dice_.below(150)
                                                                                   : dice_.below(2500));
        return life_.history.make(fmt::format("event-{}-{}-{}", life_.number, number_, ++made_), text_bytes,
                                  dice_.below(3));
    }

    void append(AppendRequest request) {
        request.return_events = true;
        const std::uint64_t before = life_.history.reached();
        take(store_->try_append(std::move(request)), before);
    }

    void take(const AppendOutcome& outcome, std::uint64_t before) {
        if (life_.is_over()) return;
        if (const auto* const conflict = std::get_if<IdempotencyConflict>(&outcome))
            return life_.history.fail("{}", conflict->message());
        const auto* const appended = std::get_if<Appended>(&outcome);
        if (appended == nullptr) return;  // of the expected version: it may have become stale
        if (!appended->already_appended() && appended->first_seq.value <= before)
            life_.history.fail("seq {} was given when {} had been", appended->first_seq.value, before);
        for (const Event& event : appended->events) {
            life_.history.know(event.seq, event.id, event.digest);
            // What is there already may be another store's that is not durable yet: this answer promises nothing more
            // than the log does.
            life_.history.acknowledge(event.id, event.seq.value, is_full_ && life_.plan.all_full);
        }
        if (is_full_ && !appended->already_appended()) {
            for (const Event& event : appended->events) life_.history.acknowledge(event.id, event.seq.value, true);
        }
        for (const EventResult& row : appended->pending) {
            life_.history.know_result(row.result_seq.value, row.digest);
            life_.history.acknowledge_result(row.result_seq.value, is_full_);
            unfinished_.push_back({.event_id = row.event_id,
                                   .bus = row.bus,
                                   .handler = row.handler,
                                   .attempt = row.attempt,
                                   .status = ResultStatus::completed,
                                   .owner = row.owner});
        }
    }

    // Queued, and waited for afterwards; or not at all, and committed by whatever comes next.
    void append_later(std::uint64_t count) {
        const std::uint64_t before = life_.history.reached();
        std::vector<AppendTicket> tickets;
        for (std::uint64_t number = 0; number < count; ++number) {
            AppendRequest request{.events = {make_event()}};
            request.return_events = true;
            tickets.push_back(store_->append_later(std::move(request)));
            if (life_.is_over()) return;
        }
        if (dice_.chance(50)) std::reverse(tickets.begin(), tickets.end());
        if (dice_.chance(30)) tickets.pop_back();
        for (AppendTicket& ticket : tickets) {
            const AppendOutcome outcome = ticket.get();
            if (life_.is_over()) return;
            take(outcome, before);
        }
    }

    void append_new(std::uint64_t count) {
        AppendRequest request;
        for (std::uint64_t number = 0; number < count; ++number) request.events.push_back(make_event());
        if (owner_ && dice_.chance(30))
            request.pending.push_back({.event_index = 0, .bus = "bus", .handler = "handler", .owner = owner_->name()});
        append(std::move(request));
    }

    void append_expecting() {
        NewEvent event = make_event();
        const Version version = store_->stream_version(event.stream);
        const auto expected = ExpectedVersion::exactly(version);
        append({.events = {event}, .expectations = {{event.stream, expected}}});
    }

    // Under an id that other writers use for the same event at the same time: one of them appends it.
    void append_shared() {
        const std::uint64_t which = dice_.below(3);
        append({.events = {life_.history.make(fmt::format("shared-{}-{}", life_.number, which), which * 700, which)}});
    }

    void append_again() {
        if (std::optional<NewEvent> event = life_.history.acknowledged_event(dice_)) {
            const std::uint64_t before = life_.history.reached();
            const Appended appended = store_->append(std::move(*event));
            if (life_.is_over()) return;
            if (!appended.already_appended())
                life_.history.fail("lost: event {} was acknowledged, and was appended again as seq {} ({} had been)",
                                   appended.ids.front(), appended.first_seq.value, before);
        }
    }

    void finish_some() {
        if (unfinished_.empty()) return;
        std::vector<NewResult> rows;
        rows.push_back(std::move(unfinished_.back()));
        unfinished_.pop_back();
        for (const EventResult& row : store_->append_results(std::move(rows))) {
            if (life_.is_over()) return;
            life_.history.know_result(row.result_seq.value, row.digest);
            life_.history.acknowledge_result(row.result_seq.value, is_full_);
        }
    }

    void claim_some() {
        for (const Unfinished& work : store_->unfinished()) {
            if (!work.owner_is_gone) continue;
            const std::optional<EventResult> claimed = store_->claim(work, *owner_);
            if (life_.is_over()) return;
            if (!claimed) continue;
            life_.history.claim(work);
            life_.history.know_result(claimed->result_seq.value, claimed->digest);
            life_.history.acknowledge_result(claimed->result_seq.value, is_full_);
            unfinished_.push_back({.event_id = claimed->event_id,
                                   .bus = claimed->bus,
                                   .handler = claimed->handler,
                                   .attempt = claimed->attempt,
                                   .status = ResultStatus::completed,
                                   .owner = claimed->owner});
            return;
        }
    }

    void save_checkpoint() {
        const std::optional<Checkpoint> kept = store_->checkpoint("reader");
        Checkpoint next;
        next.name = "reader";
        next.head = store_->head();
        try {
            store_->save_checkpoint(next, kept);
        } catch (const Error& error) {
            if (error.code() == ErrorCode::checkpoint_conflict) return;
            throw;
        }
        if (!life_.is_over()) life_.history.acknowledge_checkpoint(next.head.seq.value, is_full_);
    }

    void take_step() {
        life_.clock->advance(std::chrono::milliseconds(1));
        if (life_.plan.plain) return append_new(1);
        const std::uint64_t chosen = dice_.below(100);
        if (chosen < 44) {
            append_new(1);
        } else if (chosen < 51) {
            append_new(2 + dice_.below(4));
        } else if (chosen < 56) {
            append_later(1 + dice_.below(4));
        } else if (chosen < 61) {
            append_expecting();
        } else if (chosen < 69) {
            append_shared();
        } else if (chosen < 76) {
            append_again();
        } else if (chosen < 82) {
            finish_some();
        } else if (chosen < 85) {
            claim_some();
        } else if (chosen < 88) {
            save_checkpoint();
        } else if (chosen < 95) {
            static_cast<void>(store_->checkpoint_wal());
        } else {
            close();
            open();
        }
    }

    Life& life_;
    const std::size_t number_;
    const Durability durability_;
    const bool is_full_;
    const std::uint64_t seed_;
    Dice dice_;
    std::uint64_t opened_ = 0;
    std::uint64_t made_ = 0;
    std::optional<EventStore> store_;
    std::unique_ptr<OwnerLock> owner_;
    std::vector<NewResult> unfinished_;
};

class Reader {
  public:
    Reader(Life& life, std::uint64_t seed) : life_(life), seed_(seed), dice_(seed) {}

    void run() {
        std::optional<EventStore> store = open();
        if (!store) return;
        Subscription subscription = store->subscribe({.poll_interval = std::chrono::milliseconds(5)});
        std::uint64_t followed = 0;
        std::uint64_t last = 0;
        const std::uint64_t looks = 2 + dice_.below(6);
        for (std::uint64_t look = 0; look < looks && !life_.is_over(); ++look) {
            const std::uint64_t before = life_.history.reached();
            const Head head = store->head();
            if (life_.is_over()) return;
            if (head.seq.value < last || head.seq.value < before)
                life_.history.fail("a reader was shown seq {} after {}", head.seq.value, std::max(last, before));
            last = head.seq.value;
            life_.history.show(last, life_.plan.all_full);  // with FULL nothing is shown that is not durable
            const auto wait = std::chrono::milliseconds(dice_.chance(50) ? 0 : 3);
            while (const EventView* const event = subscription.next(wait)) {
                if (life_.is_over()) return;
                if (event->seq.value != ++followed)
                    life_.history.fail("a subscription came from seq {} to {}", followed - 1, event->seq.value);
                life_.history.know_content(event->seq.value, event->id, event->type, event->stream, event->payload,
                                           event->digest);
            }
            if (followed < last) life_.history.fail("a subscription ends at seq {} of {}", followed, last);
            if (dice_.chance(40)) life_.clock->sleep_for(std::chrono::milliseconds(1));
        }
    }

  private:
    // The log may not have been made yet.
    std::optional<EventStore> open() {
        StoreOptions options = life_.options(Durability::full, seed_);
        options.access = Access::read;
        for (int attempt = 0; attempt < 20 && !life_.is_over(); ++attempt) {
            const bool is_made = life_.history.reached() > 0;  // before it looks: what is made meanwhile may be missed
            try {
                EventStore store = EventStore::open(simulation::log_path, options);
                for (const std::string& warning : store.warnings())
                    life_.history.fail("a reader was warned: {}", warning);
                return store;
            } catch (const Error& error) {
                const bool is_new = error.code() == ErrorCode::no_such_file || error.code() == ErrorCode::not_a_daybook;
                if (!is_new || is_made) throw;
            }
            life_.clock->sleep_for(std::chrono::milliseconds(1));
        }
        return std::nullopt;
    }

    Life& life_;
    const std::uint64_t seed_;
    Dice dice_;
};

// What may be left of a machine whose power is cut now, one of the many states.
DiskImage power_loss(const SimulatedMachine& machine, std::size_t operations, Dice& dice) {
    CrashPoint point(machine.disk.base(), machine.disk.log());
    while (point.position() < operations && point.advance()) {
    }
    using Fate = CrashPoint::Fate;
    const unsigned kept_percent = dice.chance(30) ? 0 : dice.chance(40) ? 100 : 50;
    std::vector<Fate> fates(point.pieces());
    for (Fate& fate : fates) {
        fate = dice.chance(kept_percent) ? Fate::whole : Fate::lost;
        if (dice.chance(10)) fate = static_cast<Fate>(static_cast<int>(Fate::head) + static_cast<int>(dice.below(3)));
    }
    return point.image(fates, static_cast<std::size_t>(dice.below(point.unsynced_names() + 1)), dice.next());
}

// What is in the file in the end, row by row and page by page, over one connection: a tenth of what verify() costs.
void examine_rows(const SimulatedMachine& machine, History& history) {
    Connection connection(simulation::log_path, {.vfs_name = machine.vfs.name()});
    if (const auto found = connection.query_text("PRAGMA integrity_check"); found != "ok")
        return history.fail("corrupt: {}", found.value_or("no answer"));
    Statement events =
        connection.prepare("SELECT seq, event_id, type, stream, payload, digest FROM events_log ORDER BY 1");
    std::uint64_t read = 0;
    while (events.step()) {
        const std::uint64_t seq = events.unsigned_integer(0);
        if (seq != ++read) return history.fail("seq {} follows {}", seq, read - 1);
        history.know_content(seq, events.text(1), events.text(2), events.text(3), events.text(4), events.digest(5));
    }
    if (read < history.reached())
        return history.fail("lost: the log ends at seq {}, but {} was acknowledged", read, history.reached());
    Statement results = connection.prepare("SELECT result_seq, digest FROM event_results_log ORDER BY 1");
    read = 0;
    while (results.step()) {
        const std::uint64_t seq = results.unsigned_integer(0);
        if (seq != ++read) return history.fail("result {} follows {}", seq, read - 1);
        history.know_result(seq, results.digest(1));
    }
    if (read < history.results_reached())
        return history.fail("lost: the log ends at result {}, but {} was acknowledged", read,
                            history.results_reached());
    const auto kept = connection.query_integer("SELECT seq FROM checkpoints");
    if (kept.value_or(0) < static_cast<std::int64_t>(history.checkpoint_reached()))
        history.fail("lost: a checkpoint at seq {} was acknowledged", history.checkpoint_reached());
}

// The log after the last life of its machine: what a store makes of it that opens it alone, what is in it, and now and
// then what the verifier says.
void examine(SimulatedMachine& machine, const Plan& plan, bool reopens, bool may_have_lost, bool verifies,
             History& history) {
    StoreOptions options = machine.options(plan.durability.front(), 99);
    options.checkpoint_pages = plan.checkpoint_pages;
    if (reopens) {
        EventStore store = EventStore::open(simulation::log_path, options);
        for (const std::string& warning : store.warnings()) history.fail("after the end: {}", warning);
        const std::uint64_t before = history.reached();
        if (may_have_lost) history.forget_what_follows(store.head());
        const std::uint64_t next = store.append(history.make("after", 10, 0)).first_seq.value;
        if (next <= before)
            return history.fail("lost: the next event got seq {}, but {} was acknowledged", next, before);
        store.close();
    }
    examine_rows(machine, history);
    if (!verifies || !history.fault().empty()) return;
    VerifyOptions verifying;
    verifying.store = options;
    const VerifyReport report = verify(simulation::log_path, verifying);
    if (!report.ok()) history.fail("corrupt: {} ({})", report.problems.front().code, report.problems.front().message);
}

Plan make_plan(const InterleavingShape& shape, Dice& dice) {
    Plan plan;
    plan.plain = shape.plain;
    plan.steps_max = shape.steps_max;
    const std::uint64_t crowd = dice.below(100);
    plan.writers = shape.writers.value_or(crowd < 70 ? 2 : crowd < 92 ? 3 : 4);
    const std::uint64_t audience = dice.below(100);
    plan.readers = shape.readers.value_or(audience < 65 ? 0 : audience < 94 ? 1 : 2);
    constexpr std::array<std::size_t, 5> pages{1, 4, 8, 15, 40};
    plan.checkpoint_pages = shape.checkpoint_pages.value_or(pages[static_cast<std::size_t>(dice.below(pages.size()))]);
    const std::uint64_t durability = plan.plain ? 0 : dice.below(100);
    for (std::size_t number = 0; number < plan.writers; ++number) {
        const bool full = durability < 70 || (durability >= 85 && dice.chance(50));
        plan.durability.push_back(full ? Durability::full : Durability::normal);
        plan.all_full = plan.all_full && full;
    }
    return plan;
}

// What a run begins with: a log that somebody closed, or that grew in -wal when its machine was killed.
DiskImage make_log(std::size_t events, bool closed) {
    SimulatedMachine machine;
    DiskImage image;
    {
        EventStore store = EventStore::open(simulation::log_path, machine.options());
        History made;
        for (std::size_t number = 1; number <= events; ++number)
            static_cast<void>(store.append(made.make(fmt::format("first-{}", number), number * 37, number % 3)));
        if (!closed) image = machine.disk.seen();
        store.close();
    }
    return closed ? machine.disk.seen() : image;
}

}  // namespace

Interleavings::Interleavings(InterleavingShape shape) : shape_(shape) {
    logs_.push_back(make_log(0, true));
    logs_.push_back(make_log(12, true));
    logs_.push_back(make_log(12, false));
    logs_.push_back({});
}

InterleavingReport Interleavings::run(std::uint64_t seed) {
    Dice dice(seed * 0x9e3779b97f4a7c15 + 1);
    InterleavingReport report;
    History history;
    const Plan plan = make_plan(shape_, dice);
    const std::uint64_t begin = dice.below(100);
    const std::size_t log = begin < 40 ? 0 : begin < 75 ? 1 : begin < 94 ? 2 : 3;
    if (log == 1 || log == 2)
        for (std::size_t number = 1; number <= 12; ++number)
            static_cast<void>(history.make(fmt::format("first-{}", number), number * 37, number % 3));
    report.story =
        fmt::format("log {}, {} readers, checkpoint_pages {}, writers", log, plan.readers, plan.checkpoint_pages);
    for (const Durability durability : plan.durability)
        report.story += durability == Durability::full ? " FULL" : " NORMAL";
    auto machine = std::make_unique<SimulatedMachine>(logs_[log]);
    constexpr std::uint64_t lives_max = 3;
    bool may_have_lost = false;
    for (std::uint64_t number = 1;; ++number) {
        auto clock = std::make_shared<SwitchingClock>(machine->disk);
        Life life{*machine, clock, scheduler_, plan, history, number};
        std::vector<std::function<void()>> programs;
        for (std::size_t writer = 0; writer < plan.writers; ++writer)
            programs.emplace_back([&life, writer, chosen = dice.next()] {
                run_program(life, fmt::format("writer {}", writer), [&] { Writer(life, writer, chosen).run(); });
            });
        for (std::size_t reader = 0; reader < plan.readers; ++reader)
            programs.emplace_back([&life, reader, chosen = dice.next()] {
                run_program(life, fmt::format("reader {}", reader), [&] { Reader(life, chosen).run(); });
            });
        Schedule schedule;
        schedule.seed = dice.next();
        constexpr std::array<unsigned, 4> odds{2, 6, 12, 30};
        schedule.switch_percent = odds[static_cast<std::size_t>(dice.below(odds.size()))];
        schedule.switch_percent = shape_.switch_percent.value_or(schedule.switch_percent);
        schedule.unfetch_percent = shape_.unfetch_percent.value_or(std::max(schedule.switch_percent, 12U));
        const bool is_killed = shape_.crashes && dice.chance(45);
        if (is_killed) schedule.dies_at_call = 1 + dice.below(1 + programs.size() * 250);
        scheduler_.run(machine->disk, schedule, std::move(programs));
        report.switches += scheduler_.switches();
        report.story += fmt::format("; {} calls, switches at {} %", scheduler_.calls(), schedule.switch_percent);
        if (scheduler_.is_stuck()) history.fail("stuck: {} calls, and not all have ended", scheduler_.calls());
        if (!history.fault().empty()) break;
        if (scheduler_.is_dead()) {
            ++report.crashes;
            const bool power_stays = dice.chance(50);
            report.story += power_stays ? ", killed" : ", power cut";
            if (power_stays) {
                std::vector<simulation::Operation> recorded = machine->disk.log();
                recorded.resize(scheduler_.operations());
                machine = std::make_unique<SimulatedMachine>(machine->disk.base(), std::move(recorded));
            } else {
                history.forget_what_may_be_lost();
                machine = std::make_unique<SimulatedMachine>(power_loss(*machine, scheduler_.operations(), dice));
                may_have_lost = !plan.all_full;
                if (may_have_lost) break;  // what is known may be more than what comes back
            }
            if (number < lives_max && dice.chance(25)) continue;
        }
        break;
    }
    if (history.fault().empty()) {
        try {
            const bool reopens = report.crashes > 0 || dice.chance(15);
            const bool verifies = dice.chance(8);
            report.verified = verifies;
            examine(*machine, plan, reopens, may_have_lost, verifies, history);
        } catch (const std::exception& error) {
            history.fail("after the end: {}", error.what());
        }
    }
    report.events = history.reached();
    report.fault = history.fault();
    return report;
}

}  // namespace daybook::crash
