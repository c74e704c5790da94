// What an event costs while a log grows: measured on the logs that the rows read, beside a table that no index slows.
#pragma once

#include <cstdint>
#include <vector>

#include "bench/growth_chart.hpp"

namespace daybook::bench {

/// Bulk appends to 1,000 and to 50,000 streams, and the raw loop without indexes, each until there are so many events.
/// The costs are those of each tenth. `events` in millions; each of the three takes about 0.5 GB a million, one after
/// another; the log of 50,000 streams is the one that rows of that size have made or will read.
[[nodiscard]] std::vector<GrowthLine> measure_growth(std::uint64_t events);

}  // namespace daybook::bench
