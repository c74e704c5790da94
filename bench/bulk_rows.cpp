// Many events a commit: append() in memory, and import of a file.
#include <fmt/format.h>

#include <fstream>
#include <vector>

#include <daybook/interchange/importer.hpp>
#include <daybook/store/event_store.hpp>
#include <daybook/testkit/temp_directory.hpp>

#include "bench/raw_sqlite.hpp"
#include "bench/rows.hpp"
#include "bench/setting.hpp"

namespace daybook::bench {

namespace {

constexpr std::size_t events_each = 1000;  // in a commit

using MakeId = std::string (*)(std::uint64_t);

StoreOptions bulk_options() {
    return {.access = Access::create, .checkpoint_pages = 16'000};
}

void append_bulk(EventStore& store, StreamNames& streams, MakeId make_id, std::uint64_t& n, std::uint64_t until) {
    while (n < until) {
        AppendRequest request;
        request.events.reserve(events_each);
        for (std::size_t i = 0; i < events_each; ++i)
            request.events.push_back({.type = "bench:appended",
                                      .payload = std::string(payload),
                                      .stream = StreamNames::name(streams.next_number()),
                                      .id = make_id(++n)});
        store.append(std::move(request));
    }
}

double bulk(std::uint64_t events, std::uint64_t streams, MakeId make_id) {
    const testkit::TempDirectory directory;
    EventStore store = EventStore::open(directory / "log.db", bulk_options());
    StreamNames names(streams);
    std::uint64_t n = 0;
    const double rate = rate_of(events, [&] { append_bulk(store, names, make_id, n, events); });
    require(store.head().seq.value == events, "the log holds what was appended");
    require(store.find(make_id(events))->seq.value == events, "the last event is the last");
    return rate;
}

double raw_bulk(std::uint64_t events, std::uint64_t streams) {
    const testkit::TempDirectory directory;
    RawSqlite raw(directory / "raw.db", RawSchema::index_free, streams);
    const double rate = rate_of(events, [&] {
        for (std::uint64_t n = 0; n < events; n += events_each) raw.append(events_each);
    });
    require(raw.events() == events, "the raw table holds what was inserted");
    return rate;
}

// The same events as bulk() appends, as lines of a file.
double import_lines(std::uint64_t events) {
    const testkit::TempDirectory directory;
    const std::filesystem::path path = directory / "events.jsonl";
    {
        std::ofstream file(path);
        StreamNames names(1000);
        for (std::uint64_t n = 1; n <= events; ++n)
            file << fmt::format(R"({{"id":"{}","type":"bench:appended","stream":"{}","payload":{}}})", ordered_id(n),
                                StreamNames::name(names.next_number()), payload)
                 << '\n';
        require(file.good(), "the file to import is written");
    }
    EventStore store = EventStore::open(directory / "log.db", bulk_options());
    ImportSummary summary;
    const double rate = rate_of(events, [&] {
        summary = import_file(store, path,
                              {.format = ImportFormat::json,
                               .mapping = {.type = FieldSource::parse("/type"),
                                           .stream = FieldSource::parse("/stream"),
                                           .id = FieldSource::parse("/id"),
                                           .payload = FieldSource::parse("/payload")}});
    });
    require(summary.appended == events && store.head().seq.value == events, "the log holds every line");
    return rate;
}

Row bulk_row(std::uint64_t events, std::uint64_t streams, double bound, std::optional<double> guard) {
    return {.name = fmt::format("bulk, 1,000 a commit, {} streams, {} events", streams, events),
            .limit = "raw SQLite, no index",
            .unit = "events/s",
            .bound = bound,
            .guard = guard,
            .repetitions = events > 500'000 ? 3 : 5,
            .measure = [events, streams](Setting& setting) {
                const std::uint64_t count = setting.count(events);
                return setting.both([&] { return bulk(count, streams, ordered_id); },
                                    [&] { return raw_bulk(count, streams); });
            }};
}

}  // namespace

std::vector<Row> bulk_rows() {
    std::vector<Row> rows;
    rows.push_back(bulk_row(300'000, 1000, 0.45, 0.27));
    rows.push_back(bulk_row(1'000'000, 50'000, 0.35, {}));
    rows.push_back({.name = "bulk with random ids (UUIDv4), 1 M events",
                    .limit = "the same with ordered ids",
                    .unit = "events/s",
                    .bound = 0.5,
                    .repetitions = 3,
                    .measure = [](Setting& setting) {
                        const std::uint64_t count = setting.count(1'000'000);
                        return setting.both([&] { return bulk(count, 1000, random_id); },
                                            [&] { return bulk(count, 1000, ordered_id); });
                    }});
    rows.push_back({.name = "import of JSON Lines",
                    .limit = "bulk append of the same events",
                    .unit = "events/s",
                    .bound = 0.6,
                    .guard = 0.4,
                    .measure = [](Setting& setting) {
                        const std::uint64_t count = setting.count(300'000);
                        return setting.both([&] { return import_lines(count); },
                                            [&] { return bulk(count, 1000, ordered_id); });
                    }});
    return rows;
}

}  // namespace daybook::bench
