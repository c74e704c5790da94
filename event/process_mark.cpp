#include "event/process_mark.hpp"

#include <pthread.h>
#include <unistd.h>

#include <atomic>

namespace daybook {

namespace {

std::atomic<std::uint64_t> forks{1};

void count_fork() {
    forks.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace

std::uint64_t process_mark() noexcept {
    static const bool counted = pthread_atfork(nullptr, nullptr, count_fork) == 0;  // else there is no memory for it
    return counted ? forks.load(std::memory_order_relaxed) : static_cast<std::uint64_t>(::getpid());
}

}  // namespace daybook
