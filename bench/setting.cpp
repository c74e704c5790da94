#include "bench/setting.hpp"

#include <fmt/format.h>

#include <atomic>
#include <exception>
#include <latch>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

namespace daybook::bench {

namespace {

// SplitMix64.
std::uint64_t mixed(std::uint64_t value) {
    value += 0x9e3779b97f4a7c15;
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
    value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
    return value ^ (value >> 31);
}

}  // namespace

Sample Setting::both(const std::function<double()>& ours, const std::function<double()>& limit) {
    ours_first_ = !ours_first_;
    Sample sample;
    if (ours_first_) sample.ours = ours();
    sample.limit = limit();
    if (!ours_first_) sample.ours = ours();
    return sample;
}

double calls_per_second(std::size_t threads, Seconds time, const std::function<void(std::size_t)>& body) {
    using Clock = std::chrono::steady_clock;
    std::atomic<std::uint64_t> calls{0};
    std::latch start(static_cast<std::ptrdiff_t>(threads) + 1);
    std::mutex mutex;
    std::exception_ptr error;
    const auto duration = std::chrono::duration_cast<Clock::duration>(time);
    std::vector<std::thread> crowd;
    crowd.reserve(threads);
    for (std::size_t number = 0; number < threads; ++number)
        crowd.emplace_back([&, number] {
            start.arrive_and_wait();
            const auto end = Clock::now() + duration;
            std::uint64_t own = 0;
            try {
                for (; Clock::now() < end; ++own) body(number);
            } catch (...) {
                const std::lock_guard lock(mutex);
                if (!error) error = std::current_exception();
            }
            calls += own;
        });
    start.arrive_and_wait();
    const auto begun = Clock::now();
    for (std::thread& one : crowd) one.join();
    const Seconds passed = Clock::now() - begun;
    if (error) std::rethrow_exception(error);
    return static_cast<double>(calls) / passed.count();
}

Seconds time_of(const std::function<void()>& body) {
    const auto begun = std::chrono::steady_clock::now();
    body();
    return std::chrono::steady_clock::now() - begun;
}

double rate_of(std::uint64_t count, const std::function<void()>& body) {
    return static_cast<double>(count) / time_of(body).count();
}

void require(bool holds, std::string_view what) {
    if (!holds) throw std::runtime_error(fmt::format("bench: {}", what));
}

double median(std::vector<double> values) {
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

std::uint64_t StreamNames::next_number() {
    return mixed(state_++) % streams_;
}

std::string StreamNames::name(std::uint64_t number) {
    return fmt::format("stream-{}", number);
}

std::string ordered_id(std::uint64_t n) {
    return fmt::format("0190a5b4-{:04x}-7000-8000-{:012x}", (n >> 20) & 0xffff, n);
}

std::string random_id(std::uint64_t n) {
    const std::uint64_t high = mixed(2 * n);
    const std::uint64_t low = mixed(2 * n + 1);
    return fmt::format("{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}", high >> 32, (high >> 16) & 0xffff, high & 0xfff,
                       low >> 52, low & 0xffff'ffff'ffff);
}

}  // namespace daybook::bench
