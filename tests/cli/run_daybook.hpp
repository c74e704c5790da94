// Runs the real program as a child process: arguments and standard input in; exit code, standard output and error out.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace daybook::clitest {

struct Ran {
    int exit = -1;  ///< 128 + n when signal n ended it, as shells say it
    std::string out;
    std::string err;
    double cpu_seconds = 0;  ///< that it computed: what "quickly" means on a machine that does other things too
};

struct RunOptions {
    std::optional<std::string> input{};              ///< standard input. Default: /dev/null
    bool close_stdin = false;                        ///< start it without descriptor 0
    bool close_stdout = false;                       ///< start it without descriptor 1
    bool reader_gone = false;                        ///< standard output is a pipe that nobody reads
    bool terminal = false;                           ///< all three are a terminal; out holds both outputs
    std::optional<std::uint64_t> file_bytes_max{};   ///< RLIMIT_FSIZE: a disk that is full at this size of a file
    std::optional<std::uint64_t> stack_bytes_max{};  ///< RLIMIT_STACK
    bool unprivileged = false;                       ///< drop root, so that file modes count
    std::filesystem::path directory{};               ///< where it runs. Default: here
    std::chrono::seconds time_limit{120};            ///< killed after it; the test fails
};

/// Throws std::runtime_error when it cannot be started or runs out of time.
Ran run_daybook(const std::vector<std::string>& arguments, RunOptions options = {});

/// A child that goes on while the test looks at it.
class Running {
  public:
    explicit Running(const std::vector<std::string>& arguments, RunOptions options = {});
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;
    ~Running();

    [[nodiscard]] pid_t pid() const noexcept { return pid_; }
    /// Reads until `enough(standard output so far)`, the child's end, or the time limit. Whether it was enough.
    bool wait_for_output(const std::function<bool(const std::string&)>& enough);
    void signal(int number) const;
    /// Stops reading its standard output, as `| head` does.
    void close_output();
    /// Whether it has ended.
    [[nodiscard]] bool ended();
    /// Reads the rest and waits for its end.
    Ran finish();

  private:
    /// waitpid with the child's use of the processor. Whether it has ended.
    bool reap(int flags);
    bool read_some(std::chrono::milliseconds patience);

    pid_t pid_ = -1;
    int input_ = -1, out_ = -1, err_ = -1;
    std::string pending_input_;
    std::optional<int> status_;
    std::chrono::steady_clock::time_point deadline_;
    Ran ran_;
};

/// Lines of `text`, without their ends.
[[nodiscard]] std::vector<std::string> lines_of(const std::string& text);
[[nodiscard]] std::string read_file(const std::filesystem::path& path);
void write_file(const std::filesystem::path& path, const std::string& text);

/// Name, bytes and modification time of what is in a directory: equal before and after = nothing was written.
/// Files beside a daybook that only readers touch (-shm, .lock, .wake) are left out, and an empty -wal counts as none.
[[nodiscard]] std::string fingerprint(const std::filesystem::path& directory);

/// True, and says so with a WARN, where no pseudo-terminal is to be had: a test that needs one ends there.
[[nodiscard]] bool no_terminal_here();

/// Whether the recorded data sets are there; says so with a WARN when not.
[[nodiscard]] std::optional<std::filesystem::path> data_file(const std::string& name);
/// The bytes of a .gz file.
[[nodiscard]] std::string gunzip(const std::filesystem::path& path);

}  // namespace daybook::clitest
