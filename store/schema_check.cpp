#include "store/schema_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
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

SchemaObjects objects_of_version(std::int64_t version) {
    Connection empty(":memory:", {.writable = true, .create = true});
    for (const Migration& migration : embedded_migrations())
        if (migration.version <= version) empty.execute(std::string(migration.sql).c_str());
    return objects_of(empty);
}

// What every file of a version must hold. Nearly all are of the newest, whose objects are made once.
SchemaObjects expected_objects(std::int64_t version) {
    static const SchemaObjects newest = objects_of_version(schema_version);
    return version == schema_version ? newest : objects_of_version(version);
}

// By its text too: another table of that name may hold generated columns.
bool is_of_analyze(const std::pair<std::string, std::string>& object, const std::string& sql) {
    constexpr std::pair<std::string_view, std::string_view> tables[] = {
        {"sqlite_stat1", "CREATE TABLE sqlite_stat1(tbl,idx,stat)"},
        {"sqlite_stat4", "CREATE TABLE sqlite_stat4(tbl,idx,neq,nlt,ndlt,sample)"}};
    return object.first == "table" && std::any_of(std::begin(tables), std::end(tables), [&](const auto& table) {
               return table.first == object.second && table.second == sql;
           });
}

// An index without an expression, a condition and a collation that some program must define, and that refuses no row.
bool is_plain_index(Connection& connection, const std::string& name, const std::string& table) {
    Statement index(connection, "SELECT partial OR \"unique\" FROM pragma_index_list(?1, 'main') WHERE name = ?2");
    index.bind(1, std::string_view(table)).bind(2, std::string_view(name));
    if (!index.step() || index.integer(0) != 0) return false;
    Statement columns(connection,
                      "SELECT count(*) FROM pragma_index_xinfo(?1, 'main') WHERE cid = -2 OR upper(coll) NOT IN "
                      "('BINARY', 'NOCASE', 'RTRIM')");
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

std::string_view advice_for(const SchemaDifference& difference) {
    if (difference.type == "table" && difference.kind != SchemaDifference::Kind::added)
        return "restore a backup, or import a journal or an export into a new file";
    switch (difference.kind) {
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
            if (is_of_analyze(object, definition.sql)) continue;
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

std::vector<std::string> own_tables(Connection& connection) {
    std::vector<std::string> tables;
    for (const auto& [object, definition] :
         expected_objects(connection.query_integer("PRAGMA user_version").value_or(0)))
        if (object.first == "table") tables.push_back(object.second);
    return tables;
}

bool concerns(const SchemaDifference& difference, SchemaUse use) {
    const bool is_missing = difference.kind == SchemaDifference::Kind::missing;
    switch (use) {
        case SchemaUse::reading:
            // A table that is not ours is not read, but for those that SQLite reads by itself.
            if (difference.type == "table")
                return difference.kind != SchemaDifference::Kind::added || difference.name.starts_with("sqlite_");
            return difference.type != "trigger" && difference.type != "view" && !is_missing;
        case SchemaUse::writing:
            return difference.type == "table" || !is_missing;
        case SchemaUse::console:
            return true;
    }
    return true;
}

std::string describe(const SchemaDifference& difference, std::int64_t version) {
    return fmt::format("the {} '{}' {}", difference.type, difference.name, what_of(difference.kind, version));
}

std::vector<std::string> require_own_schema(Connection& connection, std::string_view attempted, SchemaUse use) {
    std::vector<std::string> others;
    for (const SchemaDifference& difference : schema_differences(connection)) {
        const std::int64_t version = connection.query_integer("PRAGMA user_version").value_or(0);
        std::string what = describe(difference, version);
        if (concerns(difference, use))
            throw Error(ErrorCode::corrupt,
                        fmt::format("{}: {}, and what is in a file's schema runs with each statement, so nothing is "
                                    "run: {}",
                                    attempted, what, advice_for(difference)));
        others.push_back(std::move(what));
    }
    return others;
}

}  // namespace daybook
