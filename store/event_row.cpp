#include "store/event_row.hpp"

#include <fmt/format.h>

#include <cstring>
#include <optional>

#include <daybook/event/error.hpp>

namespace daybook {

namespace {

constexpr const char* names[] = {"seq",         "event_id", "type",           "event_version", "stream",
                                 "version",     "source",   "correlation_id", "causation_id",  "occurred_at",
                                 "recorded_at", "tags",     "payload",        "metadata",      "digest"};

[[noreturn]] void throw_damaged(sqlite3_stmt* row, int column, std::string_view wanted) {
    throw Error(ErrorCode::corrupt, fmt::format("read event {}: its {} is not {}: run verify",
                                                sqlite3_column_int64(row, 0), names[column], wanted));
}

// A column is found once and then looked at as a value, which costs a third of asking for its type, text and bytes by
// number. Such a value is not protected by the connection's mutex; these connections have none (SQLITE_OPEN_NOMUTEX) and
// are used by one thread at a time.
std::string_view any_text(sqlite3_value* value) {
    const auto* bytes = reinterpret_cast<const char*>(sqlite3_value_text(value));
    if (bytes == nullptr) throw Error(ErrorCode::out_of_memory, "read an event: SQLite is out of memory");
    return {bytes, static_cast<std::size_t>(sqlite3_value_bytes(value))};
}

std::string_view text(sqlite3_stmt* row, int column) {
    sqlite3_value* const value = sqlite3_column_value(row, column);
    if (sqlite3_value_type(value) != SQLITE_TEXT) throw_damaged(row, column, "text");
    return any_text(value);
}

std::optional<std::string_view> optional_text(sqlite3_stmt* row, int column) {
    sqlite3_value* const value = sqlite3_column_value(row, column);
    const int type = sqlite3_value_type(value);
    if (type == SQLITE_NULL) return std::nullopt;
    if (type != SQLITE_TEXT) throw_damaged(row, column, "text");
    return any_text(value);
}

std::int64_t integer(sqlite3_stmt* row, int column) {
    sqlite3_value* const value = sqlite3_column_value(row, column);
    if (sqlite3_value_type(value) != SQLITE_INTEGER) throw_damaged(row, column, "an integer");
    return sqlite3_value_int64(value);
}

}  // namespace

Sequence event_row_seq(const Statement& statement) {
    const std::int64_t seq = integer(statement.handle(), 0);
    if (seq <= 0) throw_damaged(statement.handle(), 0, "positive");
    return Sequence{static_cast<std::uint64_t>(seq)};
}

EventView event_row(const Statement& statement) {
    sqlite3_stmt* row = statement.handle();
    EventView event;
    event.seq = event_row_seq(statement);
    event.id = text(row, 1);
    event.type = text(row, 2);
    event.event_version = text(row, 3);
    event.stream = text(row, 4);
    const std::int64_t version = integer(row, 5);
    if (version <= 0) throw_damaged(row, 5, "positive");
    event.version = Version{static_cast<std::uint64_t>(version)};
    event.source = text(row, 6);
    event.correlation_id = optional_text(row, 7);
    event.causation_id = optional_text(row, 8);
    event.occurred_at = Timestamp{integer(row, 9)};
    event.recorded_at = Timestamp{integer(row, 10)};
    event.tags = text(row, 11);
    if (const auto payload = optional_text(row, 12)) {
        event.payload = *payload;
    } else {
        if (sqlite3_column_int64(row, 15) == 0) throw_damaged(row, 12, "there, and no erasure names this event");
        event.payload = "null";
    }
    event.metadata = text(row, 13);
    sqlite3_value* const digest = sqlite3_column_value(row, 14);
    if (sqlite3_value_type(digest) != SQLITE_BLOB || sqlite3_value_bytes(digest) != 32)
        throw_damaged(row, 14, "32 bytes");
    std::memcpy(event.digest.bytes.data(), sqlite3_value_blob(digest), event.digest.bytes.size());
    return event;
}

}  // namespace daybook
