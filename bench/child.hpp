// Programs that a row starts and ends: peers, their clients, and this program again as another process.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace daybook::bench {

/// Ended with SIGTERM, and waited for, at the end of the scope.
class Child {
  public:
    /// Its output and messages go to /dev/null, or to this program's own error stream when `is_loud`. Throws
    /// std::runtime_error.
    explicit Child(const std::vector<std::string>& command, bool is_loud = false);
    ~Child();
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    [[nodiscard]] pid_t pid() const noexcept { return pid_; }
    /// Throws std::runtime_error: it did not end with 0.
    void wait();
    void signal(int number) const;

  private:
    std::string name_;
    pid_t pid_ = -1;
};

/// Starts a program whose output goes to the descriptor; the caller waits for it. Throws std::runtime_error.
[[nodiscard]] pid_t start_with_output(const std::vector<std::string>& command, int output);

/// Runs a program to its end and returns what it printed. Throws std::runtime_error: it did not end with 0; with what it
/// said.
[[nodiscard]] std::string output_of(const std::vector<std::string>& command);
/// The path of a program in PATH or in `also`; empty when there is none.
[[nodiscard]] std::string find_program(const std::string& name, const std::vector<std::string>& also = {});
/// A port of the loopback interface that was free a moment ago.
[[nodiscard]] std::uint16_t free_port();
/// Waits until somebody listens at the port of the loopback interface. Throws std::runtime_error: not within 20 s.
void wait_for_port(std::uint16_t port);

}  // namespace daybook::bench
