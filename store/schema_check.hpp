// Whether a file's schema is exactly ours: a view, trigger or generated column in a file is code that a query would run.
#pragma once

#include <string_view>

#include "store/connection.hpp"

namespace daybook {

/// Compares sqlite_schema with what the embedded migrations make of an empty database at the file's user_version.
/// Allowed besides: tables of ANALYZE, and indexes of plain columns on our tables, which hold no expression.
/// Throws Error: corrupt - the first object that is missing, changed or not ours, and what to do.
void require_own_schema(Connection& connection, std::string_view path);

}  // namespace daybook
