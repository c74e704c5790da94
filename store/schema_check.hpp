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

/// What a connection is used for, and so what of a file's schema it runs.
enum class SchemaUse : std::uint8_t {
    reading,  ///< the library's own SELECTs: tables and their indexes
    writing,  ///< its INSERTs too: triggers, and what refers to our tables
    console,  ///< any SELECT: views too
};

/// Compares sqlite_schema with what the embedded migrations make of an empty database at the file's user_version.
/// Allowed besides: tables of ANALYZE, and indexes of plain columns on our tables, which compute nothing and refuse nothing.
[[nodiscard]] std::vector<SchemaDifference> schema_differences(Connection& connection);

/// The names of our tables that are in the file's schema version.
[[nodiscard]] std::vector<std::string> own_tables(Connection& connection);

/// Whether `use` would run the object, or cannot do without it.
[[nodiscard]] bool concerns(const SchemaDifference& difference, SchemaUse use);

/// What a person is told of a difference: "the view 'events' is not the one of schema version 1".
[[nodiscard]] std::string describe(const SchemaDifference& difference, std::int64_t version);

/// Throws Error: corrupt - the first object that concerns `use` and is missing, changed or not ours, and what to do.
/// Returns descriptions of the other differences. `attempted`: "open x.db".
std::vector<std::string> require_own_schema(Connection& connection, std::string_view attempted, SchemaUse use);

}  // namespace daybook
