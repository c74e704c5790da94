#include "store/schema_check.hpp"

#include <fmt/format.h>

#include <map>
#include <string>
#include <utility>

#include <daybook/event/error.hpp>

#include "store/schema.hpp"

namespace daybook {

namespace {

struct SchemaObject {
    std::string table;
    std::string sql;
    bool operator==(const SchemaObject&) const = default;
};
// By type and name.
using SchemaObjects = std::map<std::pair<std::string, std::string>, SchemaObject>;

SchemaObjects objects_of(Connection& connection) {
    SchemaObjects objects;
    Statement rows(connection, "SELECT type, name, tbl_name, coalesce(sql, '') FROM main.sqlite_schema");
    while (rows.step())
        objects[{std::string(rows.text(0)), std::string(rows.text(1))}] = {std::string(rows.text(2)),
                                                                           std::string(rows.text(3))};
    return objects;
}

SchemaObjects expected_objects(std::int64_t version) {
    Connection empty(":memory:", {.writable = true, .create = true});
    for (const Migration& migration : embedded_migrations())
        if (migration.version <= version) empty.execute(std::string(migration.sql).c_str());
    return objects_of(empty);
}

bool is_of_analyze(const std::string& type, const std::string& name) {
    return type == "table" && (name == "sqlite_stat1" || name == "sqlite_stat4");
}

// An index without an expression and without a condition.
bool is_plain_index(Connection& connection, const std::string& name, const std::string& table) {
    Statement partial(connection, "SELECT partial FROM pragma_index_list(?1, 'main') WHERE name = ?2");
    partial.bind(1, std::string_view(table)).bind(2, std::string_view(name));
    if (!partial.step() || partial.integer(0) != 0) return false;
    Statement columns(connection, "SELECT count(*) FROM pragma_index_xinfo(?1, 'main') WHERE cid = -2");
    columns.bind(1, std::string_view(name));
    return columns.step() && columns.integer(0) == 0;
}

[[noreturn]] void refuse(std::string_view path, const std::pair<std::string, std::string>& object,
                         std::string_view what, std::string_view advice) {
    throw Error(
        ErrorCode::corrupt,
        fmt::format(
            "query {}: the {} '{}' {}, and what is in a file's schema runs with each query, so nothing is run: {}",
            path, object.first, object.second, what, advice));
}

}  // namespace

void require_own_schema(Connection& connection, std::string_view path) {
    const std::int64_t version = connection.query_integer("PRAGMA user_version").value_or(0);
    const SchemaObjects expected = expected_objects(version);
    const SchemaObjects found = objects_of(connection);
    for (const auto& [object, definition] : found) {
        const auto ours = expected.find(object);
        if (ours == expected.end()) {
            if (is_of_analyze(object.first, object.second)) continue;
            if (object.first == "index" && expected.contains({"table", definition.table}) &&
                is_plain_index(connection, object.second, definition.table))
                continue;
            refuse(path, object, "is not one of Daybook's", "drop it with the program that made it");
        }
        if (ours->second != definition)
            refuse(path, object, fmt::format("is not the one of schema version {}", version),
                   "export the log and import it into a new file");
    }
    for (const auto& [object, definition] : expected) {
        if (!found.contains(object))
            refuse(path, object, fmt::format("of schema version {} is missing", version),
                   "run verify, then export the log and import it into a new file");
    }
}

}  // namespace daybook
