#include "store/state_script.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "store/sqlite_error.hpp"

namespace daybook {

namespace {

struct NamedField {
    std::string_view name;
    EventField field;
};

constexpr std::array fields{
    NamedField{":seq", EventField::seq},
    NamedField{":id", EventField::id},
    NamedField{":type", EventField::type},
    NamedField{":event_version", EventField::event_version},
    NamedField{":stream", EventField::stream},
    NamedField{":version", EventField::version},
    NamedField{":source", EventField::source},
    NamedField{":correlation_id", EventField::correlation_id},
    NamedField{":causation_id", EventField::causation_id},
    NamedField{":occurred_at", EventField::occurred_at},
    NamedField{":recorded_at", EventField::recorded_at},
    NamedField{":tags", EventField::tags},
    NamedField{":payload", EventField::payload},
    NamedField{":metadata", EventField::metadata},
};

std::string field_list() {
    std::string list;
    for (const NamedField& field : fields) {
        if (!list.empty()) list += ' ';
        list += field.name;
    }
    return list;
}

// The beginning of a statement on one line.
std::string excerpt(std::string_view sql) {
    constexpr std::size_t bytes_max = 60;
    std::string line;
    for (const char c : sql) {
        const bool blank = c == ' ' || c == '\n' || c == '\t' || c == '\r';
        if (blank && (line.empty() || line.back() == ' ')) continue;
        line += blank ? ' ' : c;
        if (line.size() > bytes_max) {
            while (!line.empty() && (static_cast<unsigned char>(line.back()) & 0xC0U) == 0x80U) line.pop_back();
            if (!line.empty() && (static_cast<unsigned char>(line.back()) & 0x80U) != 0) line.pop_back();
            return line + "…";
        }
    }
    return line;
}

std::size_t lines_in(std::string_view text) noexcept {
    return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

// What the statement did wrong is the projection's fault, unless the machine failed.
ErrorCode code_for(int rc) noexcept {
    switch (rc & 0xff) {
        case SQLITE_NOMEM:
        case SQLITE_IOERR:
        case SQLITE_FULL:
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
        case SQLITE_CANTOPEN:
        case SQLITE_READONLY:
        case SQLITE_INTERRUPT:
            return error_code_of(rc);
        default:
            return ErrorCode::invalid_projection;
    }
}

std::string reason(StateConnection& connection, int rc) {
    // A refused function is an ordinary error to SQLite, anything else SQLITE_AUTH.
    const bool refused = (rc & 0xff) == SQLITE_AUTH || (rc & 0xff) == SQLITE_ERROR;
    if (refused && !connection.denied().empty()) return connection.denied();
    return sqlite3_errmsg(connection.handle());
}

int bind_text(sqlite3_stmt* statement, int index, std::string_view text) {
    return sqlite3_bind_text64(statement, index, text.empty() ? "" : text.data(), text.size(), SQLITE_STATIC,
                               SQLITE_UTF8);
}

int bind_optional(sqlite3_stmt* statement, int index, const std::optional<std::string_view>& text) {
    return text ? bind_text(statement, index, *text) : sqlite3_bind_null(statement, index);
}

int bind_field(sqlite3_stmt* statement, int index, EventField field, const EventView& event) {
    switch (field) {
        case EventField::seq:
            return sqlite3_bind_int64(statement, index, static_cast<std::int64_t>(event.seq.value));
        case EventField::id:
            return bind_text(statement, index, event.id);
        case EventField::type:
            return bind_text(statement, index, event.type);
        case EventField::event_version:
            return bind_text(statement, index, event.event_version);
        case EventField::stream:
            return bind_text(statement, index, event.stream);
        case EventField::version:
            return sqlite3_bind_int64(statement, index, static_cast<std::int64_t>(event.version.value));
        case EventField::source:
            return bind_text(statement, index, event.source);
        case EventField::correlation_id:
            return bind_optional(statement, index, event.correlation_id);
        case EventField::causation_id:
            return bind_optional(statement, index, event.causation_id);
        case EventField::occurred_at:
            return sqlite3_bind_int64(statement, index, event.occurred_at.ns);
        case EventField::recorded_at:
            return sqlite3_bind_int64(statement, index, event.recorded_at.ns);
        case EventField::tags:
            return bind_text(statement, index, event.tags);
        case EventField::payload:
            return bind_text(statement, index, event.payload);
        case EventField::metadata:
            return bind_text(statement, index, event.metadata);
    }
    return SQLITE_RANGE;
}

}  // namespace

std::size_t skip_blank_sql(std::string_view sql) noexcept {
    std::size_t at = 0;
    while (at < sql.size()) {
        const char c = sql[at];
        if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == ';') {
            ++at;
        } else if (sql.substr(at).starts_with("--")) {
            const std::size_t end = sql.find('\n', at);
            at = end == std::string_view::npos ? sql.size() : end + 1;
        } else if (sql.substr(at).starts_with("/*")) {
            const std::size_t end = sql.find("*/", at + 2);
            at = end == std::string_view::npos ? sql.size() : end + 2;
        } else {
            break;
        }
    }
    return at;
}

// Walks through a script, one statement at a time.
struct StateScript::Reader {
    StateConnection& connection;
    const SqlScript& script;
    std::string_view rest = script.sql;
    std::size_t line = script.first_line;
    std::size_t number = 0;

    std::string where(std::size_t at_line, std::string_view sql) const {
        return fmt::format("{}:{}: statement {} ({})", script.file, at_line, number, excerpt(sql));
    }

    // Prepares the next statement; false at the end.
    bool next(Item& item, bool event_is_there) {
        const std::size_t blank = skip_blank_sql(rest);
        line += lines_in(rest.substr(0, blank));
        rest.remove_prefix(blank);
        if (rest.empty()) return false;
        ++number;
        const StateConnection::Speaking speaking(connection, StateSpeaker::projection);
        sqlite3_stmt* raw = nullptr;
        const char* tail = nullptr;
        const int rc = sqlite3_prepare_v3(connection.handle(), rest.data(), static_cast<int>(rest.size()),
                                          event_is_there ? SQLITE_PREPARE_PERSISTENT : 0, &raw, &tail);
        if (rc != SQLITE_OK) {
            std::size_t at_line = line;
#if SQLITE_VERSION_NUMBER >= 3038000
            const int offset = sqlite3_error_offset(connection.handle());
            if (offset > 0 && static_cast<std::size_t>(offset) <= rest.size())
                at_line += lines_in(rest.substr(0, static_cast<std::size_t>(offset)));
#endif
            throw Error(code_for(rc), fmt::format("prepare {}: {}", where(at_line, rest), reason(connection, rc)));
        }
        item.statement.reset(raw);
        if (raw == nullptr) {  // an unfinished comment at the end
            rest = {};
            return false;
        }
        const auto bytes = static_cast<std::size_t>(tail - rest.data());
        item.where = where(line, rest.substr(0, bytes));
        line += lines_in(rest.substr(0, bytes));
        rest.remove_prefix(bytes);
        find_bindings(item, event_is_there);
        return true;
    }

    static void find_bindings(Item& item, bool event_is_there) {
        item.bindings.clear();
        const int count = sqlite3_bind_parameter_count(item.statement.get());
        for (int index = 1; index <= count; ++index) {
            const char* name = sqlite3_bind_parameter_name(item.statement.get(), index);
            if (!event_is_there)
                throw Error(
                    ErrorCode::invalid_projection,
                    fmt::format("prepare {}: parameter {} in @init, where there is no event; only @on parts have one",
                                item.where, name == nullptr ? "?" : name));
            const auto* found = std::find_if(fields.begin(), fields.end(), [name](const NamedField& field) {
                return name != nullptr && field.name == name;
            });
            if (found == fields.end())
                throw Error(ErrorCode::invalid_projection,
                            fmt::format("prepare {}: no event has a parameter {}; there are {}", item.where,
                                        name == nullptr ? "?" : name, field_list()));
            item.bindings.push_back({index, found->field});
        }
    }
};

StateScript StateScript::prepare(StateConnection& connection, const SqlScript& script) {
    StateScript result;
    Reader reader{.connection = connection, .script = script};
    for (Item item; reader.next(item, true);) result.items_.push_back(std::exchange(item, {}));
    return result;
}

void StateScript::run_init(StateConnection& connection, const SqlScript& script) {
    Reader reader{.connection = connection, .script = script};
    connection.clock().clear();
    for (Item item; reader.next(item, false);) {
        const StateConnection::Speaking speaking(connection, StateSpeaker::projection);
        int rc = SQLITE_ROW;
        while (rc == SQLITE_ROW) rc = sqlite3_step(item.statement.get());
        if (rc != SQLITE_DONE) throw Error(code_for(rc), fmt::format("run {}: {}", item.where, reason(connection, rc)));
        if (connection.clock().refused())
            throw Error(ErrorCode::invalid_projection,
                        fmt::format("run {}: there is no \"now\" in @init, because there is no event yet", item.where));
    }
}

void StateScript::run(StateConnection& connection, const EventView& event) {
    const StateConnection::Speaking speaking(connection, StateSpeaker::projection);
    for (Item& item : items_) {
        sqlite3_stmt* statement = item.statement.get();
        int rc = SQLITE_OK;
        for (const Binding& binding : item.bindings) {
            rc = bind_field(statement, binding.index, binding.field, event);
            if (rc != SQLITE_OK) break;
        }
        if (rc == SQLITE_OK) rc = SQLITE_ROW;
        while (rc == SQLITE_ROW) rc = sqlite3_step(statement);
        if (rc == SQLITE_DONE) {
            sqlite3_reset(statement);
            continue;
        }
        const std::string why = reason(connection, rc);
        sqlite3_reset(statement);
        throw Error(code_for(rc), fmt::format("run {} for event seq {} ({} {}): {}", item.where, event.seq.value,
                                              event.type, event.id, why));
    }
}

}  // namespace daybook
