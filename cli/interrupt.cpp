// The signal handler writes one byte to a pipe, so that a watcher can sleep instead of asking.
#include "cli/interrupt.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <thread>

#include "cli/exit_code.hpp"

namespace daybook::cli {
namespace {

// Process-wide by nature: a signal has no other place to leave its word.
std::atomic<bool> requested{false};
static_assert(std::atomic<bool>::is_always_lock_free);
std::array<int, 2> signal_pipe{-1, -1};

extern "C" void on_interrupt(int) {
    const int saved = errno;
    requested.store(true);
    if (signal_pipe[1] >= 0) {
        const ssize_t ignored = ::write(signal_pipe[1], "!", 1);
        static_cast<void>(ignored);
    }
    errno = saved;
}

}  // namespace

void install_signal_handlers() {
    if (::pipe2(signal_pipe.data(), O_CLOEXEC | O_NONBLOCK) != 0) signal_pipe = {-1, -1};
    struct sigaction action {};
    action.sa_handler = on_interrupt;
    action.sa_flags = static_cast<int>(SA_RESETHAND);  // the second one is deadly
    ::sigaction(SIGINT, &action, nullptr);
    struct sigaction ignore {};
    ignore.sa_handler = SIG_IGN;
    ::sigaction(SIGPIPE, &ignore, nullptr);
}

bool interrupt_requested() noexcept {
    return requested.load();
}

void throw_if_interrupted() {
    if (interrupt_requested()) throw Interrupted{};
}

struct InterruptWatch::Impl {
    std::array<int, 2> stop_pipe{-1, -1};
    std::thread thread;
};

InterruptWatch::InterruptWatch(std::function<void()> stop) : impl_(std::make_unique<Impl>()) {
    if (signal_pipe[0] < 0 || ::pipe2(impl_->stop_pipe.data(), O_CLOEXEC) != 0) return;
    impl_->thread = std::thread([stop = std::move(stop), end = impl_->stop_pipe[0]] {
        std::array<pollfd, 2> ends{{{signal_pipe[0], POLLIN, 0}, {end, POLLIN, 0}}};
        while (true) {
            const int ready = ::poll(ends.data(), ends.size(), -1);
            if (ready < 0) continue;
            if (ends[1].revents != 0) return;
            if (ends[0].revents != 0) {
                stop();
                return;
            }
        }
    });
}

InterruptWatch::~InterruptWatch() {
    if (impl_->thread.joinable()) {
        const ssize_t ignored = ::write(impl_->stop_pipe[1], "!", 1);
        static_cast<void>(ignored);
        impl_->thread.join();
    }
    for (const int end : impl_->stop_pipe)
        if (end >= 0) ::close(end);
}

}  // namespace daybook::cli
