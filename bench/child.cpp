#include "bench/child.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <sstream>
#include <stdexcept>
#include <thread>
#include <utility>

namespace daybook::bench {

namespace {

pid_t start(const std::vector<std::string>& command, int output, int messages) {
    std::vector<char*> arguments;
    for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, messages, STDERR_FILENO);
    pid_t pid = -1;
    const int rc = ::posix_spawnp(&pid, arguments.front(), &actions, nullptr, arguments.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    if (rc != 0) throw std::runtime_error(fmt::format("bench: cannot start {}", command.front()));
    return pid;
}

int status_of(pid_t pid) {
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    return address;
}

}  // namespace

Child::Child(const std::vector<std::string>& command, bool is_loud) : name_(command.front()) {
    const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
    const int target = is_loud ? STDERR_FILENO : nowhere;
    pid_ = start(command, target, target);
    ::close(nowhere);
}

Child::~Child() {
    if (pid_ <= 0) return;
    signal(SIGTERM);
    static_cast<void>(status_of(pid_));
}

void Child::wait() {
    const int status = status_of(std::exchange(pid_, -1));
    if (status != 0) throw std::runtime_error(fmt::format("bench: {} ended with {}", name_, status));
}

void Child::signal(int number) const {
    ::kill(pid_, number);
}

pid_t start_with_output(const std::vector<std::string>& command, int output) {
    return start(command, output, STDERR_FILENO);
}

std::string output_of(const std::vector<std::string>& command) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("bench: no pipe");
    const pid_t pid = start(command, ends[1], ends[1]);
    ::close(ends[1]);
    std::string text;
    std::array<char, 4096> buffer{};
    for (ssize_t bytes = 0; (bytes = ::read(ends[0], buffer.data(), buffer.size())) > 0;)
        text.append(buffer.data(), static_cast<std::size_t>(bytes));
    ::close(ends[0]);
    if (const int status = status_of(pid); status != 0)
        throw std::runtime_error(fmt::format("bench: {} ended with {}: {}", command.front(), status, text));
    return text;
}

std::string find_program(const std::string& name, const std::vector<std::string>& also) {
    std::vector<std::string> directories = also;
    std::istringstream path(std::getenv("PATH") == nullptr ? "" : std::getenv("PATH"));
    for (std::string directory; std::getline(path, directory, ':');) directories.push_back(directory);
    for (const std::string& directory : directories)
        if (::access((directory + "/" + name).c_str(), X_OK) == 0) return directory + "/" + name;
    return "";
}

std::uint16_t free_port() {
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = loopback(0);
    socklen_t bytes = sizeof(address);
    const bool found = socket >= 0 && ::bind(socket, reinterpret_cast<sockaddr*>(&address), bytes) == 0 &&
                       ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &bytes) == 0;
    ::close(socket);
    if (!found) throw std::runtime_error("bench: no free port");
    return ntohs(address.sin_port);
}

void wait_for_port(std::uint16_t port) {
    for (int attempt = 0; attempt < 400; ++attempt) {
        const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const sockaddr_in address = loopback(port);
        const bool connected = ::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
        ::close(socket);
        if (connected) return;
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    throw std::runtime_error(fmt::format("bench: nobody listens at port {}", port));
}

}  // namespace daybook::bench
