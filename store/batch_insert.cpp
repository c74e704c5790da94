#include "store/batch_insert.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>

namespace daybook {

BatchInsert::BatchInsert(Connection& connection, std::string_view into, std::string_view columns)
    : columns_(static_cast<int>(std::count(columns.begin(), columns.end(), ',')) + 1) {
    std::string row = "(?";
    for (int column = 1; column < columns_; ++column) row += ", ?";
    row += ")";
    std::string rows = row;
    for (std::size_t count = 1; count < rows_at_once; ++count) rows += ", " + row;
    one_ = connection.prepare(fmt::format("{} ({}) VALUES {}", into, columns, row));
    many_ = connection.prepare(fmt::format("{} ({}) VALUES {}", into, columns, rows));
}

}  // namespace daybook
