// Reading: folds, projections, windows and exports, each on one log beside raw SQLite on the same file.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <map>
#include <memory>
#include <numeric>
#include <vector>

#include <daybook/event/json_nlohmann.hpp>
#include <daybook/interchange/exporter.hpp>
#include <daybook/replay/fold.hpp>
#include <daybook/replay/sql_fold.hpp>
#include <daybook/store/event_store.hpp>

#include "bench/log.hpp"
#include "bench/raw_sqlite.hpp"
#include "bench/rows.hpp"
#include "bench/setting.hpp"

namespace daybook::bench {

namespace {

constexpr std::uint64_t million = 1'000'000;
constexpr std::uint64_t streams = 1000;
constexpr std::uint64_t big_streams = 50'000;

double fold_columns(const Log& log) {
    EventStore store = log.open();
    std::uint64_t bytes = 0;
    const double rate = rate_of(log.events(), [&] {
        bytes = fold(store.reader(), Window{}, std::uint64_t{0}, [](std::uint64_t& sum, const EventView& event) {
                    sum += event.seq.value & 7;
                    sum += event.id.size() + event.type.size() + event.stream.size() + event.payload.size();
                }).state;
    });
    require(bytes > log.events() * payload.size(), "the fold saw every payload");
    return rate;
}

double raw_scan(const Log& log) {
    RawSqlite raw = RawSqlite::reading(log.path());
    std::uint64_t bytes = 0;
    const double rate = rate_of(log.events(), [&] { bytes = raw.scan(); });
    require(bytes > log.events() * payload.size(), "the scan saw every payload");
    return rate;
}

std::uint64_t player_in(const nlohmann::json& json) {
    return json.at("player").get<std::uint64_t>();
}

double fold_parsed(const Log& log) {
    EventStore store = log.open();
    std::uint64_t sum = 0;
    const double rate = rate_of(log.events(), [&] {
        sum = fold(store.reader(), Window{}, std::uint64_t{0}, [](std::uint64_t& players, const EventView& event) {
                  players += player_in(payload_of(event));
              }).state;
    });
    require(sum == log.events() * 122'671, "the fold read a number of every payload");
    return rate;
}

double parse_alone(std::uint64_t events) {
    std::uint64_t sum = 0;
    const std::string text(payload);
    const double rate = rate_of(events, [&] {
        for (std::uint64_t n = 0; n < events; ++n) sum += player_in(nlohmann::json::parse(text));
    });
    require(sum == events * 122'671, "every parse read its number");
    return rate;
}

constexpr const char* count_streams =
    "INSERT INTO streams (stream, events, last) VALUES (?1, 1, ?2) "
    "ON CONFLICT (stream) DO UPDATE SET events = events + 1, last = ?2";

double project_streams(const Log& log) {
    EventStore store = log.open();
    const Projection projection = Projection::parse(
        "-- projection: streams\n-- version: 1\n-- @init\n"
        "CREATE TABLE streams (stream TEXT PRIMARY KEY, events INTEGER NOT NULL, last INTEGER NOT NULL);\n"
        "-- @on bench:*\n"
        "INSERT INTO streams (stream, events, last) VALUES (:stream, 1, :seq)\n"
        "ON CONFLICT (stream) DO UPDATE SET events = events + 1, last = :seq;\n",
        "streams.sql");
    std::uint64_t applied = 0;
    const double rate = rate_of(log.events(), [&] { applied = project(store.reader(), projection).report.events; });
    require(applied == log.events(), "the projection saw every event");
    return rate;
}

double project_by_hand(const Log& log) {
    RawSqlite raw = RawSqlite::reading(log.path());
    std::uint64_t counted = 0;
    const double rate = rate_of(log.events(), [&] {
        const RawSqlite state = RawSqlite::in_memory();
        state.execute("CREATE TABLE streams (stream TEXT PRIMARY KEY, events INTEGER NOT NULL, last INTEGER NOT NULL)");
        state.execute("BEGIN");
        RawStatement events(raw, "SELECT seq, stream, type, payload FROM events_log ORDER BY seq");
        RawStatement count(state, count_streams);
        while (events.step()) {
            count.bind(1, events.text(1));
            count.bind(2, events.number(0));
            static_cast<void>(count.step());
            count.reset();
        }
        state.execute("COMMIT");
        RawStatement sum(state, "SELECT sum(events) FROM streams");
        require(sum.step(), "a sum is one row");
        counted = sum.number(0);
    });
    require(counted == log.events(), "the loop saw every event");
    return rate;
}

// The streams of 1,000 events one after another, each whole; events a second.
double read_streams(const Log& log) {
    EventStore store = log.open();
    std::uint64_t read = 0;
    const double rate = rate_of(Log::long_streams * Log::long_stream_events, [&] {
        for (std::uint64_t number = 0; number < Log::long_streams; ++number) {
            EventCursor cursor = store.read({.stream = Log::long_stream(number)});
            while (cursor.next() != nullptr) ++read;
        }
    });
    require(read == Log::long_streams * Log::long_stream_events, "the streams were read");
    return rate;
}

// A copy of the log with the index that the store does without.
const std::filesystem::path& indexed_copy(const Log& log) {
    static const testkit::TempDirectory directory;
    static std::map<std::filesystem::path, std::filesystem::path> copies;
    std::filesystem::path& copy = copies[log.path()];
    if (copy.empty()) {
        copy = directory / fmt::format("indexed-{}.db", copies.size());
        RawSqlite::reading(log.path()).execute(fmt::format("VACUUM INTO '{}'", copy.native()).c_str());
        RawSqlite::writing(copy).execute("CREATE INDEX by_stream ON events_log (stream, version)");
    }
    return copy;
}

double read_streams_raw(const Log& log) {
    RawSqlite raw = RawSqlite::reading(indexed_copy(log));
    RawStatement select(raw,
                        "SELECT seq, event_id, type, event_version, stream, version, source, correlation_id, "
                        "causation_id, occurred_at, recorded_at, tags, payload, metadata, digest "
                        "FROM events_log WHERE stream = ? ORDER BY version");
    std::uint64_t read = 0;
    std::uint64_t bytes = 0;
    const double rate = rate_of(Log::long_streams * Log::long_stream_events, [&] {
        for (std::uint64_t number = 0; number < Log::long_streams; ++number) {
            const std::string stream = Log::long_stream(number);
            select.bind(1, stream);
            for (; select.step(); ++read) bytes += select.touch();
            select.reset();
        }
    });
    require(read == Log::long_streams * Log::long_stream_events && bytes > read * payload.size(),
            "the streams were read");
    return rate;
}

// Milliseconds to read the 1,000 events of one commit in the middle by their recorded time, warm: the best of many.
double read_window(const Log& log, TimeAxis axis) {
    EventStore store = log.open();
    const std::uint64_t middle = log.events() / 2 / 1000 * 1000 + 1;
    const Timestamp from = store.find(Sequence{middle})->recorded_at;
    const Timestamp to = store.find(Sequence{middle + 1000})->recorded_at;
    require(from < to, "the commits have times of their own");
    std::vector<double> milliseconds;
    for (int round = 0; round < 30; ++round) {
        std::uint64_t read = 0;
        milliseconds.push_back(1000 * time_of([&] {
                                          EventCursor cursor = store.read({.from = from, .to = to, .axis = axis});
                                          while (cursor.next() != nullptr) ++read;
                                      }).count());
        require(read == 1000, "the window has the events of one commit");
    }
    return median(milliseconds);
}

double export_log(const Log& log) {
    EventStore store = log.open();
    const testkit::TempDirectory directory;
    const int file = ::open((directory / "out").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    require(file >= 0, "the file to export to can be made");
    ExportSummary summary;
    const double rate = rate_of(log.events(), [&] {
        const auto sink = sink_to_descriptor(file, "out");
        summary = export_events(store, *sink);
    });
    ::close(file);
    require(summary.events == log.events(), "every event was exported");
    return rate;
}

double scan_and_write(const Log& log) {
    RawSqlite raw = RawSqlite::reading(log.path());
    const testkit::TempDirectory directory;
    std::FILE* const file = std::fopen((directory / "out").c_str(), "w");
    require(file != nullptr, "the file to write to can be made");
    std::uint64_t written = 0;
    const double rate = rate_of(log.events(), [&] {
        RawStatement select(raw,
                            "SELECT seq, event_id, type, event_version, stream, version, source, correlation_id, "
                            "causation_id, occurred_at, recorded_at, tags, payload, metadata, digest "
                            "FROM events_log ORDER BY seq");
        while (select.step()) {
            written += select.touch();
            for (const int column : {1, 2, 3, 4, 6, 11, 12, 13}) {
                const std::string_view text = select.text(column);
                std::fwrite(text.data(), 1, text.size(), file);
            }
            std::fputc('\n', file);
        }
        std::fflush(file);
    });
    std::fclose(file);
    require(written > log.events() * payload.size(), "every payload was written");
    return rate;
}

// Milliseconds to the state just before the end of the log, with a snapshot a little before that.
double state_near_the_end(const Log& log) {
    EventStore store = log.open();
    SnapshotFile snapshots(log.path());
    const Sequence at{log.events() - 1'000};
    const Sequence kept{log.events() - 10'000};
    FoldOptions<std::uint64_t> options;
    options.snapshots = &snapshots;
    options.codec =
        SnapshotCodec<std::uint64_t>{.projection = "count",
                                     .version = "1",
                                     .encode = [](const std::uint64_t& n) { return std::to_string(n); },
                                     .decode = [](std::string_view text) { return std::stoull(std::string(text)); }};
    const auto count_to = [&](Sequence end, bool saves) {
        options.save_snapshot = saves;
        return fold(
            store.reader(), Window{.to_seq = end}, std::uint64_t{0},
            [](std::uint64_t& count, const EventView&) { ++count; }, options);
    };
    if (snapshots.positions(options.codec->key()).empty())
        require(count_to(kept, true).snapshot_saved, "a snapshot is kept");
    std::uint64_t state = 0;
    const Seconds passed = time_of([&] { state = count_to(at, false).state; });
    require(state == at.value, "the state counts every event");
    return passed.count() * 1000;
}

Row ratio(std::string name, std::string limit, double bound, std::optional<double> guard,
          std::function<double(const Log&)> ours, std::function<double(const Log&)> raw) {
    return {.name = std::move(name),
            .limit = std::move(limit),
            .unit = "events/s",
            .bound = bound,
            .guard = guard,
            .measure = [ours = std::move(ours), raw = std::move(raw)](Setting& setting) {
                const Log& log = Log::of(setting.count(million), streams);
                return setting.both([&] { return ours(log); }, [&] { return raw(log); });
            }};
}

}  // namespace

std::vector<Row> reading_rows() {
    std::vector<Row> rows;
    rows.push_back(ratio("fold, columns only, 1 M events", "raw scan", 0.9, 0.45, fold_columns, raw_scan));
    rows.push_back(ratio("fold with parsed payload", "nlohmann's parse alone", 0.6, 0.38, fold_parsed,
                         [](const Log& log) { return parse_alone(log.events()); }));
    rows.push_back({.name = "fold with parsed payload, a core",
                    .limit = "",
                    .unit = "events/s",
                    .bound = 500'000,
                    .measure = [](Setting& setting) {
                        return Sample{.ours = fold_parsed(Log::of(setting.count(million), streams))};
                    }});
    rows.push_back(ratio("SQL projection", "the same statements by hand", 0.8, 0.42, project_streams, project_by_hand));
    rows.push_back(
        ratio("streams of 1,000 events out of 1 M", "raw indexed read", 0.8, 0.37, read_streams, read_streams_raw));
    rows.push_back(ratio("export, 1 M events", "raw scan and write", 0.5, 0.5, export_log, scan_and_write));
    rows.push_back({.name = "10th million of a log",
                    .limit = "1st million",
                    .unit = "events/s",
                    .bound = 0.85,
                    .repetitions = 1,
                    .measure = [](Setting&) {
                        const std::vector<double>& seconds = Log::of(10 * million, big_streams).seconds();
                        const auto rate = [&](std::ptrdiff_t piece) {
                            return 1e6 / std::accumulate(seconds.begin() + piece, seconds.begin() + piece + 10, 0.0);
                        };
                        return Sample{.ours = rate(90), .limit = rate(0)};
                    }});
    rows.push_back({.name = "streams of 1,000 events out of 10 M",
                    .limit = "out of 1 M",
                    .unit = "us/event",
                    .goal = Goal::at_most,
                    .bound = 2,
                    .measure = [](Setting& setting) {
                        const auto us = [](const Log& log) { return 1e6 / read_streams(log); };
                        return setting.both([&] { return us(Log::of(10 * million, big_streams)); },
                                            [&] { return us(Log::of(million, streams)); });
                    }});
    for (const TimeAxis axis : {TimeAxis::recorded, TimeAxis::occurred}) {
        const char* const name = axis == TimeAxis::recorded ? "recorded" : "occurred";
        rows.push_back({.name = fmt::format("1,000 events by {} time out of 10 M", name),
                        .limit = "out of 100 k",
                        .unit = "ms",
                        .goal = axis == TimeAxis::recorded ? Goal::at_most : Goal::stated,
                        .bound = 1.2,
                        .measure = [axis](Setting& setting) {
                            return setting.both([&] { return read_window(Log::of(10 * million, big_streams), axis); },
                                                [&] { return read_window(Log::of(100'000, streams), axis); });
                        }});
    }
    rows.push_back({.name = "1,000 events by recorded time out of 10 M, warm",
                    .limit = "",
                    .unit = "ms",
                    .goal = Goal::at_most,
                    .bound = 1,
                    .measure = [](Setting&) {
                        return Sample{.ours = read_window(Log::of(10 * million, big_streams), TimeAxis::recorded)};
                    }});
    rows.push_back(
        {.name = "state at seq 9,999,000 of 10 M, snapshot at 9,990,000",
         .limit = "",
         .unit = "ms",
         .goal = Goal::at_most,
         .bound = 50,
         .measure = [](Setting&) { return Sample{.ours = state_near_the_end(Log::of(10 * million, big_streams))}; }});
    return rows;
}

}  // namespace daybook::bench
