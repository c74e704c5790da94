// A store of its own for a test: a temporary directory, a clock that stands still, random bytes that repeat.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <daybook/event/error.hpp>
#include <daybook/store/event_store.hpp>
#include <daybook/testkit/fake_clock.hpp>
#include <daybook/testkit/seeded_random.hpp>
#include <daybook/testkit/temp_directory.hpp>

#include "store/connection.hpp"

namespace daybook::test {

struct TestStore {
    testkit::TempDirectory directory;
    std::filesystem::path path = directory / "log.db";
    std::shared_ptr<testkit::FakeClock> clock = std::make_shared<testkit::FakeClock>();

    [[nodiscard]] StoreOptions options(Access access = Access::create) const {
        StoreOptions options;
        options.access = access;
        options.clock = clock;
        options.random = std::make_shared<testkit::SeededRandom>();
        options.run_events = 3;  // so that few events make runs
        return options;
    }
    [[nodiscard]] EventStore open(Access access = Access::create) const {
        return EventStore::open(path, options(access));
    }
    [[nodiscard]] std::string name(std::string_view suffix = "") const { return path.string() + std::string(suffix); }
};

/// The code of the Error that `action` throws; empty when it throws none.
template <typename Action>
std::optional<ErrorCode> code_of(Action action) {
    try {
        static_cast<void>(action());
    } catch (const Error& error) {
        return error.code();
    }
    return std::nullopt;
}

/// The message of the Error that `action` throws; empty when it throws none.
template <typename Action>
std::string message_of(Action action) {
    try {
        static_cast<void>(action());
    } catch (const Error& error) {
        return error.what();
    }
    return "";
}

inline std::string bytes_of(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

inline void write_bytes(const std::filesystem::path& path, std::string_view bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
}

inline std::vector<std::string> names_in(const std::filesystem::path& directory) {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(directory))
        names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
}

/// The first column of the first row, through a connection of its own.
inline std::int64_t query(const std::filesystem::path& path, std::string_view sql) {
    Connection connection(path.string(), {.busy_timeout_ms = 5'000});
    return connection.query_integer(sql).value_or(-1);
}

/// Runs `body` in a child process; what it returns is the exit code. 99: it threw.
/// To be called while no store is open in this process.
class Child {
  public:
    explicit Child(const std::function<int()>& body) : pid_(::fork()) {
        if (pid_ != 0) return;
        int code = 99;
        try {
            code = body();
        } catch (...) {
        }
        ::_exit(code);
    }
    ~Child() {
        if (pid_ > 0) static_cast<void>(wait());
    }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    /// The exit code, or minus the signal that ended it.
    int wait() {
        int status = 0;
        ::waitpid(std::exchange(pid_, 0), &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    }
    void kill() const { ::kill(pid_, SIGKILL); }

  private:
    pid_t pid_;
};

}  // namespace daybook::test
