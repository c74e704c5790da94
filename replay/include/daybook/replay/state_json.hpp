// A state as JSON: rows as objects, TEXT as strings, BLOB as lower-case hex.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <daybook/store/sql_console.hpp>
#include <daybook/store/state_database.hpp>

namespace daybook {

/// NULL is null; an infinite REAL is "Infinity" or "-Infinity" (JSON has no number for it); bytes of a TEXT
/// that are not UTF-8 become U+FFFD.
void append_json(std::string& out, const SqlValue& value);
/// `{"column":value,…}`
[[nodiscard]] std::string row_to_json(const std::vector<std::string>& columns, const std::vector<SqlValue>& row);

/// Writes `{"table":[rows],…}`: tables by name, rows by primary key; the same state gives the same bytes.
/// `write` is given pieces of a few KiB. What it throws passes through.
void write_state_json(StateDatabase& state, const std::function<void(std::string_view)>& write);

}  // namespace daybook
