// Inserts rows, many of them by one statement: that takes less than half of the time of a statement for each.
#pragma once

#include <cstddef>
#include <string_view>

#include "store/connection.hpp"

namespace daybook {

/// Thread-safety: one thread at a time, with its connection.
class BatchInsert {
  public:
    BatchInsert() = default;
    /// `into`: "INSERT INTO a_table"; `columns`: "a, b, c".
    BatchInsert(Connection& connection, std::string_view into, std::string_view columns);

    /// Calls `bind(statement, parameter, row)` for each row from 0 on, in order, to bind its columns from that parameter on. What
    /// is bound must live until this returns. Throws Error; some of the rows may be there then.
    template <typename Bind>
    void run(std::size_t rows, Bind bind) {
        for (std::size_t row = 0; row < rows;) {
            const std::size_t count = rows - row >= rows_at_once ? rows_at_once : 1;
            Statement& insert = count == 1 ? one_ : many_;
            for (std::size_t i = 0; i < count; ++i) bind(insert, 1 + static_cast<int>(i) * columns_, row + i);
            insert.run();
            row += count;
        }
    }

  private:
    static constexpr std::size_t rows_at_once = 16;

    int columns_ = 0;
    Statement one_, many_;
};

}  // namespace daybook
