// The --format option: which formats a command knows, and which it takes when none is named.
#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace daybook::cli {

struct Program;

enum class Format { table, json, jsonl, csv };

/// What a command prints when --format is not given.
enum class DefaultFormat {
    jsonl,            ///< events: one line each, everywhere
    json,             ///< a JSON document, everywhere
    text_for_people,  ///< a table on a terminal, JSON into a pipe or a file
};

class FormatOption {
  public:
    FormatOption(std::vector<Format> known, DefaultFormat otherwise)
        : known_(std::move(known)), otherwise_(otherwise) {}

    void add_to(CLI::App& command);
    [[nodiscard]] bool is_given() const noexcept { return !text_.empty(); }
    /// Throws UsageError when the name is not one of the known.
    [[nodiscard]] Format chosen(const Program& program) const;

  private:
    std::vector<Format> known_;
    DefaultFormat otherwise_;
    std::string text_;
};

}  // namespace daybook::cli
