// Which schema a file has, and how it gets ours: schemas/sql/*.sql, embedded in the library at build time.
//
// Only an opener for writing migrates, under the writer lock; see store/writing_file.hpp.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <daybook/event/timestamp.hpp>
#include <daybook/event/uuid.hpp>

#include "store/connection.hpp"

namespace daybook {

/// In the header of every Daybook, bytes 68 to 71: "Dayb". Not to be changed.
inline constexpr std::int64_t application_id = 0x44617962;
/// In user_version, bytes 60 to 63 of the header: the number of the last file of schemas/sql/ that was applied.
inline constexpr std::int64_t schema_version = 1;

/// Of SQLite's text encodings, bytes 56 to 59 of the header: 0 (no text yet) or 1. In UTF-16 names have another order.
/// Throws Error: not_a_daybook.
void require_utf8(std::uint32_t encoding, std::string_view path);

struct Migration {
    std::int64_t version;  ///< user_version after it
    std::string_view sql;
};

[[nodiscard]] std::span<const Migration> embedded_migrations() noexcept;
/// `0.1.0`.
[[nodiscard]] std::string_view program_version() noexcept;

enum class SchemaState : std::uint8_t { empty, foreign, older, current, newer };

struct SchemaReading {
    SchemaState state = SchemaState::empty;
    std::int64_t application_id = 0;
    std::int64_t version = 0;
};

/// Reads application_id, user_version and whether there are tables, in one read transaction.
[[nodiscard]] SchemaReading read_schema(Connection& connection);
/// Throws the Error that says why a file with this schema cannot be used for reading; nothing when it can.
void require_readable_schema(const SchemaReading& reading, std::string_view path);

/// What a new file gets for life.
struct NewStore {
    Uuid id;
    Timestamp created_at;
    std::uint64_t run_events;  ///< StoreOptions::run_events
};

/// Applies what is missing, in one transaction with application_id and user_version; a new file becomes `made`.
/// Needs the writer lock. Throws Error; then nothing is changed, or, when the commit itself failed, all of it may be.
void migrate(Connection& connection, const SchemaReading& from, const NewStore& made);

}  // namespace daybook
