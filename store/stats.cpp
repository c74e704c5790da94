// The whole log is counted in SQL, through indexes and derived tables; a window is counted by reading its events, so
// that it means exactly what it means to a cursor.
#include <daybook/store/stats.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <daybook/store/event_reader.hpp>

#include "store/connection.hpp"
#include "store/event_reader_impl.hpp"
#include "store/lock_file.hpp"
#include "store/occurred_blocks.hpp"
#include "store/opening.hpp"
#include "store/reader_pool.hpp"

namespace daybook {
namespace {

namespace fs = std::filesystem;

bool is_whole(const Window& window) {
    return !window.is_filtered() && !window.from_seq && !window.to_seq && !window.from && !window.to && !window.limit;
}

std::uint64_t count_of(Connection& connection, std::string_view sql) {
    return static_cast<std::uint64_t>(connection.query_integer(sql).value_or(0));
}

std::optional<Timestamp> time_of(Connection& connection, std::string_view sql) {
    const auto ns = connection.query_integer(sql);
    if (!ns) return std::nullopt;
    return Timestamp{*ns};
}

std::uint64_t bytes_of(const fs::path& file) {
    std::error_code error;
    const std::uintmax_t bytes =
        fs::file_size(file, error);  // by name: a descriptor of our own would drop SQLite's locks
    return error ? 0 : bytes;
}

void describe_file(Connection& connection, const fs::path& path, LogStats& stats) {
    stats.store_id = connection.query_text("SELECT store_id FROM store_info").value_or("");
    stats.normal_durability_since = time_of(connection, "SELECT normal_durability_since FROM store_info");
    stats.schema_version = static_cast<int>(connection.query_integer("PRAGMA user_version").value_or(0));
    stats.database_bytes = bytes_of(path);
    stats.wal_bytes = bytes_of(wal_path_of(path.native()));
}

void read_frozen_spans(Connection& connection, LogStats& stats) {
    if (!stats.first_seq) return;
    Statement rows(connection,
                   "SELECT first_seq, last_seq, recorded_at, behind_ns FROM clock_steps "
                   "WHERE first_seq <= ?1 AND last_seq >= ?2 ORDER BY first_seq");
    rows.bind(1, *stats.last_seq).bind(2, *stats.first_seq);
    while (rows.step())
        stats.frozen_spans.push_back({{rows.unsigned_integer(0)},
                                      {rows.unsigned_integer(1)},
                                      {rows.integer(2)},
                                      std::chrono::nanoseconds(rows.integer(3))});
}

// Over the complete blocks, and the events behind them.
std::string occurred_sql(std::string_view end) {
    return fmt::format(
        "SELECT {0}(occurred) FROM (SELECT {0}(occurred_{0}) AS occurred FROM occurred_blocks UNION ALL"
        " SELECT {0}(occurred_at) FROM events_log"
        "  WHERE seq > (SELECT coalesce(max(block) + 1, 0) * {1} FROM occurred_blocks))",
        end, occurred_block_events);
}

// What the heads count, and the events behind them: those of a name that come after its head's last.
std::string names_sql(std::string_view name, std::string_view heads, std::string_view events) {
    return fmt::format(
        "SELECT {0} AS name, sum(events) AS events, max(last_seq) AS last_seq FROM ("
        "  SELECT {0}, {2} AS events, last_seq FROM {1}"
        "  UNION ALL"
        "  SELECT e.{0}, count(*), max(e.seq) FROM events_log AS e LEFT JOIN {1} AS h ON h.{0} = e.{0}"
        "   WHERE e.seq > (SELECT run_events * indexed_runs FROM store_info) AND e.seq > coalesce(h.last_seq, 0)"
        "   GROUP BY e.{0}"
        ") GROUP BY {0}",
        name, heads, events);
}

void count_names(Connection& connection, const StatsOptions& options, LogStats& stats) {
    Statement types(connection, names_sql("type", "type_heads", "events") + " ORDER BY events DESC, name");
    while (types.step()) stats.types.push_back({std::string(types.text(0)), types.unsigned_integer(1)});
    const std::string by_stream = names_sql("stream", "stream_heads", "version");
    stats.streams = count_of(connection, fmt::format("SELECT count(*) FROM ({})", by_stream));
    Statement streams(connection, by_stream + " ORDER BY events DESC, name LIMIT ?1");
    streams.bind(1, static_cast<std::uint64_t>(options.streams_max));
    while (streams.step())
        stats.largest_streams.push_back(
            {std::string(streams.text(0)), streams.unsigned_integer(1), {streams.unsigned_integer(2)}});
}

void count_whole(Connection& connection, const StatsOptions& options, LogStats& stats) {
    stats.events = count_of(connection, "SELECT count(*) FROM events_log");
    stats.results = count_of(connection, "SELECT count(*) FROM event_results_log");
    stats.unfinished = count_of(connection, "SELECT count(*) FROM unfinished_handlers");
    if (stats.events > 0) {
        stats.first_seq = Sequence{count_of(connection, "SELECT min(seq) FROM events_log")};
        stats.last_seq = Sequence{count_of(connection, "SELECT max(seq) FROM events_log")};
    }
    stats.first_recorded_at = time_of(connection, "SELECT recorded_at FROM events_log ORDER BY seq LIMIT 1");
    stats.last_recorded_at = time_of(connection, "SELECT recorded_at FROM events_log ORDER BY seq DESC LIMIT 1");
    stats.first_occurred_at = time_of(connection, occurred_sql("min"));
    stats.last_occurred_at = time_of(connection, occurred_sql("max"));
    stats.payload_bytes = count_of(connection, "SELECT sum(length(CAST(payload AS BLOB))) FROM events_log");
    count_names(connection, options, stats);
}

// The smallest and the largest of what it was shown.
template <typename Value>
void widen(std::optional<Value>& smallest, std::optional<Value>& largest, Value value) {
    if (!smallest || value < *smallest) smallest = value;
    if (!largest || value > *largest) largest = value;
}

class WindowCount {
  public:
    WindowCount(Connection& connection, LogStats& stats)
        : stats_(stats),
          results_(connection, "SELECT count(*) FROM event_results_log WHERE event_seq = ?1"),
          unfinished_(connection, "SELECT count(*) FROM unfinished_handlers WHERE event_seq = ?1") {}

    void add(const EventView& event) {
        ++stats_.events;
        stats_.payload_bytes += event.payload.size();
        stats_.results += rows_of(results_, event.seq);
        stats_.unfinished += rows_of(unfinished_, event.seq);
        widen(stats_.first_seq, stats_.last_seq, event.seq);
        widen(stats_.first_recorded_at, stats_.last_recorded_at, event.recorded_at);
        widen(stats_.first_occurred_at, stats_.last_occurred_at, event.occurred_at);
        ++entry(types_, event.type);
        StreamCount& stream = entry(streams_, event.stream);
        ++stream.events;
        stream.last_seq = std::max(stream.last_seq, event.seq);
    }

    void finish(std::size_t streams_max) {
        for (const auto& [type, events] : types_) stats_.types.push_back({type, events});
        std::stable_sort(stats_.types.begin(), stats_.types.end(), more_events);
        stats_.streams = streams_.size();
        auto& largest = stats_.largest_streams;
        for (const auto& [stream, count] : streams_) largest.push_back({stream, count.events, count.last_seq});
        std::stable_sort(largest.begin(), largest.end(), more_events);
        if (largest.size() > streams_max) largest.resize(streams_max);
    }

  private:
    struct StreamCount {
        std::uint64_t events = 0;
        Sequence last_seq;
    };
    static constexpr auto more_events = [](const auto& a, const auto& b) { return a.events > b.events; };

    template <typename Count>
    static Count& entry(std::map<std::string, Count, std::less<>>& counts, std::string_view name) {
        const auto found = counts.find(name);
        return found != counts.end() ? found->second : counts.try_emplace(std::string(name)).first->second;
    }
    static std::uint64_t rows_of(Statement& count, Sequence seq) {
        const ResetGuard guard(count);
        count.bind(1, seq);
        return count.step() ? count.unsigned_integer(0) : 0;
    }

    LogStats& stats_;
    Statement results_;
    Statement unfinished_;
    std::map<std::string, std::uint64_t, std::less<>> types_;
    std::map<std::string, StreamCount, std::less<>> streams_;
};

void count_window(Connection& connection, const fs::path& path, const StatsOptions& options, LogStats& stats) {
    const auto pool = std::make_shared<ReaderPool>([&] { return open_reading_connection(path, options.store); });
    const EventReader reader(
        std::make_shared<EventReader::Impl>(pool, read_head(connection), options.store.page_events));
    EventCursor events = reader.read(options.window);
    WindowCount count(connection, stats);
    while (const EventView* event = events.next()) count.add(*event);
    count.finish(options.streams_max);
}

}  // namespace

LogStats stats(const fs::path& path, StatsOptions options) {
    options.window.validate();
    options.store.access = Access::read;
    options.store = with_defaults(std::move(options.store));
    const std::unique_ptr<Connection> connection = open_reading_connection(path, options.store);
    LogStats stats;
    connection->execute("BEGIN");  // one snapshot for all counts; and one lock, not one for each event of a window
    if (is_whole(options.window)) {
        count_whole(*connection, options, stats);
    } else {
        count_window(*connection, path, options, stats);
    }
    describe_file(*connection, path, stats);
    read_frozen_spans(*connection, stats);
    connection->rollback();
    return stats;
}

}  // namespace daybook
