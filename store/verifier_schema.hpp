// Checks the file below the rows: its pages and indexes, and that its tables, triggers and views are the ones that the
// schema makes.
#pragma once

#include "store/verification.hpp"

namespace daybook {

/// SQLite's own check of pages, indexes and constraints. Code: file_damaged.
void verify_pages(Verification& verification);

/// Compares the text of every object with what schemas/sql makes. Codes: append_only_missing - a trigger that keeps the
/// logs append-only is not there or is another one; schema_differs - anything else is missing, changed or added (tables
/// of ANALYZE and plain indexes may be).
void verify_schema(Verification& verification);

}  // namespace daybook
