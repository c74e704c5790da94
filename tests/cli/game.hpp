// The little story that tests of commands begin with: a game, its players, and a directory of its own.
#pragma once

#include <initializer_list>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <daybook/testkit/temp_directory.hpp>

#include "cli/run_daybook.hpp"

namespace daybook::clitest {

/// A temporary directory with a path for a database in it; nothing is made yet.
class Game {
  public:
    [[nodiscard]] std::string db() const { return (directory_ / "game.db").string(); }
    [[nodiscard]] std::string path(const std::string& name) const { return (directory_ / name).string(); }
    [[nodiscard]] const std::filesystem::path& directory() const { return directory_.path(); }

    /// Runs `daybook COMMAND DB ARGUMENTS…`.
    Ran run(const std::string& command, std::vector<std::string> arguments = {}, RunOptions options = {}) const;
    /// As run(), and requires exit code 0.
    std::string out(const std::string& command, std::vector<std::string> arguments = {}) const;
    nlohmann::json json(const std::string& command, std::vector<std::string> arguments = {}) const;
    /// Emits and returns the committed event.
    nlohmann::json emit(const std::string& type, const std::string& payload = "{}",
                        std::vector<std::string> options = {}) const;
    /// Four events: two players join, one moves (caused by its joining), the other scores.
    void play() const;
    /// How many events `daybook query` counts.
    [[nodiscard]] std::uint64_t events() const;
    [[nodiscard]] std::string fingerprint() const { return clitest::fingerprint(directory()); }

  private:
    testkit::TempDirectory directory_;
};

}  // namespace daybook::clitest
