// From SQLite's result codes to our one error type.
#pragma once

#include <sqlite3.h>

#include <string_view>

#include <daybook/event/error.hpp>

namespace daybook {

/// The code for an extended result code of a call that was not a COMMIT.
[[nodiscard]] ErrorCode error_code_of(int extended_result_code) noexcept;

/// Throws the Error for what went wrong with one of our own statements; `attempted` says what, on what: "append 3 events to
/// orders.db". The statements are always the same: where SQLite cannot run one (SQLITE_ERROR, SQLITE_CONSTRAINT,
/// SQLITE_MISMATCH), the tables or rows in the file are not what we put there, and the code is corrupt.
[[noreturn]] void throw_sqlite_error(sqlite3* db, std::string_view attempted);
[[noreturn]] void throw_sqlite_error(int extended_result_code, std::string_view detail, std::string_view attempted);

}  // namespace daybook
