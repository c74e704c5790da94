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

struct Machine {
    unsigned processors = 0;
    std::string processor;  ///< as /proc/cpuinfo names it
    std::string system;     ///< kernel and its release
    std::string file_system;
    std::string sqlite;
    std::string build;
    std::string compiler;
    SyncLatency sync;

    [[nodiscard]] static Machine describe(const std::filesystem::path& directory);
    [[nodiscard]] std::string to_text() const;
    [[nodiscard]] std::string to_json() const;
};

}  // namespace daybook::bench
