// fork, exec, poll. Nothing between fork and exec but async-signal-safe calls.
#include "cli/run_daybook.hpp"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include <fmt/format.h>
#include <catch2/catch.hpp>

namespace daybook::clitest {
namespace {

struct Pipe {
    int read = -1;
    int write = -1;
};

Pipe make_pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe2 failed");
    return {ends[0], ends[1]};
}

void close_if_open(int& descriptor) {
    if (descriptor >= 0) ::close(descriptor);
    descriptor = -1;
}

int exit_of(int status) {
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

[[noreturn]] void become(const RunOptions& options, int input, int out, int err, char* const* arguments) {
    if (input >= 0) ::dup2(input, 0);
    if (out >= 0) ::dup2(out, 1);
    if (err >= 0) ::dup2(err, 2);
    if (options.close_stdin) ::close(0);
    if (options.close_stdout) ::close(1);
    if (options.file_bytes_max) {
        const rlimit limit{*options.file_bytes_max, *options.file_bytes_max};
        ::setrlimit(RLIMIT_FSIZE, &limit);
        ::signal(SIGXFSZ, SIG_IGN);  // the write fails with EFBIG instead, as a full disk's fails with ENOSPC
    }
    if (options.stack_bytes_max) {
        const rlimit limit{*options.stack_bytes_max, *options.stack_bytes_max};
        ::setrlimit(RLIMIT_STACK, &limit);
    }
    if (!options.directory.empty() && ::chdir(options.directory.c_str()) != 0) ::_exit(126);
    // Opened before: the build may lie below a directory that only its owner may enter.
    const int program = ::open(arguments[0], O_RDONLY | O_CLOEXEC);
    if (options.unprivileged && (::setgid(65534) != 0 || ::setuid(65534) != 0)) ::_exit(125);
    ::fexecve(program, arguments, environ);
    ::_exit(127);
}

}  // namespace

bool no_terminal_here() {
    const int master = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (master >= 0) {
        ::close(master);
        return false;
    }
    WARN("skipped: this machine gives no pseudo-terminal (is /dev/pts mounted?)");
    return true;
}

Running::Running(const std::vector<std::string>& arguments, RunOptions options)
    : deadline_(std::chrono::steady_clock::now() + options.time_limit) {
    std::vector<std::string> words{DAYBOOK_PROGRAM};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> pointers;
    for (std::string& word : words) pointers.push_back(word.data());
    pointers.push_back(nullptr);

    if (options.terminal) {
        int master = -1;
        winsize size{};
        size.ws_col = 120;
        size.ws_row = 40;
        pid_ = ::forkpty(&master, nullptr, nullptr, &size);
        if (pid_ < 0) throw std::runtime_error("forkpty failed");
        if (pid_ == 0) become(options, -1, -1, -1, pointers.data());
        out_ = master;
        ::fcntl(out_, F_SETFD, FD_CLOEXEC);
        return;
    }
    Pipe input = options.input ? make_pipe() : Pipe{::open("/dev/null", O_RDONLY | O_CLOEXEC), -1};
    Pipe out = make_pipe();
    Pipe err = make_pipe();
    if (options.reader_gone) close_if_open(out.read);
    pid_ = ::fork();
    if (pid_ < 0) throw std::runtime_error("fork failed");
    if (pid_ == 0) become(options, input.read, out.write, err.write, pointers.data());
    close_if_open(input.read);
    close_if_open(out.write);
    close_if_open(err.write);
    input_ = input.write;
    out_ = out.read;
    err_ = err.read;
    if (options.input) {
        pending_input_ = *options.input;
        ::fcntl(input_, F_SETFL, O_NONBLOCK);
        if (pending_input_.empty()) close_if_open(input_);
    }
}

Running::~Running() {
    if (pid_ > 0 && !status_) {
        ::kill(pid_, SIGKILL);
        reap(0);
    }
    close_if_open(input_);
    close_if_open(out_);
    close_if_open(err_);
}

bool Running::read_some(std::chrono::milliseconds patience) {
    std::vector<pollfd> ends;
    if (input_ >= 0) ends.push_back({input_, POLLOUT, 0});
    if (out_ >= 0) ends.push_back({out_, POLLIN, 0});
    if (err_ >= 0) ends.push_back({err_, POLLIN, 0});
    if (ends.empty()) return false;
    ::poll(ends.data(), ends.size(), static_cast<int>(patience.count()));
    for (const pollfd& end : ends) {
        if (end.revents == 0) continue;
        if (end.fd == input_) {
            const ssize_t written = ::write(input_, pending_input_.data(), pending_input_.size());
            if (written > 0) pending_input_.erase(0, static_cast<std::size_t>(written));
            if ((written < 0 && errno != EAGAIN) || pending_input_.empty()) close_if_open(input_);
            continue;
        }
        std::array<char, 65536> buffer{};
        const ssize_t got = ::read(end.fd, buffer.data(), buffer.size());
        if (got > 0)
            (end.fd == out_ ? ran_.out : ran_.err).append(buffer.data(), static_cast<std::size_t>(got));
        else if (got == 0 || errno != EINTR)
            close_if_open(end.fd == out_ ? out_ : err_);
    }
    return true;
}

bool Running::wait_for_output(const std::function<bool(const std::string&)>& enough) {
    while (!enough(ran_.out)) {
        if (std::chrono::steady_clock::now() > deadline_) return false;
        if (!read_some(std::chrono::milliseconds(50))) return enough(ran_.out);
    }
    return true;
}

void Running::signal(int number) const {
    ::kill(pid_, number);
}

void Running::close_output() {
    close_if_open(out_);
}

bool Running::reap(int flags) {
    if (status_) return true;
    int status = 0;
    rusage usage{};
    if (::wait4(pid_, &status, flags, &usage) != pid_) return false;
    status_ = status;
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    ran_.cpu_seconds = seconds(usage.ru_utime) + seconds(usage.ru_stime);
    return true;
}

bool Running::ended() {
    return reap(WNOHANG);
}

Ran Running::finish() {
    while (read_some(std::chrono::milliseconds(100)))
        if (std::chrono::steady_clock::now() > deadline_) {
            ::kill(pid_, SIGKILL);
            throw std::runtime_error("daybook ran out of time; it printed: " + ran_.out.substr(0, 2000) + ran_.err);
        }
    reap(0);
    ran_.exit = exit_of(*status_);
    return ran_;
}

Ran run_daybook(const std::vector<std::string>& arguments, RunOptions options) {
    // A program may refuse its input before reading it.
    ::signal(SIGPIPE, SIG_IGN);
    return Running(arguments, std::move(options)).finish();
}

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) lines.push_back(line);
    return lines;
}

std::string read_file(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) throw std::runtime_error("cannot read " + path.string());
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

void write_file(const std::filesystem::path& path, const std::string& text) {
    std::ofstream file(path, std::ios::binary);
    file << text;
    if (!file.flush()) throw std::runtime_error("cannot write " + path.string());
}

std::string fingerprint(const std::filesystem::path& directory) {
    std::vector<std::string> entries;
    for (const auto& entry : std::filesystem::directory_iterator(directory)) {
        const std::string name = entry.path().filename().string();
        const std::string ending = entry.path().extension().string();
        const bool is_wal = name.size() > 4 && name.substr(name.size() - 4) == "-wal";
        if (ending == ".lock" || ending == ".wake" || (name.size() > 4 && name.substr(name.size() - 4) == "-shm"))
            continue;
        if (entry.is_directory()) {
            entries.push_back(name + "/");
            continue;
        }
        if (is_wal && entry.file_size() == 0) continue;
        entries.push_back(fmt::format("{} {} {}", name, entry.last_write_time().time_since_epoch().count(),
                                      std::hash<std::string>{}(read_file(entry.path()))));
    }
    std::sort(entries.begin(), entries.end());
    return fmt::format("{}", fmt::join(entries, "\n"));
}

std::optional<std::filesystem::path> data_file(const std::string& name) {
    std::filesystem::path path = std::filesystem::path(DAYBOOK_DATA_DIR) / name;
    if (std::filesystem::exists(path)) return path;
    WARN("skipped: " << path << " is not there (set the CMake variable DAYBOOK_DATA_DIR)");
    return std::nullopt;
}

std::string gunzip(const std::filesystem::path& path) {
    gzFile file = ::gzopen(path.c_str(), "rb");
    if (file == nullptr) throw std::runtime_error("cannot read " + path.string());
    std::string text;
    std::array<char, 1 << 16> buffer{};
    int got = 0;
    while ((got = ::gzread(file, buffer.data(), buffer.size())) > 0)
        text.append(buffer.data(), static_cast<std::size_t>(got));
    ::gzclose(file);
    if (got < 0) throw std::runtime_error("damaged: " + path.string());
    return text;
}

}  // namespace daybook::clitest
