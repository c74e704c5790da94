// The options that say which part of history: the same on replay, export, tail and stats.
#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include <daybook/event/clock.hpp>
#include <daybook/event/window.hpp>

namespace daybook::cli {

class WindowOptions {
  public:
    struct Which {
        bool limit = true;    ///< --limit
        bool reverse = true;  ///< --reverse
    };
    void add_to(CLI::App& command, Which which);
    void add_to(CLI::App& command) { add_to(command, Which{}); }

    /// Throws UsageError: a number that is none, from > to; Error: invalid_time, invalid_pattern.
    [[nodiscard]] Window window(Clock& clock) const;
    /// Whether an option is given that a follower cannot keep (an end, a limit, an order).
    [[nodiscard]] bool has_end() const noexcept;
    [[nodiscard]] bool reverse() const noexcept { return reverse_; }

  private:
    using AtMostOne = std::vector<std::string>;  // empty text is a value, not an absence
    AtMostOne from_seq_, to_seq_, from_, to_, axis_, limit_, stream_, source_, correlation_, causation_;
    std::vector<std::string> types_, tags_;
    bool reverse_ = false;
};

/// An option that may be given several times, one value each time.
CLI::Option* add_repeated(CLI::App& command, const std::string& name, std::vector<std::string>& values,
                          const std::string& description);

/// An option that may be given once and whose value may be empty text.
CLI::Option* add_optional(CLI::App& command, const std::string& name, std::vector<std::string>& value,
                          const std::string& description);

}  // namespace daybook::cli
