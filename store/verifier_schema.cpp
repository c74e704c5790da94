#include "store/verifier_schema.hpp"

#include <fmt/format.h>

#include <string>
#include <string_view>

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

void verify_schema(Verification& verification) {
    for (const SchemaDifference& difference : schema_differences(verification.connection())) {
        const bool is_guard = guards_a_log(difference) && difference.kind != SchemaDifference::Kind::added;
        verification.problem(is_guard ? "append_only_missing" : "schema_differs", std::nullopt,
                             fmt::format("{} {} {}", difference.type, difference.name, what_of(difference.kind)));
    }
}

}  // namespace daybook
