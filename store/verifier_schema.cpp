#include "store/verifier_schema.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include <daybook/event/error.hpp>

#include "store/schema_check.hpp"

namespace daybook {
namespace {

bool guards_a_log(const SchemaDifference& difference) {
    return difference.type == "trigger" &&
           (difference.name.starts_with("events_log_no_") || difference.name.starts_with("event_results_log_no_"));
}

std::string_view what_of(SchemaDifference::Kind kind) {
    switch (kind) {
        case SchemaDifference::Kind::added:
            return "is not part of the schema";
        case SchemaDifference::Kind::changed:
            return "is not as the schema makes it";
        case SchemaDifference::Kind::missing:
            return "is not there";
    }
    return "";
}

void check_pages(Verification& verification, const std::string& pragma) {
    // A statement that finds damage in the schema itself fails instead of answering a row.
    try {
        Statement rows(verification.connection(), pragma);
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

}  // namespace

void verify_pages(Verification& verification, const SchemaFindings& schema) {
    if (!schema.has_other_tables) return check_pages(verification, "PRAGMA integrity_check");
    for (const std::string& table : own_tables(verification.connection()))
        check_pages(verification, fmt::format("PRAGMA integrity_check({})", table));
}

SchemaFindings verify_schema(Verification& verification) {
    SchemaFindings findings{.rows_may_be_read = true};
    const std::vector<std::string> own = own_tables(verification.connection());
    const auto is_own = [&own](const std::string& name) {  // SQLite tells names apart without regard to case
        return std::any_of(own.begin(), own.end(), [&name](const std::string& table) {
            return sqlite3_stricmp(table.c_str(), name.c_str()) == 0;
        });
    };
    for (const SchemaDifference& difference : schema_differences(verification.connection())) {
        const bool is_missing = difference.kind == SchemaDifference::Kind::missing;
        if (!is_missing && concerns(difference, SchemaUse::reading)) findings.rows_may_be_read = false;
        if (difference.kind == SchemaDifference::Kind::added && difference.type == "table")
            findings.has_other_tables = true;
        if (difference.kind == SchemaDifference::Kind::added && is_own(difference.name))
            findings.rows_may_be_read = false;  // a view in the place of one of our tables
        const bool is_guard = guards_a_log(difference) && difference.kind != SchemaDifference::Kind::added;
        verification.problem(is_guard ? "append_only_missing" : "schema_differs", std::nullopt,
                             fmt::format("{} {} {}", difference.type, difference.name, what_of(difference.kind)));
    }
    return findings;
}

}  // namespace daybook
