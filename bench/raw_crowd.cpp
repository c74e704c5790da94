#include "bench/raw_crowd.hpp"

#include <sched.h>

#include "store/futex.hpp"

namespace daybook::bench {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint32_t everybody = ~std::uint32_t{0};

}  // namespace

void RawCrowd::append() {
    Caller caller;
    bring(caller);
    for (;;) {
        const std::uint32_t word = word_.load(std::memory_order_acquire);
        if (caller.is_over.load(std::memory_order_acquire)) return;
        if (led_.exchange(true)) {
            wait(caller, word);
            continue;
        }
        if (!caller.is_over.load(std::memory_order_acquire)) lead();
        led_.store(false);
        word_.fetch_add(1, std::memory_order_release);
        futex_wake_all(word_, everybody);
    }
}

void RawCrowd::bring(Caller& caller) {
    waiting_.fetch_add(1, std::memory_order_relaxed);
    caller.next = arrived_.load(std::memory_order_relaxed);
    while (
        !arrived_.compare_exchange_weak(caller.next, &caller, std::memory_order_release, std::memory_order_relaxed)) {
    }
}

void RawCrowd::wait(const Caller& caller, std::uint32_t word) {
    constexpr int yields_max = 64;
    for (int yields = 0; yields_ && yields < yields_max; ++yields) {
        if (caller.is_over.load(std::memory_order_acquire) || word_.load(std::memory_order_relaxed) != word) return;
        ::sched_yield();
    }
    futex_wait(word_, word, everybody);
}

// Not to go on after an error of SQLite: the others would wait for ever.
void RawCrowd::lead() noexcept {
    batch_.clear();
    raw_.begin();
    do {
        take_arrived();
    } while (batch_.size() < expected_ && await_arrivals());
    const auto begun = Clock::now();
    raw_.commit();
    last_commit_ = Clock::now() - begun;
    expected_ = batch_.size() + waiting_.load(std::memory_order_relaxed);
    for (Caller* const caller : batch_) caller->is_over.store(true, std::memory_order_release);
}

void RawCrowd::take_arrived() {
    for (Caller* caller = arrived_.exchange(nullptr, std::memory_order_acquire); caller != nullptr;
         caller = caller->next) {
        raw_.insert_next();
        batch_.push_back(caller);
        waiting_.fetch_sub(1, std::memory_order_relaxed);
    }
}

// About as the store's leader does.
bool RawCrowd::await_arrivals() const {
    const auto end = Clock::now() + last_commit_ / 4;
    while (arrived_.load(std::memory_order_relaxed) == nullptr) {
        if (Clock::now() >= end) return false;
        ::sched_yield();
    }
    return true;
}

}  // namespace daybook::bench
