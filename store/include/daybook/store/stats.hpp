// What is in a log, counted.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <daybook/event/window.hpp>
#include <daybook/store/store_options.hpp>

namespace daybook {

/// A run of events that repeat one recorded_at because the clock was behind it when they were committed. The writer
/// notes it at the commit (table clock_steps): equal times alone prove nothing, since the events of one commit share
/// their time.
struct FrozenSpan {
    Sequence first_seq;
    Sequence last_seq;
    Timestamp recorded_at;            ///< the time that is repeated
    std::chrono::nanoseconds behind;  ///< how far the clock was behind it, at most
};

struct LogStats {
    struct Type {
        std::string type;
        std::uint64_t events = 0;
    };
    struct Stream {
        std::string stream;
        std::uint64_t events = 0;
        Sequence last_seq;
    };
    std::uint64_t events = 0;
    std::uint64_t streams = 0;
    std::uint64_t results = 0;     ///< rows about the counted events
    std::uint64_t unfinished = 0;  ///< handlers of the counted events that never finished
    std::optional<Sequence> first_seq;
    std::optional<Sequence> last_seq;
    std::optional<Timestamp> first_recorded_at, last_recorded_at;
    std::optional<Timestamp> first_occurred_at, last_occurred_at;  ///< smallest and largest
    std::uint64_t payload_bytes = 0;
    std::uint64_t database_bytes = 0;      ///< of the file, whatever the window
    std::uint64_t wal_bytes = 0;           ///< of -wal
    std::vector<Type> types;               ///< most events first
    std::vector<Stream> largest_streams;   ///< most events first, at most StatsOptions::streams_max
    std::vector<FrozenSpan> frozen_spans;  ///< those that reach into the counted seqs, in their order
    /// When a connection in NORMAL first wrote the file; empty: never.
    std::optional<Timestamp> normal_durability_since;
    std::string store_id;
    int schema_version = 0;
};

struct StatsOptions {
    Window window{};  ///< which events to count. Default: all
    std::size_t streams_max = 10;
    StoreOptions store{.access = Access::read};
};

/// One consistent answer about the log as it stands. The whole log is counted through its indexes, a window by reading its
/// events; the memory used grows with the number of types and streams in it.
/// Thread-safety: safe from any thread; opens connections of its own. Throws Error: as EventStore::open for reading;
/// invalid_argument - the window.
[[nodiscard]] LogStats stats(const std::filesystem::path& path, StatsOptions options = {});

}  // namespace daybook
