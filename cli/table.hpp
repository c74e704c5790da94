// Aligned columns for people. Cells are escaped here, on a terminal or not: one row is one line.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "cli/output.hpp"

namespace daybook::cli {

enum class Align { left, right };

/// Widths are taken from the first rows (all of them, in a short table); a longer cell later pushes its own row only.
/// Nothing is ever cut off. Thread-safety: one thread at a time.
class Table {
  public:
    struct Column {
        std::string title;
        Align align = Align::left;
    };
    /// Without titles no heading is printed.
    Table(Output& output, std::vector<Column> columns);
    Table(const Table&) = delete;
    Table& operator=(const Table&) = delete;

    void row(std::vector<std::string> cells);
    /// Prints what is still held back. Without any row only the heading is printed.
    void finish();
    /// Rows so far.
    [[nodiscard]] std::size_t rows() const noexcept { return rows_; }

  private:
    void settle();
    void print(const std::vector<std::string>& cells);

    static constexpr std::size_t rows_measured = 1000;
    static constexpr std::size_t width_max = 60;
    Output& output_;
    std::vector<Column> columns_;
    std::vector<std::size_t> widths_;
    std::vector<std::vector<std::string>> held_;
    std::size_t rows_ = 0;
    bool settled_ = false;
};

}  // namespace daybook::cli
