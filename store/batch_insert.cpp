#include "store/batch_insert.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>

namespace daybook {

BatchInsert::BatchInsert(Connection& connection, std::string_view into, std::string_view columns,
                         std::string_view conflict)
    : columns_(static_cast<int>(std::count(columns.begin(), columns.end(), ',')) + 1) {
    std::string row = "(?";
    for (int column = 1; column < columns_; ++column) row += ", ?";
    row += ")";
    for (Insert& insert : inserts_) {
        std::string rows = row;
        for (std::size_t count = 1; count < insert.rows; ++count) rows += ", " + row;
        insert.statement = connection.prepare(fmt::format("{} ({}) VALUES {} {}", into, columns, rows, conflict));
    }
}

}  // namespace daybook
