#include "store/schema.hpp"

#include <fmt/format.h>

#include <daybook/event/error.hpp>

namespace daybook {

SchemaReading read_schema(Connection& connection) {
    // One statement is one snapshot; both pragmas are read through their table-valued functions.
    Statement statement = connection.prepare(
        "SELECT (SELECT application_id FROM pragma_application_id), (SELECT user_version FROM pragma_user_version),"
        " (SELECT count(*) FROM (SELECT 1 FROM sqlite_schema LIMIT 1)),"
        " (SELECT encoding = 'UTF-8' FROM pragma_encoding)");
    const ResetGuard guard(statement);
    if (!statement.step()) throw Error(ErrorCode::internal, "read the schema's version: no row");
    require_utf8(statement.integer(3) != 0 ? 1 : 2, sqlite3_db_filename(connection.handle(), "main"));
    SchemaReading reading{.application_id = statement.integer(0), .version = statement.integer(1)};
    const bool has_tables = statement.integer(2) != 0;
    if (reading.application_id == application_id) {
        reading.state = reading.version > schema_version   ? SchemaState::newer
                        : reading.version < schema_version ? SchemaState::older
                                                           : SchemaState::current;
    } else {
        reading.state = has_tables || reading.application_id != 0 ? SchemaState::foreign : SchemaState::empty;
    }
    return reading;
}

void require_utf8(std::uint32_t encoding, std::string_view path) {
    if (encoding > 1)
        throw Error(ErrorCode::not_a_daybook,
                    fmt::format("open {}: its text is UTF-16, a Daybook's is UTF-8; give another path", path));
}

void require_readable_schema(const SchemaReading& reading, std::string_view path) {
    switch (reading.state) {
        case SchemaState::current:
            return;
        case SchemaState::empty:
            throw Error(
                ErrorCode::not_a_daybook,
                fmt::format("open {}: the file is new and holds no log yet: run `daybook init`, or open it for writing",
                            path));
        case SchemaState::foreign:
            throw Error(
                ErrorCode::not_a_daybook,
                fmt::format(
                    "open {}: it is another program's SQLite file (application_id {}, not {}); give a Daybook's path",
                    path, reading.application_id, application_id));
        case SchemaState::older:
            throw Error(
                ErrorCode::schema_too_old,
                fmt::format(
                    "open {}: its schema is version {}, this program reads {}: open it for writing once to migrate it",
                    path, reading.version, schema_version));
        case SchemaState::newer:
            throw Error(
                ErrorCode::schema_too_new,
                fmt::format("open {}: its schema is version {}, this program knows up to {}: use a newer Daybook", path,
                            reading.version, schema_version));
    }
}

void migrate(Connection& connection, const SchemaReading& from, const NewStore& made) {
    const bool is_new = from.state == SchemaState::empty;
    connection.execute("BEGIN IMMEDIATE");
    try {
        for (const Migration& migration : embedded_migrations())
            if (is_new || migration.version > from.version) connection.execute(std::string(migration.sql).c_str());
        connection.execute(fmt::format("PRAGMA application_id = {}", application_id).c_str());
        connection.execute(fmt::format("PRAGMA user_version = {}", schema_version).c_str());
        if (is_new) {
            const std::string store_id = made.id.to_string();
            const std::string created_by = fmt::format("daybook {}", program_version());
            Statement insert = connection.prepare(
                "INSERT INTO store_info (id, store_id, created_at, created_by, run_events) VALUES (1, ?, ?, ?, ?)");
            insert.bind(1, std::string_view(store_id)).bind(2, made.created_at).bind(3, std::string_view(created_by));
            insert.bind(4, made.run_events);
            insert.run();
        }
        connection.execute("COMMIT");
    } catch (...) {
        connection.rollback();
        throw;
    }
}

}  // namespace daybook
