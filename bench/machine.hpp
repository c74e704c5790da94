// What a bench's figures depend on, printed before them.
#pragma once

#include <filesystem>
#include <string>

namespace daybook::bench {

/// Median and 99th percentile of a 4 KiB write followed by fdatasync, in microseconds.
struct SyncLatency {
    double median_us = 0;
    double p99_us = 0;
};
[[nodiscard]] SyncLatency measure_sync(const std::filesystem::path& directory);

/// Processors, SQLite, build type, sync mode, and the sync latency in `directory`.
[[nodiscard]] std::string describe_machine(const std::filesystem::path& directory);

}  // namespace daybook::bench
