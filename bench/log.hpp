// A log to read from: made once for all rows that want one of its size, with the times that making it took.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <daybook/store/event_store.hpp>
#include <daybook/testkit/temp_directory.hpp>

namespace daybook::bench {

/// 1,000 events a commit to `streams` streams at random, and among them 50 streams of exactly 1,000 events, spread over all
/// of the log.
class Log {
  public:
    /// Makes it at the first call. `events` in hundred thousands.
    [[nodiscard]] static const Log& of(std::uint64_t events, std::uint64_t streams);

    Log(std::uint64_t events, std::uint64_t streams);
    [[nodiscard]] EventStore open() const;
    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
    [[nodiscard]] std::uint64_t events() const noexcept { return events_; }
    /// Of each hundred thousand events.
    [[nodiscard]] const std::vector<double>& seconds() const noexcept { return seconds_; }

    static constexpr std::uint64_t long_streams = 50;
    static constexpr std::uint64_t long_stream_events = 1000;
    [[nodiscard]] static std::string long_stream(std::uint64_t number);

  private:
    testkit::TempDirectory directory_;
    const std::filesystem::path path_;
    const std::uint64_t events_;
    std::vector<double> seconds_;
};

}  // namespace daybook::bench
