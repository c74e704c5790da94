#include "bench/growth.hpp"

#include <cstddef>

#include <daybook/testkit/temp_directory.hpp>

#include "bench/log.hpp"
#include "bench/raw_sqlite.hpp"
#include "bench/setting.hpp"

namespace daybook::bench {

namespace {

constexpr std::size_t pieces = 10;
constexpr std::uint64_t few_streams = 1'000;
constexpr std::uint64_t many_streams = 50'000;

// A log times shorter pieces than a chart shows.
std::vector<double> us_per_event(const Log& log) {
    const std::size_t each = log.seconds().size() / pieces;
    std::vector<double> costs(pieces);
    for (std::size_t i = 0; i < log.seconds().size(); ++i)
        costs[i / each] += 1e6 * log.seconds()[i] / (static_cast<double>(log.events()) / pieces);
    return costs;
}

std::vector<double> raw_us_per_event(std::uint64_t events) {
    constexpr std::uint64_t events_each = 1000;
    const testkit::TempDirectory directory;
    RawSqlite raw(directory / "raw.db", RawSchema::index_free, many_streams);
    std::vector<double> costs;
    for (std::size_t piece = 0; piece < pieces; ++piece)
        costs.push_back(1e6 / rate_of(events / pieces, [&] {
                            for (std::uint64_t n = 0; n < events / pieces; n += events_each) raw.append(events_each);
                        }));
    require(raw.events() == events, "the raw table holds what was inserted");
    return costs;
}

}  // namespace

std::vector<GrowthLine> measure_growth(std::uint64_t events) {
    require(events > 0 && events % 1'000'000 == 0, "growth is measured in millions");
    std::vector<GrowthLine> lines;
    lines.push_back({.name = "bulk, 1,000 streams", .us_per_event = us_per_event(Log(events, few_streams))});
    lines.push_back({.name = "bulk, 50,000 streams", .us_per_event = us_per_event(Log::of(events, many_streams))});
    lines.push_back({.name = "raw SQLite, no index", .us_per_event = raw_us_per_event(events), .is_limit = true});
    return lines;
}

}  // namespace daybook::bench
