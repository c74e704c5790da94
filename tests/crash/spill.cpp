#include "crash/spill.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>

#include <daybook/event/error.hpp>

#include "simulation/dice.hpp"
#include "simulation/simulated_machine.hpp"
#include "store/event_store_impl.hpp"

namespace daybook::crash {

using simulation::Dice;
using simulation::SimulatedMachine;

namespace {

constexpr int rows_before = 20'000;
constexpr int rows_after = 20;

class RawConnection {
  public:
    explicit RawConnection(const SimulatedMachine& machine) {
        if (sqlite3_open_v2(simulation::log_path.c_str(), &db_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
                            machine.vfs.name().c_str()) != SQLITE_OK)
            throw std::runtime_error("SQLite cannot open a file on the simulated disk");
        run("PRAGMA journal_mode = WAL");
        run("PRAGMA synchronous = FULL");
    }
    ~RawConnection() { sqlite3_close(db_); }
    RawConnection(const RawConnection&) = delete;
    RawConnection& operator=(const RawConnection&) = delete;

    void run(const std::string& sql) {
        char* message = nullptr;
        if (sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, &message) != SQLITE_OK)
            throw std::runtime_error(sql + ": " + (message != nullptr ? message : "?"));
    }
    std::uint64_t rows() {
        sqlite3_stmt* statement = nullptr;
        sqlite3_prepare_v2(db_, "SELECT count(*) FROM t", -1, &statement, nullptr);
        const std::uint64_t count =
            sqlite3_step(statement) == SQLITE_ROW ? static_cast<std::uint64_t>(sqlite3_column_int64(statement, 0)) : 0;
        sqlite3_finalize(statement);
        return count;
    }

  private:
    sqlite3* db_ = nullptr;
};

std::string insert_rows(int count) {
    return fmt::format(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {}) "
        "INSERT INTO t (k, b) SELECT hex(randomblob(16)), randomblob(80) FROM n",
        count);
}

class OneEvent final : public Work {
  public:
    explicit OneEvent(EventStore& store) : store_(store) {}
    void check(LogWriter&) override {
        if (before_) std::exchange(before_, nullptr)();
    }
    void write(LogWriter& writer) override {
        PreparedEvent prepared;
        prepared.event.id = store_.new_id();
        prepared.event.type = "thing:made";
        prepared.event.source = "engine";
        prepared.event.event_version = "1";
        prepared.event.payload = prepared.event.metadata = prepared.tags = "{}";
        static_cast<void>(writer.append_event(prepared, writer.now_for_events()));
    }
    std::function<void()> before_;

  private:
    EventStore& store_;
};

// Fills megabytes of the transaction, then is refused.
class Refused final : public Work {
  public:
    void check(LogWriter&) override {}
    void write(LogWriter& writer) override {
        Connection& connection = writer.connection();
        writer.note_write();
        const char* const row = "INSERT INTO checkpoints (name, seq, digest, result_seq, result_digest, updated_at) ";
        for (int number = 0; number < 2; ++number)
            connection.execute(
                fmt::format("{} VALUES (hex(zeroblob(2000000)) || {}, 0, zeroblob(32), 0, zeroblob(32), 0)", row,
                            number)
                    .c_str());
        connection.execute(
            fmt::format("{} WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) "
                        "SELECT hex(randomblob(16)), 0, zeroblob(32), 0, zeroblob(32), 0 FROM n",
                        row)
                .c_str());
        throw Error(ErrorCode::too_large, "refused half-way");
    }
};

}  // namespace

SpillOutcome spill_in_sqlite() {
    SimulatedMachine machine;
    RawConnection connection(machine);
    connection.run("CREATE TABLE t (k TEXT PRIMARY KEY, b BLOB)");
    connection.run("BEGIN IMMEDIATE; " + insert_rows(rows_before) + "; COMMIT");
    connection.run("BEGIN IMMEDIATE; " + insert_rows(1) + "; SAVEPOINT caller");
    for (int number = 0; number < 2; ++number)
        connection.run(fmt::format("INSERT INTO t VALUES ('large-{}', randomblob(4000000))", number));
    connection.run(insert_rows(3'000));
    connection.run("ROLLBACK TO caller; RELEASE caller; " + insert_rows(1) + "; COMMIT");
    for (int number = 0; number < rows_after; ++number) connection.run(insert_rows(1));
    SimulatedMachine later(machine.disk.seen());  // kill -9
    return {rows_before + 2 + rows_after, RawConnection(later).rows()};
}

SpillOutcome spill_in_store() {
    SimulatedMachine machine;
    StoreOptions options = machine.options();
    options.cache_bytes = std::size_t{2} << 20;
    options.checkpoint_pages = 1'000'000;
    EventStore store = EventStore::open(simulation::log_path, options);
    Dice dice(1);
    for (int batch = 0; batch < rows_before / 1'000; ++batch) {
        AppendRequest request;
        for (int number = 0; number < 1'000; ++number) {
            NewEvent event;
            event.type = "thing:made";
            event.id = fmt::format("{:016x}{:016x}", dice.next(), dice.next());
            request.events.push_back(std::move(event));
        }
        static_cast<void>(store.append(std::move(request)));
    }
    Committer& committer = *store.impl().committer;
    OneEvent first(store);
    OneEvent third(store);
    Refused second;
    std::atomic<int> begun{0};
    std::atomic<bool> is_refused{false};
    std::thread of_second;
    std::thread of_third;
    // The others come while the first, which leads, is being looked at.
    first.before_ = [&] {
        of_second = std::thread([&] {
            ++begun;
            try {
                committer.submit(second);
            } catch (const Error&) {
                is_refused = true;
            }
        });
        while (begun < 1) std::this_thread::yield();
        const auto queued = std::chrono::steady_clock::now() + std::chrono::milliseconds(20);
        while (std::chrono::steady_clock::now() < queued) std::this_thread::yield();
        of_third = std::thread([&] {
            ++begun;
            committer.submit(third);
        });
        while (begun < 2) std::this_thread::yield();
        const auto both = std::chrono::steady_clock::now() + std::chrono::milliseconds(20);
        while (std::chrono::steady_clock::now() < both) std::this_thread::yield();
    };
    committer.submit(first);
    of_second.join();
    of_third.join();
    if (!is_refused) throw std::runtime_error("what is too large was not refused");
    NewEvent event;
    event.type = "thing:made";
    for (int number = 0; number < rows_after; ++number) static_cast<void>(store.append(event));
    SimulatedMachine later(machine.disk.seen());  // kill -9
    StoreOptions reading = later.options();
    reading.access = Access::read;
    return {rows_before + 2 + rows_after, EventStore::open(simulation::log_path, reading).head().seq.value};
}

}  // namespace daybook::crash
