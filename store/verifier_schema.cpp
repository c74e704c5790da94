#include "store/verifier_schema.hpp"

#include <fmt/format.h>

#include <map>
#include <string>
#include <string_view>
#include <utility>

#include <daybook/event/error.hpp>

#include "store/schema.hpp"

namespace daybook {
namespace {

struct Definition {
    std::string type;  // table, index, trigger, view
    std::string sql;
};
using Definitions = std::map<std::string, Definition, std::less<>>;

// Indexes that SQLite makes itself have no text; sqlite_stat1 and its like belong to whoever ran ANALYZE.
Definitions definitions_of(Connection& connection) {
    Definitions definitions;
    Statement rows(
        connection,
        "SELECT name, type, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'");
    while (rows.step())
        definitions.emplace(rows.text(0), Definition{std::string(rows.text(1)), std::string(rows.text(2))});
    return definitions;
}

Definitions expected_definitions() {
    Connection scratch(":memory:", {.writable = true, .create = true});
    for (const Migration& migration : embedded_migrations()) scratch.execute(std::string(migration.sql).c_str());
    return definitions_of(scratch);
}

std::string_view code_of(std::string_view name, const Definition& definition) {
    const bool guards_a_log = definition.type == "trigger" &&
                              (name.starts_with("events_log_no_") || name.starts_with("event_results_log_no_"));
    return guards_a_log ? "append_only_missing" : "schema_differs";
}

}  // namespace

void verify_pages(Verification& verification) {
    // A statement that finds damage in the schema itself fails instead of answering a row.
    try {
        Statement rows(verification.connection(), "PRAGMA integrity_check");
        while (rows.step())
            if (rows.text(0) != "ok")
                verification.problem("file_damaged", std::nullopt,
                                     fmt::format("SQLite's integrity_check: {}", rows.text(0)));
    } catch (const Error& error) {
        if (error.code() != ErrorCode::corrupt && error.code() != ErrorCode::io_error) throw;
        verification.problem("file_damaged", std::nullopt,
                             fmt::format("SQLite's integrity_check gave up: {}", error.what()));
    }
}

bool verify_schema(Verification& verification) {
    const Definitions expected = expected_definitions();
    const Definitions found = definitions_of(verification.connection());
    bool tables_are_there = true;
    for (const auto& [name, definition] : expected) {
        const auto there = found.find(name);
        if (there != found.end() && there->second.type == definition.type && there->second.sql == definition.sql)
            continue;
        if (definition.type == "table") tables_are_there = false;
        verification.problem(code_of(name, definition), std::nullopt,
                             fmt::format("{} {} is {}", definition.type, name,
                                         there == found.end() ? "not there" : "not as the schema makes it"));
    }
    for (const auto& [name, definition] : found)
        if (!expected.contains(name))
            verification.problem("schema_differs", std::nullopt,
                                 fmt::format("{} {} is not part of the schema", definition.type, name));
    return tables_are_there;
}

}  // namespace daybook
