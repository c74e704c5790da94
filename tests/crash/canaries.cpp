#include "crash/canaries.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <daybook/event/error.hpp>
#include <daybook/store/event_store.hpp>
#include <daybook/store/verify.hpp>

#include "simulation/crash_images.hpp"
#include "simulation/dice.hpp"
#include "simulation/simulated_machine.hpp"
#include "store/event_store_impl.hpp"

namespace daybook::crash {

namespace {

using simulation::Call;
using simulation::CrashPoint;
using simulation::DiskImage;
using simulation::SimulatedMachine;

// SQLite as a program uses it that knows nothing of these bugs.
class Raw {
  public:
    explicit Raw(SimulatedMachine& machine) {
        if (sqlite3_open_v2(simulation::log_path.c_str(), &db_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
                            machine.vfs.name().c_str()) != SQLITE_OK)
            throw std::runtime_error("SQLite does not open the simulated file");
        run("PRAGMA journal_mode = WAL");
        run("PRAGMA synchronous = FULL");
        run("PRAGMA wal_autocheckpoint = 0");
    }
    ~Raw() { sqlite3_close(db_); }
    Raw(const Raw&) = delete;
    Raw& operator=(const Raw&) = delete;

    void run(const std::string& sql) {
        if (sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
            throw std::runtime_error(fmt::format("{}: {}", sql, sqlite3_errmsg(db_)));
    }
    [[nodiscard]] std::string text(const std::string& sql) {
        sqlite3_stmt* statement = nullptr;
        std::string answer;
        if (sqlite3_prepare_v2(db_, sql.c_str(), -1, &statement, nullptr) == SQLITE_OK &&
            sqlite3_step(statement) == SQLITE_ROW)
            answer = reinterpret_cast<const char*>(sqlite3_column_text(statement, 0));
        sqlite3_finalize(statement);
        return answer;
    }
    void checkpoint() { sqlite3_wal_checkpoint_v2(db_, nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr); }

  private:
    sqlite3* db_ = nullptr;
};

CanaryReport look(Raw&& connection, std::uint64_t committed) {
    CanaryReport report{.committed = committed};
    report.is_sound = connection.text("PRAGMA integrity_check") == "ok";
    report.found = std::stoull("0" + connection.text("SELECT count(*) FROM t"));
    return report;
}

// At the first xUnfetch that follows: where a checkpoint has read the wal-index's header and not used it yet.
template <typename Act>
void at_next_unfetch(SimulatedMachine& machine, Act act) {
    machine.disk.on_call = [&machine, act](Call call) {
        if (call != Call::unfetch) return;
        const auto once = act;  // the hook goes, and what it holds
        machine.disk.on_call = nullptr;
        once();
    };
}

// Its correlation is its id: that is an index which changes with each event, wherever the id belongs.
NewEvent make_event(std::string id, std::size_t text_bytes, std::string_view place = "m") {
    NewEvent event;
    event.correlation_id = id;
    event.id = std::move(id);
    event.type = place;
    event.stream = place;
    event.payload = fmt::format(R"({{"text":"{}"}})", std::string(text_bytes, 'x'));
    return event;
}

// What another process finds of the events that were acknowledged.
CanaryReport look_for(SimulatedMachine& machine, const std::set<std::string>& acknowledged) {
    CanaryReport report{.committed = acknowledged.size()};
    try {
        StoreOptions options = machine.options(Durability::full, 77);
        {
            const EventStore store = EventStore::open(simulation::log_path, options);
            EventCursor events = store.read();
            while (const EventView* const event = events.next())
                if (acknowledged.contains(std::string(event->id))) ++report.found;
        }
        VerifyOptions verifying;
        verifying.store = options;
        report.is_sound = verify(simulation::log_path, verifying).ok();
    } catch (const Error&) {
        report.is_sound = false;
    }
    return report;
}

// Time stands still. Whoever is about to queue for the group commit asks how much has passed; whoever writes events, when
// that is.
class QueueClock final : public Clock {
  public:
    [[nodiscard]] Timestamp now() override {
        ++told;
        return Timestamp{1'769'860'800'000'000'000};
    }
    [[nodiscard]] std::chrono::nanoseconds steady() override {
        ++asked;
        asked.notify_all();
        return std::chrono::nanoseconds(0);
    }
    void sleep_for(std::chrono::nanoseconds) override { std::this_thread::yield(); }

    std::atomic<std::uint64_t> asked{0};
    std::atomic<std::uint64_t> told{0};
};

constexpr std::uint64_t rows_before = 20'000;
constexpr std::uint64_t rows_after = 20;
constexpr std::size_t blob_bytes = std::size_t{4} << 20;
constexpr std::size_t small_rows = 3'000;
constexpr int longest_row = 4'500'000;  // that the connection takes

// Spread over the whole index, so that each transaction touches pages everywhere.
std::string scattered(std::uint64_t number) {
    simulation::Dice dice(number);
    return fmt::format("{:016x}{:016x}{:016x}{:016x}", dice.next(), dice.next(), dice.next(), dice.next());
}

// The loss needs pages that spill behind the large payloads and are changed and spilled again, and none of those that spill
// first, which are the leader's: so the one that fails stays out of the leader's leaves of every index.
class SpillRun {
  public:
    SpillRun() {
        clock_ = std::make_shared<QueueClock>();
        options_ = machine_.options();
        options_.clock = clock_;
        options_.checkpoint_pages = 1'000'000;
        options_.limits.batch_events_max = 4'000;
        options_.limits.batch_bytes_max = 16 << 20;
        options_.limits.payload_bytes_max = 5 << 20;
        fill();
    }

    CanaryReport run(End end) {
        constexpr int attempts_max = 200;
        int attempt = 0;
        while (!commit_together(++attempt))
            if (attempt == attempts_max) throw std::runtime_error("two callers never shared a transaction");
        for (std::uint64_t number = 0; number < rows_after; ++number) append("y-after-" + std::to_string(number));
        DiskImage image = machine_.disk.seen();
        if (end == End::power_loss) {
            CrashPoint point(machine_.disk.base(), machine_.disk.log());
            while (point.advance()) {
            }
            image = point.image(std::vector<CrashPoint::Fate>(point.pieces(), CrashPoint::Fate::lost), 0, 0);
        }
        SimulatedMachine after(image);
        return look_for(after, acknowledged_);
    }

  private:
    void append(std::string id) {
        static_cast<void>(store_->append(make_event(id, 20, "a")));
        acknowledged_.insert(std::move(id));
    }

    void fill() {
        EventStore store = EventStore::open(simulation::log_path, options_);
        for (std::uint64_t number = 0; number < rows_before;) {
            AppendRequest request;
            for (int row = 0; row < 1'000; ++row) {
                request.events.push_back(make_event(scattered(++number), 100));
                acknowledged_.insert(request.events.back().id);
            }
            static_cast<void>(store.append(std::move(request)));
        }
        AppendRequest request;  // between the scattered ids and those of single events
        for (int row = 0; row < 500; ++row) request.events.push_back(make_event(fmt::format("x-{:060}", row), 20));
        static_cast<void>(store.append(std::move(request)));
        store.close();
    }

    // Two large payloads, many small ones, and among the last of them one that is longer than the connection takes.
    [[nodiscard]] static AppendRequest failing() {
        AppendRequest request;
        for (std::uint64_t row = 0; row < small_rows; ++row) {
            if (row == 100 || row == 101)
                request.events.push_back(make_event(scattered(2'000'000 + row), blob_bytes, "z"));
            const std::size_t text_bytes = row == small_rows - 50 ? longest_row : 100;
            request.events.push_back(make_event(scattered(1'000'000 + row), text_bytes, "z"));
        }
        return request;
    }

    // The first caller leads, and is held up until the others are queued behind it. True when the one that fails was
    // served in the leader's transaction.
    bool commit_together(int attempt) {
        store_.emplace(EventStore::open(simulation::log_path, options_));
        sqlite3_limit(store_->impl().file.connection->handle(), SQLITE_LIMIT_LENGTH, longest_row);
        std::vector<std::thread> others;
        std::atomic<bool> failed{false};
        bool began = false;
        std::uint64_t told_before = 0;
        std::optional<std::uint64_t> written;  // how many callers' work, when the first page goes to the disk
        const auto wait_for_question = [this](std::uint64_t before) {
            clock_->asked.wait(before);
            // From there it is a few instructions to the queue; whether that was enough is seen in the end.
            for (int yields = 0; yields < 20; ++yields) std::this_thread::yield();
        };
        machine_.disk.on_call = [&](Call call) {
            if (began && call == Call::write && !written) written = clock_->told.load() - told_before;
            if (call != Call::shm_lock || std::exchange(began, true)) return;
            std::uint64_t before = clock_->asked.load();
            others.emplace_back([&, request = failing()]() mutable {
                try {
                    static_cast<void>(store_->append(std::move(request)));
                } catch (const Error&) {
                    failed = true;
                }
            });
            wait_for_question(before);
            before = clock_->asked.load();
            others.emplace_back(
                [&] { static_cast<void>(store_->append(make_event(fmt::format("y-last-{}", attempt), 20, "a"))); });
            wait_for_question(before);
            told_before = clock_->told.load();
        };
        append(fmt::format("y-first-{}", attempt));
        for (std::thread& other : others) other.join();
        machine_.disk.on_call = nullptr;
        acknowledged_.insert(fmt::format("y-last-{}", attempt));
        if (!failed) throw std::runtime_error("the append that was made to fail did not");
        return written.value_or(0) >= 2;
    }

    SimulatedMachine machine_;
    std::shared_ptr<QueueClock> clock_;
    StoreOptions options_;
    std::optional<EventStore> store_;
    std::set<std::string> acknowledged_;
};

}  // namespace

CanaryReport wal_reset_on_sqlite() {
    SimulatedMachine machine;
    Raw first(machine);
    first.run("CREATE TABLE t (x)");
    Raw second(machine);
    Raw third(machine);
    static_cast<void>(second.text("SELECT count(*) FROM t"));  // what it knows of -wal is old by then
    first.run("BEGIN; CREATE TABLE filler (x)");
    for (int page = 0; page < 200; ++page) first.run("INSERT INTO filler VALUES (zeroblob(4000))");
    first.run("COMMIT");
    first.checkpoint();
    at_next_unfetch(machine, [&] { third.run("INSERT INTO t VALUES (1)"); });
    second.checkpoint();
    if (machine.disk.on_call) throw std::runtime_error("the checkpoint never called xUnfetch");
    for (int row = 0; row < 50; ++row) first.run("INSERT INTO t VALUES (2)");
    return look(Raw(machine), 51);
}

CanaryReport wal_reset_through_store() {
    SimulatedMachine machine;
    std::set<std::string> acknowledged;
    std::vector<EventStore> stores;
    for (std::uint64_t number = 0; number < 3; ++number) {
        StoreOptions options = machine.options(Durability::full, number);
        options.busy_timeout = std::chrono::milliseconds(0);
        options.checkpoint_pages = 1'000'000;
        stores.push_back(EventStore::open(simulation::log_path, options));
    }
    const auto append = [&](EventStore& store, std::size_t text_bytes) {
        const std::string id = fmt::format("event-{}", acknowledged.size());
        static_cast<void>(store.append(make_event(id, text_bytes)));
        acknowledged.insert(id);
    };
    for (EventStore& store : stores) append(store, 10);
    for (int page = 0; page < 200; ++page) append(stores[0], 3'500);
    static_cast<void>(stores[0].checkpoint_wal());
    at_next_unfetch(machine, [&] {
        try {
            append(stores[2], 10);
        } catch (const Error& error) {
            if (error.code() != ErrorCode::busy) throw;
        }
    });
    static_cast<void>(stores[1].checkpoint_wal());
    if (machine.disk.on_call) throw std::runtime_error("the checkpoint never called xUnfetch");
    CanaryReport broken{.committed = acknowledged.size() + 50};
    try {
        for (int row = 0; row < 50; ++row) append(stores[0], 10);
    } catch (const Error&) {
        return broken;
    }
    return look_for(machine, acknowledged);
}

CanaryReport savepoint_spill_on_sqlite() {
    SimulatedMachine machine;
    Raw writer(machine);
    writer.run("CREATE TABLE t (n INTEGER PRIMARY KEY, key TEXT, x); CREATE INDEX by_key ON t (key); BEGIN");
    std::uint64_t committed = 0;
    const auto insert = [&](std::uint64_t number) {
        writer.run(fmt::format("INSERT INTO t (key, x) VALUES ('{}', '{}')", scattered(number), std::string(100, 'x')));
    };
    for (; committed < rows_before; ++committed) insert(committed);
    writer.run("COMMIT; BEGIN IMMEDIATE");
    insert(++committed);
    writer.run("SAVEPOINT part");
    for (int blob = 0; blob < 2; ++blob) writer.run(fmt::format("INSERT INTO t (x) VALUES (zeroblob({}))", blob_bytes));
    for (std::size_t row = 0; row < small_rows; ++row) insert(1'000'000 + row);
    writer.run("ROLLBACK TO part; RELEASE part");
    insert(++committed);
    writer.run("COMMIT");
    for (std::uint64_t row = 0; row < rows_after; ++row) insert(++committed);
    SimulatedMachine after(machine.disk.seen());  // kill -9
    return look(Raw(after), committed);
}

CanaryReport savepoint_spill_through_store(End end) {
    return SpillRun().run(end);
}

}  // namespace daybook::crash
