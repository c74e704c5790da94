#include "corrupt/sentinel.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <atomic>
#include <cstring>

namespace daybook::corrupttest {
namespace {

std::atomic<std::uint64_t> count{0};

void run_function(sqlite3_context* context, int, sqlite3_value**) {
    ++count;
    sqlite3_result_int(context, 1);
}

int run_collation(void*, int left_bytes, const void* left, int right_bytes, const void* right) {
    ++count;
    const int order = std::memcmp(left, right, static_cast<std::size_t>(std::min(left_bytes, right_bytes)));
    return order != 0 ? order : left_bytes - right_bytes;
}

int connect_table(sqlite3*, void*, int, const char* const*, sqlite3_vtab**, char**) {
    ++count;
    return SQLITE_ERROR;
}

int add_to_connection(sqlite3* db, const char**, const struct sqlite3_api_routines*) {
    constexpr int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;
    static const sqlite3_module module = [] {
        sqlite3_module made{};
        made.iVersion = 1;
        made.xCreate = connect_table;
        made.xConnect = connect_table;
        return made;
    }();
    sqlite3_create_function_v2(db, "ran", 0, flags, nullptr, run_function, nullptr, nullptr, nullptr);
    sqlite3_create_collation(db, "ran", SQLITE_UTF8, nullptr, run_collation);
    return sqlite3_create_module(db, "ran", &module, nullptr);
}

using EntryPoint = void (*)();

}  // namespace

Sentinel::Sentinel() {
    forget();
    sqlite3_auto_extension(reinterpret_cast<EntryPoint>(&add_to_connection));
}

Sentinel::~Sentinel() {
    sqlite3_cancel_auto_extension(reinterpret_cast<EntryPoint>(&add_to_connection));
}

std::uint64_t Sentinel::runs() const {
    return count;
}

void Sentinel::forget() {
    count = 0;
}

}  // namespace daybook::corrupttest
