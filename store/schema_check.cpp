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

std::string what_of(SchemaDifference::Kind kind, std::int64_t version) {
    switch (kind) {
        case SchemaDifference::Kind::added:
            return "is not one of Daybook's";
        case SchemaDifference::Kind::changed:
            return fmt::format("is not the one of schema version {}", version);
        case SchemaDifference::Kind::missing:
            return fmt::format("of schema version {} is missing", version);
    }
    return "";
}

std::string_view advice_for(SchemaDifference::Kind kind) {
    switch (kind) {
        case SchemaDifference::Kind::added:
            return "drop it with the program that made it";
        case SchemaDifference::Kind::changed:
            return "export the log and import it into a new file";
        case SchemaDifference::Kind::missing:
            return "run verify, then export the log and import it into a new file";
    }
    return "";
}

}  // namespace

std::vector<SchemaDifference> schema_differences(Connection& connection) {
    using Kind = SchemaDifference::Kind;
    const SchemaObjects expected = expected_objects(connection.query_integer("PRAGMA user_version").value_or(0));
    const SchemaObjects found = objects_of(connection);
    std::vector<SchemaDifference> differences;
    for (const auto& [object, definition] : found) {
        const auto ours = expected.find(object);
        if (ours == expected.end()) {
            if (is_of_analyze(object.first, object.second)) continue;
            if (object.first == "index" && expected.contains({"table", definition.table}) &&
                is_plain_index(connection, object.second, definition.table))
                continue;
            differences.push_back({Kind::added, object.first, object.second});
        } else if (ours->second != definition) {
            differences.push_back({Kind::changed, object.first, object.second});
        }
    }
    for (const auto& [object, definition] : expected)
        if (!found.contains(object)) differences.push_back({Kind::missing, object.first, object.second});
    return differences;
}

void require_own_schema(Connection& connection, std::string_view path) {
    const std::vector<SchemaDifference> differences = schema_differences(connection);
    if (differences.empty()) return;
    const SchemaDifference& first = differences.front();
    const std::int64_t version = connection.query_integer("PRAGMA user_version").value_or(0);
    throw Error(
        ErrorCode::corrupt,
        fmt::format("query {}: the {} '{}' {}, and what is in a file's schema runs with each query, so nothing is "
                    "run: {}",
                    path, first.type, first.name, what_of(first.kind, version), advice_for(first.kind)));
}

}  // namespace daybook
