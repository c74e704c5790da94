// Whether a file's schema is exactly ours: a view, trigger or generated column in a file is code that a query would run.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "store/connection.hpp"

namespace daybook {

struct SchemaDifference {
    enum class Kind : std::uint8_t { added, changed, missing };
    Kind kind = Kind::missing;
    std::string type;  ///< table, index, trigger, view
    std::string name;
};

/// Compares sqlite_schema with what the embedded migrations make of an empty database at the file's user_version.
/// Allowed besides: tables of ANALYZE, and indexes of plain columns on our tables, which hold no expression.
[[nodiscard]] std::vector<SchemaDifference> schema_differences(Connection& connection);

/// Throws Error: corrupt - the first object that is missing, changed or not ours, and what to do.
void require_own_schema(Connection& connection, std::string_view path);

}  // namespace daybook
