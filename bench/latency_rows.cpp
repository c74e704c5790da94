// How long a durable emit takes at half of the rate that is possible, with checkpoints running: an open loop, in which who
// comes late is measured from when it was to begin.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>
#include <vector>

#include <daybook/bus/event_bus.hpp>
#include <daybook/store/event_store.hpp>
#include <daybook/testkit/temp_directory.hpp>

#include "bench/rows.hpp"
#include "bench/setting.hpp"
#include "store/futex.hpp"

namespace daybook::bench {

namespace {

using Clock = std::chrono::steady_clock;

// Microseconds, sorted.
std::vector<double> open_loop(std::size_t threads, double rate, Seconds time,
                              const std::function<void(std::size_t)>& body) {
    std::vector<std::vector<double>> taken(threads);
    std::vector<std::thread> crowd;
    const auto begun = Clock::now() + std::chrono::milliseconds(20);
    const auto calls = static_cast<std::uint64_t>(rate * time.count() / static_cast<double>(threads));
    for (std::size_t thread = 0; thread < threads; ++thread)
        crowd.emplace_back([&, thread] {
            for (std::uint64_t n = 0; n < calls; ++n) {
                const Seconds offset(
                    (static_cast<double>(n) + static_cast<double>(thread) / static_cast<double>(threads)) *
                    static_cast<double>(threads) / rate);
                const auto due = begun + std::chrono::duration_cast<Clock::duration>(offset);
                std::this_thread::sleep_until(due);
                body(thread);
                taken[thread].push_back(std::chrono::duration<double, std::micro>(Clock::now() - due).count());
            }
        });
    for (std::thread& one : crowd) one.join();
    std::vector<double> all;
    for (const std::vector<double>& one : taken) all.insert(all.end(), one.begin(), one.end());
    std::sort(all.begin(), all.end());
    return all;
}

double percentile(const std::vector<double>& sorted, double share) {
    return sorted[std::min(sorted.size() - 1, static_cast<std::size_t>(static_cast<double>(sorted.size()) * share))];
}

std::vector<double> emit_latencies(Setting& setting, std::size_t threads) {
    const testkit::TempDirectory directory;
    EventStore store = EventStore::open(directory / "log.db", {.access = Access::create});
    EventBus bus(store, {.name = "bench"});
    const auto emit = [&](std::size_t thread) {
        bus.emit({.type = "bench:emitted", .payload = std::string(payload), .stream = StreamNames::name(thread)});
    };
    const double most = calls_per_second(threads, setting.time(), emit);
    return open_loop(threads, most / 2, 2 * setting.time(), emit);
}

std::vector<double> sync_latencies(Setting& setting) {
    const testkit::TempDirectory directory;
    const int file = ::open((directory / "file").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    require(file >= 0, "a file can be made");
    const std::string page(4096, 'x');
    const auto write = [&](std::size_t) {
        require(::pwrite(file, page.data(), page.size(), 0) == 4096 && ::fdatasync(file) == 0, "the file is synced");
    };
    const double most = calls_per_second(1, setting.time(), write);
    std::vector<double> taken = open_loop(1, most / 2, 2 * setting.time(), write);
    ::close(file);
    return taken;
}

// Microseconds to wake so many threads by one call and to hear from the last of them: what a batch of callers costs at least,
// before anybody has done anything.
double wake(std::size_t threads) {
    constexpr std::uint32_t rounds = 500;
    constexpr std::uint32_t everybody = ~std::uint32_t{0};
    std::atomic<std::uint32_t> round{0};
    std::atomic<std::uint32_t> heard{0};
    std::atomic<std::uint32_t> rounds_heard{0};
    const auto wait_until = [](std::atomic<std::uint32_t>& word, std::uint32_t value) {
        for (std::uint32_t now = word; now < value; now = word) futex_wait(word, now, everybody);
    };
    std::vector<std::thread> crowd;
    for (std::size_t thread = 0; thread < threads; ++thread)
        crowd.emplace_back([&] {
            for (std::uint32_t next = 1; next <= rounds; ++next) {
                wait_until(round, next);
                if (++heard % threads != 0) continue;
                ++rounds_heard;
                futex_wake_one(rounds_heard, everybody);
            }
        });
    const Seconds taken = time_of([&] {
        for (std::uint32_t next = 1; next <= rounds; ++next) {
            round = next;
            futex_wake_all(round, everybody);
            wait_until(rounds_heard, next);
        }
    });
    for (std::thread& one : crowd) one.join();
    require(heard == threads * rounds, "every thread was woken in every round");
    return taken.count() * 1e6 / rounds;
}

Row stated(std::size_t threads, double share, const char* name) {
    return {.name = fmt::format("emit at half rate, {} thread{}: {}", threads, threads == 1 ? "" : "s", name),
            .limit = "",
            .unit = "us",
            .goal = Goal::stated,
            .repetitions = 3,
            .measure = [threads, share](Setting& setting) {
                return Sample{.ours = percentile(emit_latencies(setting, threads), share)};
            }};
}

}  // namespace

std::vector<Row> latency_rows() {
    std::vector<Row> rows;
    for (const std::size_t threads : {std::size_t{1}, std::size_t{64}}) {
        rows.push_back(stated(threads, 0.5, "p50"));
        rows.push_back(stated(threads, 0.99, "p99"));
    }
    rows.push_back({.name = "emit at half rate, 64 threads: p99.9",
                    .limit = "its p50",
                    .unit = "us",
                    .goal = Goal::at_most,
                    .bound = 20,
                    .measure = [](Setting& setting) {
                        const std::vector<double> taken = emit_latencies(setting, 64);
                        return Sample{.ours = percentile(taken, 0.999), .limit = percentile(taken, 0.5)};
                    }});
    rows.push_back({.name = "emit at half rate, 1 thread: p99.9",
                    .limit = "p99.9 of a bare fdatasync loop at half rate",
                    .unit = "us",
                    .goal = Goal::at_most,
                    .bound = 3,
                    .measure = [](Setting& setting) {
                        return setting.both([&] { return percentile(emit_latencies(setting, 1), 0.999); },
                                            [&] { return percentile(sync_latencies(setting), 0.999); });
                    }});
    for (const std::size_t threads : {std::size_t{3}, std::size_t{15}, std::size_t{63}})
        rows.push_back({.name = fmt::format("waking {} threads by one call, until the last has answered", threads),
                        .limit = "",
                        .unit = "us",
                        .goal = Goal::stated,
                        .measure = [threads](Setting&) { return Sample{.ours = wake(threads)}; }});
    return rows;
}

}  // namespace daybook::bench
