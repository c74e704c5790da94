#include "store/console_rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <exception>
#include <utility>

namespace daybook {

namespace {

// SQLite's own scalar, aggregate, window, date, mathematical and JSON functions that neither write, load nor reveal
// anything outside the file, and do not make large values out of nothing. Some are of later versions than Debian's. Sorted.
// clang-format off
constexpr auto allowed_functions = std::to_array<std::string_view>({
    "->", "->>", "abs", "acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "avg", "ceil", "ceiling",
    "char", "coalesce", "concat", "concat_ws", "cos", "cosh", "count", "cume_dist", "current_date", "current_time",
    "current_timestamp", "date", "datetime", "degrees", "dense_rank", "exp", "first_value", "floor", "format",
    "glob", "group_concat", "hex", "if", "ifnull", "iif", "instr", "json", "json_array", "json_array_length",
    "json_error_position", "json_extract", "json_group_array", "json_group_object", "json_insert", "json_object",
    "json_patch", "json_pretty", "json_quote", "json_remove", "json_replace", "json_set", "json_type", "json_valid",
    "julianday", "lag", "last_value", "lead", "length", "like", "likelihood", "likely", "ln", "log", "log10",
    "log2", "lower", "ltrim", "max", "min", "mod", "nth_value", "ntile", "nullif", "octet_length", "percent_rank",
    "pi", "pow", "power", "printf", "quote", "radians", "random", "rank", "replace", "round", "row_number", "rtrim",
    "sign", "sin", "sinh", "soundex", "sqlite_version", "sqrt", "strftime", "string_agg", "substr", "substring",
    "subtype", "sum", "tan", "tanh", "time", "timediff", "total", "trim", "trunc", "typeof", "unhex", "unicode",
    "unixepoch", "unlikely", "upper"});
// clang-format on

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return out;
}

bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r';
}

// Removes blanks, comments and (if asked) semicolons from the front.
std::string_view skip_blanks(std::string_view sql, bool semicolons) {
    for (;;) {
        if (!sql.empty() && (is_blank(sql.front()) || (semicolons && sql.front() == ';'))) {
            sql.remove_prefix(1);
        } else if (sql.starts_with("--")) {
            sql.remove_prefix(std::min(sql.find('\n'), sql.size()));
        } else if (sql.starts_with("/*")) {
            const std::size_t end = sql.find("*/", 2);
            sql.remove_prefix(end == std::string_view::npos ? sql.size() : end + 2);
        } else {
            return sql;
        }
    }
}

// The next word in upper case, removed from `sql`; empty when the next token is none.
std::string take_word(std::string_view& sql) {
    sql = skip_blanks(sql, false);
    std::size_t bytes = 0;
    while (bytes < sql.size() && (std::isalnum(static_cast<unsigned char>(sql[bytes])) != 0 || sql[bytes] == '_'))
        ++bytes;
    std::string word(sql.substr(0, bytes));
    for (char& c : word) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    sql.remove_prefix(bytes);
    return word;
}

template <std::size_t n>
bool one_of(std::string_view word, const std::array<std::string_view, n>& words) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

std::string name_of(int action, std::string_view first, std::string_view second) {
    // Connecting a virtual table declares a table; see SqlConsole::Impl::begin().
    if (first == "sqlite_master" || first == "sqlite_temp_master")
        return "a change of the schema, or a virtual table other than json_each and json_tree,";
    switch (action) {
        case SQLITE_INSERT:
            return fmt::format("INSERT into {}", first);
        case SQLITE_UPDATE:
            return fmt::format("UPDATE of {}", first);
        case SQLITE_DELETE:
            return fmt::format("DELETE from {}", first);
        case SQLITE_PRAGMA:
            return fmt::format("PRAGMA {}", first);
        case SQLITE_ATTACH:
            return "ATTACH";  // also what VACUUM INTO does
        case SQLITE_DETACH:
            return "DETACH";
        case SQLITE_TRANSACTION:
            return fmt::format("{}", first);
        case SQLITE_SAVEPOINT:
            return fmt::format("SAVEPOINT {}", second);
        case SQLITE_CREATE_TABLE:
            return fmt::format("CREATE TABLE {}", first);
        case SQLITE_CREATE_TEMP_TABLE:
            return fmt::format("CREATE TEMP TABLE {}", first);
        case SQLITE_CREATE_VIEW:
        case SQLITE_CREATE_TEMP_VIEW:
            return fmt::format("CREATE VIEW {}", first);
        case SQLITE_CREATE_INDEX:
        case SQLITE_CREATE_TEMP_INDEX:
            return fmt::format("CREATE INDEX {}", first);
        case SQLITE_CREATE_TRIGGER:
        case SQLITE_CREATE_TEMP_TRIGGER:
            return fmt::format("CREATE TRIGGER {}", first);
        case SQLITE_CREATE_VTABLE:
            return fmt::format("CREATE VIRTUAL TABLE {}", first);
        case SQLITE_ALTER_TABLE:
            return "ALTER TABLE";
        case SQLITE_ANALYZE:
            return "ANALYZE";
        case SQLITE_REINDEX:
            return "REINDEX";
        default:
            return fmt::format("action {} on '{}'", action, first);
    }
}

void configure(sqlite3* db, int what, int value) {
    sqlite3_db_config(db, what, value, static_cast<int*>(nullptr));
}

}  // namespace

ConsoleRules::ConsoleRules(Connection& connection, std::size_t value_bytes_max) {
    {
        Statement modules(connection, "SELECT name FROM pragma_module_list");
        while (modules.step()) virtual_tables_.insert(lower(modules.text(0)));
        virtual_tables_.erase("json_each");
        virtual_tables_.erase("json_tree");
    }
    sqlite3* db = connection.handle();
    configure(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0);
    configure(db, SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, 0);
    configure(db, SQLITE_DBCONFIG_DQS_DML, 0);  // a misspelt "name" is an error, not a string
    configure(db, SQLITE_DBCONFIG_DQS_DDL, 0);
    sqlite3_limit(db, SQLITE_LIMIT_LENGTH, static_cast<int>(std::min<std::size_t>(value_bytes_max, 1'000'000'000)));
    sqlite3_limit(db, SQLITE_LIMIT_SQL_LENGTH, 1'000'000);
    sqlite3_limit(db, SQLITE_LIMIT_VDBE_OP, 1'000'000);
    sqlite3_limit(db, SQLITE_LIMIT_EXPR_DEPTH, 200);
    sqlite3_limit(db, SQLITE_LIMIT_COMPOUND_SELECT, 50);
    sqlite3_limit(db, SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 10'000);
    sqlite3_limit(db, SQLITE_LIMIT_VARIABLE_NUMBER, 1'000);
    sqlite3_limit(db, SQLITE_LIMIT_TRIGGER_DEPTH, 1);
    sqlite3_limit(db, SQLITE_LIMIT_WORKER_THREADS, 0);
    connection.execute("PRAGMA query_only = ON");
    sqlite3_set_authorizer(db, &ConsoleRules::ask, this);
}

std::string ConsoleRules::take_refusal() {
    return std::exchange(refusal_, {});
}

int ConsoleRules::ask(void* self, int action, const char* first, const char* second, const char*, const char*) {
    const auto text = [](const char* given) { return given == nullptr ? std::string_view() : std::string_view(given); };
    try {
        return static_cast<ConsoleRules*>(self)->judge(action, text(first), text(second));
    } catch (const std::exception&) {  // out of memory
        return SQLITE_DENY;
    }
}

int ConsoleRules::judge(int action, std::string_view first, std::string_view second) {
    if (!enforced_) return SQLITE_OK;
    switch (action) {
        case SQLITE_SELECT:
        case SQLITE_RECURSIVE:
            return SQLITE_OK;
        case SQLITE_READ: {
            const std::string table = lower(first);
            if (!table.starts_with("pragma_") && !virtual_tables_.contains(table)) return SQLITE_OK;
            refusal_ = fmt::format("the table {} is refused", first);
            return SQLITE_DENY;
        }
        case SQLITE_FUNCTION:
            if (is_allowed_function(lower(second))) return SQLITE_OK;
            refusal_ = fmt::format("the function {}() is refused", second);
            return SQLITE_DENY;
        default:
            if (refusal_.empty()) refusal_ = name_of(action, first, second) + " is refused";
            return SQLITE_DENY;
    }
}

bool is_allowed_function(std::string_view name) {
    return one_of(name, allowed_functions);
}

std::string refusal_of_first_words(std::string_view sql) {
    constexpr auto refused = std::to_array<std::string_view>(
        {"ALTER",     "ANALYZE", "ATTACH", "BEGIN",  "COMMIT",  "CREATE",  "DELETE",  "DETACH",
         "DROP",      "END",     "INSERT", "PRAGMA", "REINDEX", "RELEASE", "REPLACE", "ROLLBACK",
         "SAVEPOINT", "UPDATE",  "VACUUM", "COPY",   "GRANT",   "SET",     "TRUNCATE"});
    constexpr auto following = std::to_array<std::string_view>(
        {"TABLE", "INDEX", "VIEW", "TRIGGER", "TEMP", "TEMPORARY", "UNIQUE", "VIRTUAL", "INTO", "DATABASE", "OR"});
    sql = skip_blanks(sql, true);
    std::string words = take_word(sql);
    if (!one_of(words, refused)) return {};
    if (words == "PRAGMA") return fmt::format("PRAGMA {} is refused", lower(take_word(sql)));
    for (std::string next = take_word(sql); one_of(next, following); next = take_word(sql)) words += " " + next;
    return words + " is refused";
}

bool is_blank_sql(std::string_view sql) {
    return skip_blanks(sql, true).empty();
}

}  // namespace daybook
