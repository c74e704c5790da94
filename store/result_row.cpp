#include "store/result_row.hpp"

#include <fmt/format.h>

#include <cstring>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include <daybook/event/error.hpp>

#include "event/json_scan.hpp"
#include "event/json_walk.hpp"

namespace daybook {

namespace {

[[noreturn]] void throw_damaged(sqlite3_stmt* row, int column, std::string_view wanted) {
    throw Error(ErrorCode::corrupt,
                fmt::format("read result {}: its {} is not {}: run verify", sqlite3_column_int64(row, 0),
                            sqlite3_column_name(row, column), wanted));
}

std::string_view text(sqlite3_stmt* row, int column) {
    if (sqlite3_column_type(row, column) != SQLITE_TEXT) throw_damaged(row, column, "text");
    const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(row, column));
    if (bytes == nullptr) throw Error(ErrorCode::out_of_memory, "read a result: SQLite is out of memory");
    return {bytes, static_cast<std::size_t>(sqlite3_column_bytes(row, column))};
}

void read_optional_text(sqlite3_stmt* row, int column, std::optional<std::string>& out) {
    if (sqlite3_column_type(row, column) == SQLITE_NULL) {
        out.reset();
    } else {
        if (!out) out.emplace();
        out->assign(text(row, column));
    }
}

std::int64_t integer(sqlite3_stmt* row, int column, std::int64_t smallest = std::numeric_limits<std::int64_t>::min()) {
    if (sqlite3_column_type(row, column) != SQLITE_INTEGER) throw_damaged(row, column, "an integer");
    const std::int64_t value = sqlite3_column_int64(row, column);
    if (value < smallest) throw_damaged(row, column, "in its range");
    return value;
}

std::uint64_t position(sqlite3_stmt* row, int column, std::int64_t smallest) {
    return static_cast<std::uint64_t>(integer(row, column, smallest));
}

std::optional<Timestamp> optional_time(sqlite3_stmt* row, int column) {
    if (sqlite3_column_type(row, column) == SQLITE_NULL) return std::nullopt;
    return Timestamp{integer(row, column)};
}

// Not with nlohmann::json: its destructor allocates, and ends the process when there is no memory.
void read_emitted(sqlite3_stmt* row, int column, std::vector<std::string>& out) {
    const std::string_view json = text(row, column);
    out.clear();
    if (json == "[]") return;
    try {
        check_json(json, {.bytes_max = json.size(), .nesting_max = 1, .what = "emitted ids"});
    } catch (const Error&) {
        throw_damaged(row, column, "a JSON array");
    }
    if (!json.starts_with('[')) throw_damaged(row, column, "a JSON array");
    JsonWalk walk(json);
    while (const auto item = walk.next()) {
        if (json_kind(item->value) != JsonKind::string) throw_damaged(row, column, "an array of ids");
        out.push_back(unescape_json(item->value));
    }
}

}  // namespace

void read_result_row(const Statement& statement, EventResult& result) {
    sqlite3_stmt* row = statement.handle();
    result.result_seq = ResultSequence{position(row, 0, 1)};
    result.event_seq = Sequence{position(row, 1, 1)};
    result.event_id.assign(text(row, 2));
    result.bus.assign(text(row, 3));
    result.handler.assign(text(row, 4));
    const std::int64_t attempt = integer(row, 5, 1);
    if (attempt > std::numeric_limits<std::uint32_t>::max()) throw_damaged(row, 5, "in its range");
    result.attempt = static_cast<std::uint32_t>(attempt);
    const auto status = result_status_from(text(row, 6));
    if (!status) throw_damaged(row, 6, "a known status");
    result.status = *status;
    result.owner.assign(text(row, 7));
    result.imported = integer(row, 8) != 0;
    read_optional_text(row, 9, result.result);
    read_optional_text(row, 10, result.error_type);
    read_optional_text(row, 11, result.error_message);
    result.started_at = optional_time(row, 12);
    result.finished_at = optional_time(row, 13);
    read_emitted(row, 14, result.emitted);
    read_optional_text(row, 15, result.note);
    result.events_head = Sequence{position(row, 16, 0)};
    result.recorded_at = Timestamp{integer(row, 17)};
    if (sqlite3_column_type(row, 18) != SQLITE_BLOB || sqlite3_column_bytes(row, 18) != 32)
        throw_damaged(row, 18, "32 bytes");
    std::memcpy(result.digest.bytes.data(), sqlite3_column_blob(row, 18), result.digest.bytes.size());
}

}  // namespace daybook
