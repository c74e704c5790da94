// Random bytes that are the same in every run with the same seed: ids and salts of a test repeat.
#pragma once

#include <mutex>
#include <random>

#include <daybook/event/random_source.hpp>

namespace daybook::testkit {

/// Thread-safety: safe from any thread.
class SeededRandom final : public RandomSource {
  public:
    explicit SeededRandom(std::uint64_t seed = 1) : engine_(seed) {}

    void fill(std::span<std::byte> bytes) override {
        const std::lock_guard lock(mutex_);
        for (std::byte& byte : bytes) byte = static_cast<std::byte>(engine_() & 0xff);
    }

  private:
    std::mutex mutex_;
    std::mt19937_64 engine_;  // guarded by mutex_
};

}  // namespace daybook::testkit
