// Checks the file below the rows: its pages and indexes, and that its tables, triggers and views are the ones that the
// schema makes.
#pragma once

#include "store/verification.hpp"

namespace daybook {

struct SchemaFindings {
    /// None is changed, and no index on them is: what a SELECT from our tables runs is ours.
    bool rows_may_be_read = false;
    bool has_other_tables = false;  ///< whose constraints and generated columns are not ours
};

/// SQLite's own check of pages, indexes and constraints. It computes what constraints, generated columns and indexes
/// hold: of a file with tables that are not ours only ours are checked, and no unused pages. Code: file_damaged.
void verify_pages(Verification& verification, const SchemaFindings& schema);

/// Compares the text of every object with what schemas/sql makes. Codes: append_only_missing - a trigger that keeps the
/// logs append-only is not there or is another one; schema_differs - anything else is missing, changed or added (tables
/// of ANALYZE and plain indexes may be).
[[nodiscard]] SchemaFindings verify_schema(Verification& verification);

}  // namespace daybook
