#include "processes/child_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdio>
#include <exception>
#include <system_error>
#include <utility>

namespace daybook::processes {

static_assert(32 * sizeof(Report) <= PIPE_BUF);

void Reporter::say(std::span<const Report> reports) const {
    // A parent that is gone is no reason to stop: it was told nothing that is not so.
    static_cast<void>(::write(descriptor_, reports.data(), reports.size_bytes()));
}

ChildProcess::ChildProcess(const std::function<int(const Reporter&)>& body) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "pipe");
    pid_ = ::fork();
    if (pid_ < 0) throw std::system_error(errno, std::generic_category(), "fork");
    if (pid_ == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // a test that is killed leaves no process behind
        ::close(ends[0]);
        int code = 99;
        try {
            code = body(Reporter(ends[1]));
        } catch (const std::exception& error) {
            std::fprintf(stderr, "child %d: %s\n", static_cast<int>(::getpid()), error.what());
        }
        ::_exit(code);
    }
    ::close(ends[1]);
    pipe_ = ends[0];
}

ChildProcess::~ChildProcess() {
    if (pid_ > 0) {
        kill();
        static_cast<void>(wait());
    }
    if (pipe_ >= 0) ::close(pipe_);
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), pipe_(std::exchange(other.pipe_, -1)), over_(other.over_) {}

ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
    std::swap(pid_, other.pid_);
    std::swap(pipe_, other.pipe_);
    std::swap(over_, other.over_);
    return *this;
}

std::vector<Report> ChildProcess::take(bool wait) {
    std::vector<Report> reports;
    while (!over_) {
        pollfd ready{pipe_, POLLIN, 0};
        if (::poll(&ready, 1, wait && reports.empty() ? -1 : 0) <= 0) break;
        std::array<Report, 64> buffer{};
        const ssize_t bytes = ::read(pipe_, buffer.data(), sizeof(buffer));
        if (bytes <= 0) {
            over_ = true;
            break;
        }
        reports.insert(reports.end(), buffer.begin(),
                       buffer.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(bytes) / sizeof(Report)));
    }
    return reports;
}

void ChildProcess::kill() const {
    ::kill(pid_, SIGKILL);
}

int ChildProcess::wait() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

}  // namespace daybook::processes
