// A log written with plain SQL from the schema's own text: tests of reading do not depend on the code that appends.
// Digests are made up; nothing that is tested with it recomputes them.
#pragma once

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <daybook/event/event.hpp>
#include <daybook/event/event_result.hpp>
#include <daybook/store/event_reader.hpp>
#include <daybook/testkit/temp_directory.hpp>

#include "store/connection.hpp"
#include "store/derived_tables.hpp"
#include "store/event_reader_impl.hpp"
#include "store/log_head.hpp"
#include "store/reader_pool.hpp"

namespace daybook::test {

inline Digest made_up_digest(std::uint64_t number, std::uint8_t history = 1) {
    Digest digest;
    std::memcpy(digest.bytes.data(), &number, sizeof number);
    digest.bytes[31] = std::byte{history};
    return digest;
}

inline const Uuid& test_store_id() {
    static const Uuid id = *Uuid::parse("0190c0de-0000-7000-8000-000000000001");
    return id;
}

class SqlLog {
  public:
    SqlLog() : path_(directory_ / "log.daybook") {
        writer_ = std::make_unique<Connection>(path_.string(), ConnectionOptions{.writable = true, .create = true});
        writer_->execute("PRAGMA journal_mode = WAL");
        std::ifstream file(std::filesystem::path(DAYBOOK_SCHEMA_DIRECTORY) / "0001_daybook.sql");
        const std::string schema{std::istreambuf_iterator<char>(file), {}};
        writer_->execute(schema.c_str());
        writer_->execute(
            "INSERT INTO store_info VALUES (1, '0190c0de-0000-7000-8000-000000000001', 0, 'test', NULL, 16384, 0)");
        pool_ = std::make_shared<ReaderPool>(
            [path = path_.string()] { return std::make_unique<Connection>(path, ConnectionOptions{}); });
    }

    /// Fills in seq, version and digest, and writes all events in one transaction.
    void append(std::vector<Event> events) {
        writer_->execute("BEGIN IMMEDIATE");
        for (Event& event : events) {
            event.seq = Sequence{events_.size() + 1};
            event.version = Version{++versions_[event.stream]};
            event.digest = made_up_digest(event.seq.value);
            if (event.id.empty()) event.id = "id-" + std::to_string(event.seq.value);
            insert(event);
            events_.push_back(std::move(event));
        }
        writer_->execute("COMMIT");
    }

    /// Writes the complete runs of streams and types, each of so many events.
    void index(int run_events) { write_runs(*writer_, run_events, Sequence{events_.size()}); }
    /// Of the last complete run only so many rows of each table.
    void index_in_part(int run_events, int rows) {
        write_runs_in_part(*writer_, run_events, Sequence{events_.size()}, rows);
    }

    void append_result(EventResult result) {
        Statement statement(*writer_,
                            "INSERT INTO event_results_log VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 1, 0, ?9, NULL,"
                            " NULL, NULL, NULL, ?10, NULL, 0, ?11, ?12)");
        const std::uint64_t number = ++results_;
        const Digest digest = made_up_digest(number, 2);
        std::string emitted = "[";
        for (const std::string& id : result.emitted) emitted += (emitted.size() > 1 ? ",\"" : "\"") + id + "\"";
        emitted += "]";
        statement.bind(1, number).bind(2, result.event_seq).bind(3, std::string_view(result.event_id));
        statement.bind(4, std::string_view(result.bus)).bind(5, std::string_view(result.handler));
        statement.bind(6, std::int64_t{result.attempt}).bind(7, to_string(result.status));
        statement.bind(8, std::string_view(result.owner)).bind(9, result.result).bind(10, std::string_view(emitted));
        statement.bind(11, result.recorded_at).bind(12, digest);
        statement.run();
    }

    /// Damages the file: append-only triggers and CHECKs do not stand in the way.
    void damage(const char* sql) {
        writer_->execute("DROP TRIGGER IF EXISTS events_log_no_update");
        writer_->execute("DROP TRIGGER IF EXISTS events_log_no_delete");
        writer_->execute("DROP TRIGGER IF EXISTS event_results_log_no_update");
        writer_->execute("DROP TRIGGER IF EXISTS event_results_log_no_delete");
        writer_->execute("PRAGMA ignore_check_constraints = ON");
        writer_->execute(sql);
    }

    [[nodiscard]] Head head() const {
        auto lease = pool_->borrow();
        return read_head(lease, test_store_id());
    }
    [[nodiscard]] EventReader reader(std::size_t page_events = 100) const {
        return EventReader(std::make_shared<EventReader::Impl>(pool_, head(), page_events));
    }

    [[nodiscard]] const std::vector<Event>& events() const { return events_; }
    [[nodiscard]] const std::shared_ptr<ReaderPool>& pool() const { return pool_; }
    [[nodiscard]] Connection& writer() { return *writer_; }
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }
    [[nodiscard]] const testkit::TempDirectory& directory() const { return directory_; }

  private:
    void insert(const Event& event) {
        const std::string tags = tags_to_json(event.tags);
        const std::string salt(16, 's');
        Statement row(*writer_,
                      "INSERT INTO events_log VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14,"
                      " ?15, ?16, ?17)");
        row.bind(1, event.seq).bind(2, std::string_view(event.id)).bind(3, std::string_view(event.type));
        row.bind(4, std::string_view(event.event_version)).bind(5, std::string_view(event.stream));
        row.bind(6, event.version.value).bind(7, std::string_view(event.source)).bind(8, event.correlation_id);
        row.bind(9, event.causation_id).bind(10, event.occurred_at).bind(11, event.recorded_at);
        row.bind(12, std::string_view(tags)).bind(13, std::string_view(event.payload));
        row.bind(14, std::string_view(event.metadata)).bind_blob(15, salt.data(), salt.size());
        row.bind(16, event.digest).bind(17, event.digest);
        row.run();
        if (event.seq.value % 1024 == 0) write_block(*writer_, event.seq.value / 1024 - 1);
    }

    testkit::TempDirectory directory_;
    std::filesystem::path path_;
    std::unique_ptr<Connection> writer_;
    std::shared_ptr<ReaderPool> pool_;
    std::vector<Event> events_;
    std::map<std::string, std::uint64_t> versions_;
    std::uint64_t results_ = 0;
};

/// An event with everything but its place in the log.
inline Event make_event(std::string type, std::string stream = "main", std::int64_t occurred_ns = 0,
                        std::int64_t recorded_ns = 0) {
    Event event;
    event.type = std::move(type);
    event.event_version = "1";
    event.stream = std::move(stream);
    event.source = "engine";
    event.occurred_at = Timestamp{occurred_ns};
    event.recorded_at = Timestamp{recorded_ns};
    event.payload = "{}";
    event.metadata = "{}";
    return event;
}

/// A log in which every condition of a window can hold or not: the same for the same seed.
inline std::vector<Event> make_random_events(std::size_t count, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    const auto below = [&random](std::uint64_t limit) { return random() % limit; };
    std::vector<Event> events;
    std::int64_t recorded = 1'000'000;
    for (std::size_t i = 0; i < count; ++i) {
        // Few types are common, many are rare.
        const std::uint64_t kind = below(4) == 0 ? below(100) : below(3);
        Event event = make_event((kind % 2 == 0 ? "player:kind" : "phase.kind") + std::to_string(kind),
                                 "stream-" + std::to_string(below(3) == 0 ? below(40) : below(2)));
        if (below(50) == 0) event.type = "rare:*";
        event.source = "source-" + std::to_string(below(3));
        if (below(2) == 0) event.correlation_id = "run-" + std::to_string(below(30));
        if (i > 0 && below(3) == 0)
            event.causation_id = "id-" + std::to_string(1 + below(std::min<std::uint64_t>(i, 40)));
        // Time goes on with the log, with spikes, so that blocks overlap only in part.
        event.occurred_at = Timestamp{static_cast<std::int64_t>(i) * 1'000 +
                                      static_cast<std::int64_t>(below(below(500) == 0 ? 3'000'000 : 5'000))};
        recorded += static_cast<std::int64_t>(below(3) == 0 ? 0 : below(10));
        event.recorded_at = Timestamp{recorded};
        if (below(2) == 0) event.tags = {{"team", std::to_string(below(2))}, {"half", std::to_string(below(2))}};
        event.payload = "{\"n\":" + std::to_string(i) + "}";
        events.push_back(std::move(event));
    }
    return events;
}

}  // namespace daybook::test
