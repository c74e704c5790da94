// A child process that reports to its parent through a pipe, and can be killed at any moment.
//
// The parent must never have opened a store: no SQLite connection may cross fork().
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include <daybook/event/position.hpp>

namespace daybook::processes {

/// What a child says. Written whole or not at all (PIPE_BUF).
struct Report {
    enum class Kind : std::uint32_t {
        opened,        ///< its store is open
        acknowledged,  ///< event `number` of writer `who` is durable: `seq`, `version`, `digest`
        ran,           ///< handler `who` has begun with event `seq`, `digest`, as attempt `number`
        seen,          ///< a reader was given event `seq`, `digest`
        waited,        ///< the longest of `number` appends took `nanoseconds`
        recovered,     ///< `number` handlers were run again
    };
    Kind kind = Kind::opened;
    std::uint32_t who = 0;
    std::uint64_t number = 0;
    std::uint64_t seq = 0;
    std::uint64_t version = 0;
    std::uint64_t nanoseconds = 0;
    Digest digest{};
};

/// A child's end of the pipe. Thread-safety: safe from any thread.
class Reporter {
  public:
    explicit Reporter(int descriptor) noexcept : descriptor_(descriptor) {}
    void say(const Report& report) const { say(std::span(&report, 1)); }
    /// All of them or none: a parent never hears of a part of a batch. At most 32.
    void say(std::span<const Report> reports) const;

  private:
    int descriptor_;
};

/// Killed and waited for when it goes out of scope. Thread-safety: one thread at a time.
class ChildProcess {
  public:
    /// Runs `body` in a child; what it returns is the exit code. 99: it threw, and has said what on stderr.
    explicit ChildProcess(const std::function<int(const Reporter&)>& body);
    ~ChildProcess();
    ChildProcess(ChildProcess&& other) noexcept;
    ChildProcess& operator=(ChildProcess&& other) noexcept;

    [[nodiscard]] int descriptor() const noexcept { return pipe_; }
    /// Reports that are there now; blocks for the first when `wait`. Empty and over(): the child has ended.
    [[nodiscard]] std::vector<Report> take(bool wait);
    [[nodiscard]] bool over() const noexcept { return over_; }
    void kill() const;
    /// The exit code, or minus the signal that ended it. All reports must have been taken, or are lost.
    int wait();

  private:
    pid_t pid_ = -1;
    int pipe_ = -1;
    bool over_ = false;
};

}  // namespace daybook::processes
