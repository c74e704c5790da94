// The DB argument, and opening what it names.
#pragma once

#include <filesystem>
#include <string>

#include <CLI/CLI.hpp>

#include <daybook/store/event_store.hpp>
#include <daybook/store/store_options.hpp>

#include "cli/program.hpp"

namespace daybook::cli {

class DatabaseArgument {
  public:
    void add_to(CLI::App& command);

    [[nodiscard]] std::filesystem::path path() const { return path_; }
    /// Options for `access`, with what the command line said about the file.
    [[nodiscard]] StoreOptions options(Access access) const;
    /// Opens the store and passes its warnings on to standard error.
    [[nodiscard]] EventStore open(const Program& program, StoreOptions options) const;
    [[nodiscard]] EventStore open_for_reading(const Program& program) const;

  private:
    std::string path_;
    bool allow_network_ = false;
};

/// `--durability full|normal`. Throws UsageError.
[[nodiscard]] Durability durability_from(const std::string& text);

}  // namespace daybook::cli
