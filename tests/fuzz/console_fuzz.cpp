// The SQL console: whatever the statement, it writes no file, ends by its deadline and lets through only what reads.
//
// Input: SQL. Parameters :a and :b are given when the statement names them.
#include <sqlite3.h>
#include <unistd.h>
#include <ctime>
#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include <daybook/store/sql_console.hpp>

#include "fuzz/fuzz.hpp"
#include "fuzz/scratch.hpp"
#include "fuzz/small_log.hpp"

namespace daybook::fuzz {
namespace {

constexpr std::chrono::milliseconds time_limit{20};
constexpr std::chrono::milliseconds slack{400};  // between two looks at the clock
constexpr std::size_t value_bytes_max = 65'536;
constexpr std::size_t rows_max = 2'000;

// Time that this thread worked: a busy machine is no finding.
class WorkClock final : public Clock {
  public:
    [[nodiscard]] Timestamp now() override { return Timestamp{1'769'860'800'000'000'000}; }
    [[nodiscard]] std::chrono::nanoseconds steady() override {
        std::timespec now{};
        ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
        return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
    }
    void sleep_for(std::chrono::nanoseconds) override {}
};

// Name, size and time of change of every file but -shm, which readers share.
using Files = std::map<std::string, std::pair<std::uintmax_t, std::filesystem::file_time_type>>;

Files files_in(const std::filesystem::path& directory) {
    Files files;
    for (const auto& entry : std::filesystem::directory_iterator(directory)) {
        const std::string name = entry.path().filename().string();
        if (!name.ends_with("-shm")) files[name] = {entry.file_size(), entry.last_write_time()};
    }
    return files;
}

// A console on a log of its own, and SQLite without our rules beside it.
struct Desk {
    Desk() {
        closed_log().write(path);
        SqlConsoleOptions options;
        options.time_limit = time_limit;
        options.store.clock = clock;
        options.value_bytes_max = value_bytes_max;
        console = std::make_unique<SqlConsole>(path, options);
        require(sqlite3_open_v2(path.c_str(), &raw, SQLITE_OPEN_READONLY, nullptr) == SQLITE_OK, "SQLite opens it");
        before = files_in(scratch.path());
    }
    ~Desk() { sqlite3_close(raw); }
    Desk(const Desk&) = delete;
    Desk& operator=(const Desk&) = delete;

    // What SQLite itself says of the statement.
    [[nodiscard]] bool only_reads(std::string_view sql) const {
        sqlite3_stmt* statement = nullptr;
        const int rc = sqlite3_prepare_v2(raw, sql.data(), static_cast<int>(sql.size()), &statement, nullptr);
        const bool reads = rc == SQLITE_OK && statement != nullptr && sqlite3_stmt_readonly(statement) != 0 &&
                           sqlite3_column_count(statement) > 0;
        sqlite3_finalize(statement);
        return reads;
    }

    Scratch scratch{"console"};
    std::filesystem::path path = scratch / "log.db";
    std::shared_ptr<WorkClock> clock = std::make_shared<WorkClock>();
    std::unique_ptr<SqlConsole> console;
    sqlite3* raw = nullptr;
    Files before;
};

std::map<std::string, SqlValue> parameters_of(std::string_view sql) {
    std::map<std::string, SqlValue> parameters;
    if (sql.find(":a") != std::string_view::npos) parameters["a"] = std::int64_t{3};
    if (sql.find(":b") != std::string_view::npos) parameters["b"] = std::string("order:paid");
    return parameters;
}

std::size_t bytes_of(const SqlValue& value) {
    if (const auto* text = std::get_if<std::string>(&value)) return text->size();
    if (const auto* blob = std::get_if<SqlBlob>(&value)) return blob->bytes.size();
    return 0;
}

}  // namespace

void console(std::string_view sql) {
    static Desk desk;
    // Statements that name a file mean one of this directory.
    require(::chdir(desk.scratch.path().c_str()) == 0, "the scratch directory can be entered");
    const std::chrono::nanoseconds begin = desk.clock->steady();
    const Outcome rows{[&] {
        desk.console->run(sql, parameters_of(sql));
        std::size_t count = 0;
        while (const auto* row = desk.console->next()) {
            require(row->size() == desk.console->columns().size(), "a row has a cell for each column");
            for (const SqlValue& value : *row) require(bytes_of(value) <= value_bytes_max, "a value is capped");
            if (++count == rows_max) break;
        }
        return count;
    }};
    require(desk.clock->steady() - begin < time_limit + slack, "a statement ends by its deadline");
    require(files_in(desk.scratch.path()) == desk.before, "no file is written, and none is made");
    if (rows) {
        require(desk.only_reads(sql), "what is let through only reads, says SQLite");
    } else {
        require(rows.refused_as(ErrorCode::invalid_sql, ErrorCode::time_limit, ErrorCode::too_large),
                fmt::format("a statement is refused for what it says, {}", rows.refusal()));
    }
    desk.console->run("SELECT 1");
    require(desk.console->next() != nullptr, "the console answers the next statement");
}

}  // namespace daybook::fuzz
