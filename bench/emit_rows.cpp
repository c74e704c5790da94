// Durable emits: one caller, crowds, handlers, expected versions.
#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <deque>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <daybook/bus/event_bus.hpp>
#include <daybook/store/append_ticket.hpp>
#include <daybook/store/event_store.hpp>
#include <daybook/testkit/temp_directory.hpp>

#include "bench/abxbus.hpp"
#include "bench/peers.hpp"
#include "bench/raw_crowd.hpp"
#include "bench/raw_sqlite.hpp"
#include "bench/rows.hpp"
#include "bench/setting.hpp"

namespace daybook::bench {

namespace {

NewEvent event_of(std::uint64_t stream) {
    return {.type = "bench:emitted", .payload = std::string(payload), .stream = StreamNames::name(stream)};
}

// So many threads emit through a bus with so many handlers; events a second.
double emit(Setting& setting, std::size_t threads, std::size_t handlers,
            WaitStrategy wait_strategy = WaitStrategy::blocking) {
    const testkit::TempDirectory directory;
    EventStore store =
        EventStore::open(directory / "log.db", {.access = Access::create, .wait_strategy = wait_strategy});
    std::atomic<std::uint64_t> handled{0};
    std::atomic<std::uint64_t> emitted{0};
    {
        EventBus bus(store, {.name = "bench"});
        std::vector<Registration> registrations;
        for (std::size_t number = 0; number < handlers; ++number)
            registrations.push_back(bus.on("bench:*", {.name = "handler-" + std::to_string(number)},
                                           [&](const Event&) { handled.fetch_add(1, std::memory_order_relaxed); }));
        std::vector<StreamNames> streams;
        for (std::size_t thread = 0; thread < threads; ++thread) streams.emplace_back(1000, thread << 32);
        const double rate = calls_per_second(threads, setting.time(), [&](std::size_t thread) {
            bus.emit(event_of(streams[thread].next_number()));
            emitted.fetch_add(1, std::memory_order_relaxed);
        });
        bus.close();
        require(store.head().seq.value == emitted, "the log holds what was emitted");
        require(handled == emitted * handlers, "each handler got each event");
        require(store.unfinished().empty(), "no handler is left unfinished");
        return rate;
    }
}

double raw_commits(Setting& setting, std::size_t events_each) {
    const testkit::TempDirectory directory;
    RawSqlite raw(directory / "raw.db", RawSchema::ours);
    std::uint64_t appended = 0;
    const double rate = calls_per_second(1, setting.time(), [&](std::size_t) {
        raw.append(events_each);
        appended += events_each;
    });
    require(raw.events() == appended, "the raw table holds what was inserted");
    return rate * static_cast<double>(events_each);
}

// What emits with so many handlers write, by a loop by hand: one commit with so many events and a pending row for each handler,
// one with their outcomes. Events a second.
double raw_handled(Setting& setting, std::size_t events_each, std::size_t handlers) {
    const testkit::TempDirectory directory;
    RawSqlite raw(directory / "raw.db", RawSchema::ours);
    RawStatement event(
        raw,
        "INSERT INTO events_log VALUES (?1, printf('0190163d-8694-7000-8000-%012x', ?1), 'bench:emitted',"
        " '1', 'player-17', ?1, 'engine', NULL, NULL, 1, 1, '{}', ?2, '{}', zeroblob(16), zeroblob(32),"
        " zeroblob(32))");
    RawStatement result(raw,
                        "INSERT INTO event_results_log VALUES (?1, ?2, printf('0190163d-8694-7000-8000-%012x', ?2),"
                        " 'bench', 'handler-' || ?3, 1, ?4, 'bench@0190163d-8694-7000-8000-000000000000', 0, 0, NULL,"
                        " NULL, NULL, NULL, NULL, '[]', NULL, ?2, 1, zeroblob(32))");
    RawStatement begun(raw,
                       "INSERT INTO unfinished_handlers VALUES (?1, 'bench', 'handler-' || ?2, 1,"
                       " 'bench@0190163d-8694-7000-8000-000000000000', 0, 0, 1)");
    RawStatement ended(
        raw,
        "DELETE FROM unfinished_handlers WHERE event_seq = ?1 AND bus = 'bench' AND handler = 'handler-' ||"
        " ?2 AND attempt = 1");
    const auto run = [](RawStatement& statement) {
        require(!statement.step(), "what writes has no row");
        statement.reset();
    };
    std::uint64_t seq = 0;
    std::uint64_t results = 0;
    const auto write_results = [&](std::uint64_t of, std::string_view status, RawStatement& unfinished) {
        for (std::uint64_t handler = 0; handler < handlers; ++handler) {
            result.bind(1, ++results);
            result.bind(2, of);
            result.bind(3, handler);
            result.bind(4, status);
            run(result);
            unfinished.bind(1, of);
            unfinished.bind(2, handler);
            run(unfinished);
        }
    };
    const double rate = calls_per_second(1, setting.time(), [&](std::size_t) {
        const std::uint64_t first = seq + 1;
        raw.begin();
        for (std::size_t number = 0; number < events_each; ++number) {
            event.bind(1, ++seq);
            event.bind(2, payload);
            run(event);
            write_results(seq, "pending", begun);
        }
        raw.commit();
        raw.begin();
        for (std::uint64_t of = first; of <= seq; ++of) write_results(of, "completed", ended);
        raw.commit();
    });
    require(raw.events() == seq, "the raw table holds what was inserted");
    return rate * static_cast<double>(events_each);
}

// What bounds the rows of emits with handlers.
Row raw_handlers_row(std::size_t events_each, std::size_t handlers) {
    return {.name = fmt::format("raw SQLite, {} a commit, the rows of {} handler{}", events_each, handlers,
                                handlers == 1 ? "" : "s"),
            .limit = fmt::format("raw SQLite, {} a commit", events_each),
            .unit = "events/s",
            .goal = Goal::stated,
            .measure = [events_each, handlers](Setting& setting) {
                return setting.both([&] { return raw_handled(setting, events_each, handlers); },
                                    [&] { return raw_commits(setting, events_each); });
            }};
}

std::string threads_text(std::size_t threads, WaitStrategy wait_strategy) {
    return fmt::format("{} thread{}{}", threads, threads == 1 ? "" : "s",
                       wait_strategy == WaitStrategy::yielding ? ", yielding" : "");
}

Row emit_row(std::size_t threads, WaitStrategy wait_strategy, double bound, std::optional<double> guard) {
    return {.name = "emit, " + threads_text(threads, wait_strategy),
            .limit = fmt::format("raw SQLite, {} a commit", threads),
            .unit = "events/s",
            .bound = bound,
            .guard = guard,
            .measure = [threads, wait_strategy](Setting& setting) {
                return setting.both([&] { return emit(setting, threads, 0, wait_strategy); },
                                    [&] { return raw_commits(setting, threads); });
            }};
}

constexpr const char* redis_text = "Redis XADD, appendfsync always, 64 clients";

// The caller's part of an emit: what it computes before it waits, and after (by `perf record -e cpu-clock:u` over 64 threads).
constexpr std::chrono::nanoseconds own_work_of_an_emit{2'500};

void compute_for(std::chrono::nanoseconds time) {
    const auto end = std::chrono::steady_clock::now() + time;
    while (std::chrono::steady_clock::now() < end) {
    }
}

double raw_crowd(Setting& setting, std::size_t threads, WaitStrategy wait_strategy, bool works) {
    const testkit::TempDirectory directory;
    RawCrowd crowd(directory / "raw.db", wait_strategy == WaitStrategy::yielding);
    std::atomic<std::uint64_t> appended{0};
    const double rate = calls_per_second(threads, setting.time(), [&](std::size_t) {
        if (works) compute_for(own_work_of_an_emit);
        crowd.append();
        appended.fetch_add(1, std::memory_order_relaxed);
    });
    require(crowd.events() == appended, "the raw table holds what was brought");
    return rate;
}

// What the rows of emits of several threads can be measured by: the same without an emit's work, or with as much.
Row raw_crowd_row(std::size_t threads, WaitStrategy wait_strategy, bool works) {
    return {
        .name = "raw SQLite, brought by " + threads_text(threads, wait_strategy) + (works ? ", 2.5 us of work" : ""),
        .limit = fmt::format("raw SQLite, {} a commit", threads),
        .unit = "events/s",
        .goal = Goal::stated,
        .measure = [threads, wait_strategy, works](Setting& setting) {
            return setting.both([&] { return raw_crowd(setting, threads, wait_strategy, works); },
                                [&] { return raw_commits(setting, threads); });
        }};
}

// What bounds the row of emits beside Redis, in the same way.
Row raw_crowd_beside_redis(WaitStrategy wait_strategy) {
    Row row = raw_crowd_row(64, wait_strategy, true);
    row.limit = redis_text;
    row.repetitions = 3;
    row.measure = [wait_strategy](Setting& setting) {
        return setting.both([&] { return raw_crowd(setting, 64, wait_strategy, true); },
                            [&] { return redis_appends(64, setting.time()); });
    };
    return row;
}

Row peer_row(std::string limit, WaitStrategy wait_strategy, double bound, double (*peer)(std::size_t, Seconds)) {
    return {.name = "emit, " + threads_text(64, wait_strategy),
            .limit = std::move(limit),
            .unit = "events/s",
            .bound = bound,
            .repetitions = 3,
            .measure = [wait_strategy, peer](Setting& setting) {
                return setting.both([&] { return emit(setting, 64, 0, wait_strategy); },
                                    [&] { return peer(64, setting.time()); });
            }};
}

// No goal: none of them does what an emit here does. Each says what it does instead.
Row abxbus_row(AbxbusStore store, std::size_t handlers) {
    const char* const guarantee = store == AbxbusStore::none    ? "in memory: gone with the process"
                                  : store == AbxbusStore::jsonl ? "JSONL bridge: appended to a file, no fsync"
                                                                : "SQLite bridge: a commit each, synchronous=FULL";
    return {.name = handlers == 0 ? "emit, 1 thread" : "emit, 1 handler, 1 thread",
            .limit = fmt::format("abxbus, {}", guarantee),
            .unit = "events/s",
            .goal = Goal::stated,
            .repetitions = 3,
            .measure = [store, handlers](Setting& setting) {
                return setting.both([&] { return emit(setting, 1, handlers); },
                                    [&] { return abxbus_emits(store, handlers, setting.time()); });
            }};
}

Row handlers_row(std::size_t threads, std::size_t handlers, double bound, std::optional<double> guard) {
    return {.name = fmt::format("emit, {} handler{}, {} thread{}", handlers, handlers == 1 ? "" : "s", threads,
                                threads == 1 ? "" : "s"),
            .limit = "the same without handlers",
            .unit = "events/s",
            .bound = bound,
            .guard = guard,
            .measure = [threads, handlers](Setting& setting) {
                return setting.both([&] { return emit(setting, threads, handlers); },
                                    [&] { return emit(setting, threads, 0); });
            }};
}

// 64 threads append to 1,000 streams, each to its own: with the version that it expects, or without.
double append_to_streams(Setting& setting, bool expects) {
    constexpr std::size_t threads = 64;
    constexpr std::uint64_t streams_each = 1000 / threads;
    const testkit::TempDirectory directory;
    EventStore store = EventStore::open(directory / "log.db", {.access = Access::create});
    struct Own {
        std::uint64_t next = 0;
        std::vector<std::uint64_t> versions = std::vector<std::uint64_t>(streams_each);
    };
    std::vector<Own> own(threads);
    const double rate = calls_per_second(threads, setting.time(), [&](std::size_t thread) {
        Own& mine = own[thread];
        const std::uint64_t index = mine.next++ % streams_each;
        const auto expected =
            expects ? ExpectedVersion::exactly(Version{mine.versions[index]}) : ExpectedVersion::any();
        store.append(event_of(thread * streams_each + index), expected);
        ++mine.versions[index];
    });
    std::uint64_t appended = 0;
    for (const Own& mine : own) appended += mine.next;
    require(store.head().seq.value == appended, "the log holds what was appended");
    require(store.stream_version(StreamNames::name(0)).value == own[0].versions[0],
            "a stream has the versions expected");
    return rate;
}

// One thread appends without waiting, thousands in flight; events a second.
double append_later(Setting& setting, bool with_thread) {
    constexpr std::size_t in_flight = 4'000;
    const testkit::TempDirectory directory;
    EventStore store = EventStore::open(directory / "log.db", {.access = Access::create, .commit_thread = with_thread});
    StreamNames streams(1000);
    std::deque<AppendTicket> tickets;
    std::uint64_t appended = 0;
    const auto take = [&] {
        require(std::get<Appended>(tickets.front().get()).first_seq.value == ++appended, "appends keep their order");
        tickets.pop_front();
    };
    const double rate = calls_per_second(1, setting.time(), [&](std::size_t) {
        tickets.push_back(store.append_later({.events = {event_of(streams.next_number())}}));
        if (tickets.size() == in_flight) take();
    });
    while (!tickets.empty()) take();
    require(store.head().seq.value == appended, "the log holds what was appended");
    return rate;
}

// What a handler costs in memory: from one handler to the next of the same event. All of them do nothing.
Sample dispatch(Setting& setting) {
    constexpr std::size_t handlers = 100;
    const testkit::TempDirectory directory;
    EventStore store = EventStore::open(directory / "log.db", {.access = Access::create});
    EventBus bus(store, {.name = "bench"});
    using Clock = std::chrono::steady_clock;
    Clock::time_point first;
    Clock::time_point last;
    std::uint64_t runs = 0;
    std::vector<Registration> registrations;
    for (std::size_t number = 0; number < handlers; ++number)
        registrations.push_back(
            bus.on("bench:*", {.name = "handler-" + std::to_string(number)}, [&, number](const Event&) {
                if (number == 0) first = Clock::now();
                if (number + 1 == handlers) last = Clock::now();
                ++runs;
            }));
    std::vector<double> nanoseconds;
    const std::uint64_t emits = setting.count(200);
    for (std::uint64_t n = 0; n < emits; ++n) {
        bus.emit(event_of(n));
        nanoseconds.push_back(std::chrono::duration<double, std::nano>(last - first).count() / (handlers - 1));
    }
    bus.close();
    require(runs == emits * handlers, "each handler got each event");
    return {.ours = median(nanoseconds) / 1000};
}

}  // namespace

std::vector<Row> emit_rows() {
    std::vector<Row> rows;
    rows.push_back(emit_row(1, WaitStrategy::blocking, 0.95, 0.45));
    for (const WaitStrategy wait_strategy : {WaitStrategy::blocking, WaitStrategy::yielding}) {
        const bool is_default = wait_strategy == WaitStrategy::blocking;
        rows.push_back(emit_row(4, wait_strategy, 0.85, is_default ? 0.36 : 0.4));
        rows.push_back(emit_row(16, wait_strategy, 0.85, is_default ? 0.33 : 0.38));
        rows.push_back(emit_row(64, wait_strategy, 0.9, is_default ? 0.27 : 0.32));
        for (const std::size_t threads : {std::size_t{4}, std::size_t{16}, std::size_t{64}})
            for (const bool works : {false, true}) rows.push_back(raw_crowd_row(threads, wait_strategy, works));
        rows.push_back(peer_row(redis_text, wait_strategy, 1.7, redis_appends));
        rows.push_back(raw_crowd_beside_redis(wait_strategy));
        rows.push_back(peer_row("PostgreSQL, synchronous_commit=on, 64 clients", wait_strategy, 5, postgres_appends));
    }
    for (const AbxbusStore store : {AbxbusStore::none, AbxbusStore::jsonl, AbxbusStore::sqlite})
        for (const std::size_t handlers : {std::size_t{0}, std::size_t{1}}) rows.push_back(abxbus_row(store, handlers));
    rows.push_back(handlers_row(1, 1, 0.45, 0.23));
    rows.push_back(handlers_row(1, 10, 0.4, {}));
    rows.push_back(handlers_row(64, 1, 0.5, {}));
    rows.push_back(raw_handlers_row(1, 1));
    rows.push_back(raw_handlers_row(1, 10));
    rows.push_back(raw_handlers_row(64, 1));
    for (const bool with_thread : {false, true})
        rows.push_back({.name = fmt::format("append without waiting, 1 thread{}", with_thread ? ", commit thread" : ""),
                        .limit = "raw SQLite, 1,000 a commit",
                        .unit = "events/s",
                        .goal = with_thread ? Goal::at_least : Goal::stated,
                        .bound = 1,
                        .guard = with_thread ? std::optional<double>(0.44) : std::nullopt,
                        .measure = [with_thread](Setting& setting) {
                            return setting.both([&] { return append_later(setting, with_thread); },
                                                [&] { return raw_commits(setting, 1000); });
                        }});
    rows.push_back({.name = "append with expected version, 64 threads",
                    .limit = "the same unconditional",
                    .unit = "events/s",
                    .bound = 0.9,
                    .guard = 0.5,
                    .measure = [](Setting& setting) {
                        return setting.both([&] { return append_to_streams(setting, true); },
                                            [&] { return append_to_streams(setting, false); });
                    }});
    rows.push_back({.name = "dispatch to an inline handler, in memory",
                    .limit = "",
                    .unit = "us",
                    .goal = Goal::at_most,
                    .bound = 1,
                    .measure = dispatch});
    return rows;
}

}  // namespace daybook::bench
