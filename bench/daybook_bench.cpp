// Four rows, each with the raw SQLite loop of the same columns beside it in the same run. Ratios count, not times:
// machines are noisy. Each row checks its own result before it is reported.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <daybook/replay/fold.hpp>
#include <daybook/store/event_store.hpp>
#include <daybook/testkit/temp_directory.hpp>

#include "bench/machine.hpp"
#include "bench/raw_sqlite.hpp"

namespace daybook::bench {
namespace {

constexpr std::string_view payload =
    R"({"match":2057954,"team":16521,"player":122671,"name":"Simple pass","period":"1H","second":1.656,)"
    R"("positions":[{"y":50,"x":50},{"y":53,"x":35}],"tags":[1801]})";
constexpr std::uint64_t scanned_events = 100'000;

EventStore open_store(const testkit::TempDirectory& directory) {
    return EventStore::open(directory / "bench.db", {.access = Access::create});
}

void append_batch(EventStore& store, std::uint64_t& n, std::size_t count) {
    AppendRequest request;
    request.events.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
        ++n;
        request.events.push_back(
            {.type = "bench:appended", .payload = std::string(payload), .stream = bench_stream(n), .id = bench_id(n)});
    }
    store.append(std::move(request));
}

void store_append(benchmark::State& state, std::size_t batch) {
    const testkit::TempDirectory directory;
    EventStore store = open_store(directory);
    std::uint64_t n = 0;
    for (auto _ : state) append_batch(store, n, batch);
    if (store.head().seq.value != n) state.SkipWithError("the store's head is not what was appended");
    state.SetItemsProcessed(static_cast<std::int64_t>(n));
}

void raw_append(benchmark::State& state, std::size_t batch) {
    const testkit::TempDirectory directory;
    RawSqlite raw(directory / "raw.db");
    for (auto _ : state) raw.append(batch, payload);
    if (raw.fold() != raw.events()) state.SkipWithError("the raw table does not hold what was appended");
    state.SetItemsProcessed(static_cast<std::int64_t>(raw.events()));
}

// The logs that the reading rows share: made once.
struct Logs {
    testkit::TempDirectory directory;
    EventStore store = open_store(directory);
    RawSqlite raw{directory / "raw.db"};
    Logs() {
        std::uint64_t n = 0;
        while (n < scanned_events) append_batch(store, n, 1000);
        while (raw.events() < scanned_events) raw.append(1000, payload);
    }
};

Logs& logs() {
    static const std::unique_ptr<Logs> made = std::make_unique<Logs>();
    return *made;
}

void store_read(benchmark::State& state) {
    EventStore& store = logs().store;
    for (auto _ : state) {
        std::uint64_t events = 0, bytes = 0;
        EventCursor cursor = store.read();
        while (const EventView* event = cursor.next()) {
            ++events;
            bytes += event->payload.size() + event->id.size() + event->stream.size();
        }
        benchmark::DoNotOptimize(bytes);
        if (events != scanned_events) state.SkipWithError("the cursor did not give every event");
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * scanned_events));
}

void raw_read(benchmark::State& state) {
    RawSqlite& raw = logs().raw;
    for (auto _ : state) {
        std::uint64_t bytes = raw.scan();
        benchmark::DoNotOptimize(bytes);
        if (bytes < scanned_events * payload.size()) state.SkipWithError("the scan did not see every payload");
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * scanned_events));
}

void store_replay(benchmark::State& state) {
    EventStore& store = logs().store;
    using Counts = std::map<std::string, std::uint64_t, std::less<>>;
    for (auto _ : state) {
        const auto folded = fold(store.reader(), Window{}, Counts{}, [](Counts& counts, const EventView& event) {
            const auto found = counts.find(event.stream);
            if (found != counts.end()) {
                ++found->second;
            } else {
                counts.emplace(event.stream, 1);
            }
        });
        if (folded.state.size() != 1000) state.SkipWithError("the fold did not see every stream");
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * scanned_events));
}

void raw_replay(benchmark::State& state) {
    RawSqlite& raw = logs().raw;
    for (auto _ : state)
        if (raw.fold() != scanned_events) state.SkipWithError("the raw fold did not see every event");
    state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * scanned_events));
}

// Keeps the rate of every repetition, to print the ratio of medians at the end.
class RatioReporter : public benchmark::ConsoleReporter {
  public:
    void ReportRuns(const std::vector<Run>& runs) override {
        for (const Run& run : runs) {
            failed_ = failed_ || run.error_occurred;
            const auto rate = run.counters.find("items_per_second");
            if (run.run_type == Run::RT_Iteration && rate != run.counters.end())
                rates_[run.run_name.function_name].push_back(rate->second);
        }
        ConsoleReporter::ReportRuns(runs);
    }

    [[nodiscard]] bool print_ratios() {
        std::cout << fmt::format("\n{:<12}{:>14}{:>14}{:>8}  {}\n", "row", "daybook/s", "raw SQLite/s", "ratio",
                                 "spread");
        for (const std::string row : {"append 1", "append 1000", "read", "replay"}) {
            std::vector<double>& ours = rates_[row + " daybook"];
            std::vector<double>& raw = rates_[row + " raw"];
            if (ours.empty() || raw.empty()) continue;
            std::sort(ours.begin(), ours.end());
            std::sort(raw.begin(), raw.end());
            const double our_median = ours[ours.size() / 2];
            const double raw_median = raw[raw.size() / 2];
            std::cout << fmt::format("{:<12}{:>14.0f}{:>14.0f}{:>8.2f}  {:.2f}..{:.2f}\n", row, our_median, raw_median,
                                     our_median / raw_median, ours.front() / raw.back(), ours.back() / raw.front());
        }
        return !failed_;
    }

  private:
    std::map<std::string, std::vector<double>> rates_;
    bool failed_ = false;
};

}  // namespace
}  // namespace daybook::bench

int main(int argc, char** argv) {
    using namespace daybook::bench;
    std::vector<char*> arguments(argv, argv + argc);
    std::string repetitions = "--benchmark_repetitions=5";
    std::string minimum = "--benchmark_min_time=0.2";
    std::string interleaved = "--benchmark_enable_random_interleaving=true";
    for (std::string* option : {&repetitions, &minimum, &interleaved})
        arguments.insert(arguments.begin() + 1, option->data());  // before the user's, so that theirs win
    int count = static_cast<int>(arguments.size());
    benchmark::Initialize(&count, arguments.data());
    if (benchmark::ReportUnrecognizedArguments(count, arguments.data())) return 2;
    try {
        const daybook::testkit::TempDirectory directory;
        std::cout << describe_machine(directory.path());
        using benchmark::RegisterBenchmark;
        using benchmark::State;
        RegisterBenchmark("append 1 daybook", [](State& state) { store_append(state, 1); })->UseRealTime();
        RegisterBenchmark("append 1 raw", [](State& state) { raw_append(state, 1); })->UseRealTime();
        RegisterBenchmark("append 1000 daybook", [](State& state) { store_append(state, 1000); })->UseRealTime();
        RegisterBenchmark("append 1000 raw", [](State& state) { raw_append(state, 1000); })->UseRealTime();
        RegisterBenchmark("read daybook", store_read)->UseRealTime();
        RegisterBenchmark("read raw", raw_read)->UseRealTime();
        RegisterBenchmark("replay daybook", store_replay)->UseRealTime();
        RegisterBenchmark("replay raw", raw_replay)->UseRealTime();
        RatioReporter reporter;
        benchmark::RunSpecifiedBenchmarks(&reporter);
        return reporter.print_ratios() ? 0 : 1;
    } catch (const std::exception& error) {
        std::cerr << "daybook_bench: " << error.what() << '\n';
        return 5;
    }
}
