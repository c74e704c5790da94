#include "store/sqlite_error.hpp"

#include <fmt/format.h>

namespace daybook {

ErrorCode error_code_of(int rc) noexcept {
    switch (rc) {  // extended codes that mean something else than their family
        case SQLITE_READONLY_DBMOVED:
            return ErrorCode::io_error;
        case SQLITE_CANTOPEN_ISDIR:
        case SQLITE_CANTOPEN_SYMLINK:
            return ErrorCode::unsupported_path;
        case SQLITE_IOERR_NOMEM:
            return ErrorCode::out_of_memory;
        case SQLITE_IOERR_CORRUPTFS:
            return ErrorCode::corrupt;
        default:
            break;
    }
    switch (rc & 0xff) {
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
            return ErrorCode::busy;
        case SQLITE_FULL:
            return ErrorCode::disk_full;
        case SQLITE_IOERR:
        case SQLITE_PROTOCOL:
            return ErrorCode::io_error;
        case SQLITE_CORRUPT:
            return ErrorCode::corrupt;
        case SQLITE_NOTADB:
            return ErrorCode::not_a_daybook;
        case SQLITE_READONLY:
            return ErrorCode::read_only;
        case SQLITE_PERM:
        case SQLITE_AUTH:
        case SQLITE_CANTOPEN:
            return ErrorCode::permission_denied;
        case SQLITE_NOMEM:
            return ErrorCode::out_of_memory;
        case SQLITE_INTERRUPT:
            return ErrorCode::cancelled;
        case SQLITE_TOOBIG:
            return ErrorCode::too_large;
        default:
            return ErrorCode::internal;
    }
}

void throw_sqlite_error(int rc, std::string_view detail, std::string_view attempted) {
    // The one way of refusing a file's header for which SQLite has no code of its own.
    const bool is_header = rc == SQLITE_ERROR && detail == "unsupported file format";
    const ErrorCode code = is_header ? ErrorCode::corrupt : error_code_of(rc);
    const std::string_view name = sqlite3_errstr(rc);
    const std::string which = name == detail ? fmt::format("{}", rc) : fmt::format("{} {}", name, rc);
    const std::string_view advice =
        code == ErrorCode::corrupt ? "; the file is damaged: restore it from a backup or a journal" : "";
    throw Error(code, fmt::format("{}: SQLite says \"{}\" ({}){}", attempted, detail, which, advice));
}

void throw_sqlite_error(sqlite3* db, std::string_view attempted) {
    const int rc = sqlite3_extended_errcode(db);
    const int family = rc & 0xff;
    // What a trigger refuses is one statement's trouble, and nothing is known of the file.
    const bool broken_rule = family == SQLITE_CONSTRAINT && rc != SQLITE_CONSTRAINT_TRIGGER;
    if (family == SQLITE_ERROR || family == SQLITE_MISMATCH || broken_rule)
        throw Error(
            ErrorCode::corrupt,
            fmt::format("{}: SQLite says \"{}\" ({} {}); what the file holds is not what Daybook put there: run "
                        "verify, and restore it from a backup or a journal",
                        attempted, sqlite3_errmsg(db), sqlite3_errstr(rc), rc));
    throw_sqlite_error(rc, sqlite3_errmsg(db), attempted);
}

}  // namespace daybook
