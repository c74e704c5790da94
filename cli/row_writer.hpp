// Rows of named cells in the format that was asked for: a table, a JSON array, JSON Lines or CSV. Streams.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <daybook/store/sql_console.hpp>

#include "cli/format.hpp"
#include "cli/output.hpp"
#include "cli/table.hpp"

namespace daybook::cli {

/// INTEGER and REAL are right-aligned in tables; TEXT is a JSON string, BLOB lower-case hex, NULL null.
/// Thread-safety: one thread at a time.
class RowWriter {
  public:
    RowWriter(Output& output, Format format, std::vector<std::string> columns);
    RowWriter(const RowWriter&) = delete;
    RowWriter& operator=(const RowWriter&) = delete;

    void row(const std::vector<SqlValue>& cells);
    /// Prints what closes the document. Not called after an error: a cut document must look cut.
    void finish();
    [[nodiscard]] std::size_t rows() const noexcept { return rows_; }

  private:
    void start_table(const std::vector<SqlValue>& cells);

    Output& output_;
    Format format_;
    std::vector<std::string> columns_;
    std::unique_ptr<Table> table_;
    std::size_t rows_ = 0;
};

/// One row as a JSON object. Names that occur twice get `_2`, `_3`, … so that no value is lost.
[[nodiscard]] std::string row_object(const std::vector<std::string>& unique_columns,
                                     const std::vector<SqlValue>& cells);
[[nodiscard]] std::vector<std::string> unique_names(std::vector<std::string> columns);

/// A cell as JSON, as `state` writes it: REAL reads back to the same number.
[[nodiscard]] std::string cell_json(const SqlValue& cell);
/// A cell as people read it; NULL is empty.
[[nodiscard]] std::string cell_text(const SqlValue& cell);
/// A cell as CSV (RFC 4180): quoted where needed; text that a spreadsheet would run as a formula gets a `'` before it.
[[nodiscard]] std::string cell_csv(const SqlValue& cell);

}  // namespace daybook::cli
