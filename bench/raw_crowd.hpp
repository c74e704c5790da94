// A group commit led by its callers, and next to nothing else: threads that bring an event each, one of which inserts what has
// come and commits for all. No checks, ids, hashes, locks between processes, derived tables or answers.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <vector>

#include "bench/raw_sqlite.hpp"

namespace daybook::bench {

class RawCrowd {
  public:
    /// `yields`: who waits yields some times before it sleeps, about as the store's callers do with WaitStrategy::yielding.
    RawCrowd(const std::filesystem::path& path, bool yields) : raw_(path, RawSchema::ours), yields_(yields) {}

    /// One event, durable when it returns. Safe from any thread.
    void append();
    [[nodiscard]] std::uint64_t events() { return raw_.events(); }

  private:
    struct Caller {
        Caller* next = nullptr;
        std::atomic<bool> is_over{false};
    };

    void bring(Caller& caller);
    void wait(const Caller& caller, std::uint32_t word);
    void lead() noexcept;
    void take_arrived();
    [[nodiscard]] bool await_arrivals() const;

    RawSqlite raw_;
    const bool yields_;
    std::atomic<Caller*> arrived_{nullptr};  // the last first
    std::atomic<std::size_t> waiting_{0};    // of them
    std::atomic<bool> led_{false};
    std::atomic<std::uint32_t> word_{0};  // changes after each batch
    // The leader's:
    std::vector<Caller*> batch_;
    std::size_t expected_ = 1;
    std::chrono::nanoseconds last_commit_{};
};

}  // namespace daybook::bench
