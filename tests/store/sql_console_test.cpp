#include <daybook/store/sql_console.hpp>

#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <thread>

#include <daybook/event/error.hpp>
#include <daybook/store/event_store.hpp>
#include <daybook/testkit/fake_clock.hpp>
#include <daybook/testkit/temp_directory.hpp>

#include "store/connection.hpp"

using namespace daybook;

namespace {

using Row = std::vector<SqlValue>;
using Rows = std::vector<Row>;

class Log {
  public:
    explicit Log(int events = 3) {
        EventStore store = EventStore::open(path(), {.access = Access::create});
        for (int i = 1; i <= events; ++i) {
            NewEvent event;
            event.type = "player:moved";
            event.payload = R"({"to":{"x":)" + std::to_string(i) + R"(},"tags":["a","b"]})";
            event.occurred_at = Timestamp{-1};
            store.append(event);
        }
        store.close();
    }
    [[nodiscard]] std::filesystem::path path() const { return directory_ / "log.daybook"; }
    [[nodiscard]] std::filesystem::path beside(std::string_view name) const { return directory_ / name; }

    [[nodiscard]] Rows query(std::string_view sql, const std::map<std::string, SqlValue>& parameters = {}) const {
        SqlConsole console(path());
        console.run(sql, parameters);
        Rows rows;
        while (const Row* row = console.next()) rows.push_back(*row);
        return rows;
    }
    [[nodiscard]] std::string refusal(std::string_view sql,
                                      const std::map<std::string, SqlValue>& parameters = {}) const {
        try {
            static_cast<void>(query(sql, parameters));
        } catch (const Error& error) {
            CHECK(error.code() == ErrorCode::invalid_sql);
            return error.what();
        }
        return "not refused";
    }
    // Changes the file as another program would.
    void tamper(const char* sql) const {
        Connection connection(path().string(), {.writable = true});
        connection.execute(sql);
    }

  private:
    testkit::TempDirectory directory_;
};

std::string schema_refusal(const Log& log) {
    try {
        SqlConsole console(log.path());
    } catch (const Error& error) {
        CHECK(error.code() == ErrorCode::corrupt);
        return error.what();
    }
    return "not refused";
}

}  // namespace

TEST_CASE("console: it reads the log, and the views that people use") {
    const Log log;
    CHECK(log.query("SELECT seq, type FROM events_log ORDER BY seq DESC LIMIT 1") ==
          Rows{{std::int64_t{3}, "player:moved"}});
    CHECK(log.query("SELECT occurred_at FROM events WHERE seq = 1") == Rows{{"1969-12-31T23:59:59.999999999Z"}});
    CHECK(log.query("SELECT count(*) FROM handler_status") == Rows{{std::int64_t{0}}});
}

TEST_CASE("console: JSON operators and tables work") {
    const Log log;
    CHECK(log.query("SELECT payload->>'$.to.x', payload->'to' FROM events_log WHERE seq = 2") ==
          Rows{{std::int64_t{2}, R"({"x":2})"}});
    CHECK(log.query("SELECT j.value FROM events_log, json_each(payload, '$.tags') AS j WHERE seq = 1") ==
          Rows{{"a"}, {"b"}});
    CHECK(log.query("SELECT count(*) FROM events_log, json_tree(payload) WHERE seq = 1") == Rows{{std::int64_t{6}}});
}

TEST_CASE("console: windows, dates, aggregates, recursion and EXPLAIN are allowed") {
    const Log log;
    CHECK(log.query("SELECT row_number() OVER (ORDER BY seq DESC) FROM events_log WHERE seq = 1") ==
          Rows{{std::int64_t{1}}});
    CHECK(log.query("SELECT strftime('%Y', 0, 'unixepoch'), group_concat(seq) FROM events_log") ==
          Rows{{"1970", "1,2,3"}});
    CHECK(log.query(
              "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 5) SELECT sum(i) FROM n") ==
          Rows{{std::int64_t{15}}});
    CHECK_FALSE(log.query("EXPLAIN QUERY PLAN SELECT * FROM events_log").empty());
    CHECK(log.query("SELECT count(*) FROM sqlite_schema WHERE name = 'events_log'") == Rows{{std::int64_t{1}}});
}

TEST_CASE("console: every way to write is refused and named") {
    const Log log;
    const std::string copy = log.beside("copy.db").string();
    const std::pair<std::string, const char*> statements[] = {
        {"VACUUM INTO '" + copy + "'", "VACUUM INTO is refused"},
        {"VACUUM", "VACUUM is refused"},
        {"ATTACH '" + copy + "' AS other", "ATTACH is refused"},
        {"DETACH main", "DETACH is refused"},
        {"PRAGMA query_only = OFF", "PRAGMA query_only is refused"},
        {"pragma journal_mode = delete", "PRAGMA journal_mode is refused"},
        {"INSERT INTO events_log DEFAULT VALUES", "INSERT INTO is refused"},
        {"WITH x AS (SELECT 1) INSERT INTO erasures SELECT 1, 2, 'x' FROM x", "INSERT into erasures is refused"},
        {"WITH x AS (SELECT 1) DELETE FROM events_log", "DELETE from events_log is refused"},
        {"UPDATE events_log SET type = 'x'", "UPDATE is refused"},
        {"DELETE FROM checkpoints", "DELETE is refused"},
        {"REPLACE INTO erasures VALUES (1, 2, '')", "REPLACE INTO is refused"},
        {"CREATE TABLE t(a)", "CREATE TABLE is refused"},
        {"create temp table t(a)", "CREATE TEMP TABLE is refused"},
        {"/* hidden */ CREATE -- here\n TEMPORARY VIEW v AS SELECT 1", "CREATE TEMPORARY VIEW is refused"},
        {"CREATE VIRTUAL TABLE t USING fts5(a)", "CREATE VIRTUAL TABLE is refused"},
        {"DROP TABLE events_log", "DROP TABLE is refused"},
        {"ALTER TABLE events_log RENAME TO x", "ALTER TABLE is refused"},
        {"REINDEX", "REINDEX is refused"},
        {"ANALYZE", "ANALYZE is refused"},
        {"BEGIN", "BEGIN is refused"},
        {"SAVEPOINT s", "SAVEPOINT is refused"},
        {"EXPLAIN DELETE FROM events_log", "DELETE from events_log is refused"}};
    for (const auto& [sql, refused] : statements) {
        const std::string message = log.refusal(sql);
        CHECK_THAT(message, Catch::Contains("this console only reads: ") && Catch::Contains(refused));
    }
    CHECK_FALSE(std::filesystem::exists(copy));
}

TEST_CASE("console: functions that load, allocate or reach out are refused and named") {
    const Log log;
    for (const char* call : {"load_extension('x')", "zeroblob(900000000)", "randomblob(10)",
                             "sqlite_compileoption_get(1)", "last_insert_rowid()", "changes()"}) {
        const std::string name = std::string(call).substr(0, std::string(call).find('('));
        CHECK_THAT(log.refusal("SELECT " + std::string(call)),
                   Catch::Contains("the function " + name + "() is refused"));
    }
    CHECK_THAT(log.refusal("SELECT fts3_tokenizer('simple')"), Catch::Contains("fts3_tokenizer"));
    CHECK_THAT(log.refusal("SELECT no_such_function(1)"), Catch::Contains("no such function"));
}

TEST_CASE("console: virtual tables other than those of JSON are refused") {
    const Log log;
    for (const char* table :
         {"pragma_table_info('events_log')", "pragma_database_list", "dbstat", "fts3tokenize('simple')"})
        CHECK_THAT(log.refusal("SELECT * FROM " + std::string(table)),
                   Catch::Contains("a virtual table other than json_each and json_tree, is refused"));
    // This one the console itself has used.
    CHECK_THAT(log.refusal("SELECT name FROM pragma_module_list"),
               Catch::Contains("the table pragma_module_list is refused"));
}

TEST_CASE("console: values and texts over their limits are refused") {
    const Log log;
    CHECK_THAT(log.refusal("SELECT hex(printf('%.*c', 10000000, 'x'))"),
               Catch::Contains("values may have 16777216 bytes"));
    CHECK_THAT(log.refusal("SELECT '" + std::string(1'000'001, 'x') + "'"), Catch::Contains("too large"));
    CHECK_THAT(log.refusal("SELECT " + std::string(5'000, '(') + "1" + std::string(5'000, ')')),
               Catch::Contains("[invalid_sql]"));
}

TEST_CASE("console: one statement at a time") {
    const Log log;
    CHECK_THAT(log.refusal("SELECT 1; SELECT 2"), Catch::Contains("more than one statement"));
    CHECK_THAT(log.refusal("SELECT 1; DROP TABLE events_log"), Catch::Contains("more than one statement"));
    CHECK_THAT(log.refusal(""), Catch::Contains("there is no statement"));
    CHECK_THAT(log.refusal(" ; -- nothing"), Catch::Contains("there is no statement"));
    CHECK_THAT(log.refusal(std::string_view("SELECT 1\0; SELECT 2", 19)), Catch::Contains("NUL"));
    CHECK(log.query("SELECT 1 ;; -- the end\n /* really */ ;") == Rows{{std::int64_t{1}}});
    CHECK_THAT(log.refusal("SELEKT 1"), Catch::Contains("syntax error"));
}

TEST_CASE("console: a query that never ends is stopped at its time limit, by the store's clock") {
    const Log log;
    class Hurrying final : public Clock {
      public:
        Timestamp now() override { return {}; }
        std::chrono::nanoseconds steady() override { return std::chrono::milliseconds(10 * ++looks_); }
        void sleep_for(std::chrono::nanoseconds) override {}

      private:
        int looks_ = 0;
    };
    SqlConsoleOptions options;
    options.store.clock = std::make_shared<Hurrying>();
    options.time_limit = std::chrono::seconds(1);
    SqlConsole console(log.path(), options);
    console.run("WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n");
    CHECK_THROWS_WITH(static_cast<void>(console.next()),
                      Catch::Contains("longer than 1000 ms") && Catch::Contains("[time_limit]"));
    CHECK(console.next() == nullptr);
    console.run("SELECT 1");
    CHECK(console.next() != nullptr);
}

TEST_CASE("console: the time limit holds for many quick rows, too") {
    const Log log;
    const auto clock = std::make_shared<testkit::FakeClock>();
    SqlConsoleOptions options;
    options.store.clock = clock;
    SqlConsole console(log.path(), options);
    console.run("SELECT seq FROM events_log");
    REQUIRE(console.next() != nullptr);
    clock->advance(std::chrono::minutes(1));
    CHECK_THROWS_WITH(static_cast<void>(console.next()), Catch::Contains("[time_limit]"));
}

TEST_CASE("console: interrupt() from another thread stops a query") {
    const Log log;
    SqlConsole console(log.path());
    console.run("WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n");
    std::thread other([&console] { console.interrupt(); });
    CHECK_THROWS_WITH(static_cast<void>(console.next()), Catch::Contains("[cancelled]"));
    other.join();
}

TEST_CASE("console: parameters are bound by name, each once, none left over") {
    const Log log;
    CHECK(log.query("SELECT :a, :b, :a", {{"a", std::int64_t{7}}, {"b", "x"}}) ==
          Rows{{std::int64_t{7}, "x", std::int64_t{7}}});
    CHECK_THAT(log.refusal("SELECT :a"), Catch::Contains("the parameter :a has no value"));
    CHECK_THAT(log.refusal("SELECT 1", {{"a", std::int64_t{7}}}), Catch::Contains("no parameter :a"));
    CHECK_THAT(log.refusal("SELECT ?", {}), Catch::Contains("parameter ? is not written :NAME"));
    CHECK_THAT(log.refusal("SELECT @a", {{"a", std::int64_t{7}}}),
               Catch::Contains("parameter @a is not written :NAME"));
    CHECK(log.query("SELECT :a", {{"a", "'; DROP TABLE events_log; --"}}) == Rows{{"'; DROP TABLE events_log; --"}});
}

TEST_CASE("console: all five kinds of values go in and come out unchanged") {
    const Log log;
    const Row values = {std::monostate{},
                        std::numeric_limits<std::int64_t>::min(),
                        std::numeric_limits<std::int64_t>::max(),
                        0.1,
                        -std::numeric_limits<double>::infinity(),
                        std::string("a\0b", 3),
                        std::string(),
                        SqlBlob{std::string("\0\xff", 2)},
                        SqlBlob{}};
    std::map<std::string, SqlValue> parameters;
    std::string sql = "SELECT ";
    for (std::size_t i = 0; i < values.size(); ++i) {
        parameters["p" + std::to_string(i)] = values[i];
        sql += (i == 0 ? ":p" : ", :p") + std::to_string(i);
    }
    CHECK(log.query(sql, parameters) == Rows{values});
    CHECK(log.query("SELECT x'00ff', -9223372036854775808, 9223372036854775807, 'a' || char(0) || 'b'") ==
          Rows{{SqlBlob{std::string("\0\xff", 2)}, values[1], values[2], std::string("a\0b", 3)}});
}

TEST_CASE("console: columns are named as SQLite names them, also twice the same") {
    const Log log;
    SqlConsole console(log.path());
    console.run("SELECT seq, seq AS x, type AS seq FROM events_log");
    CHECK(console.columns() == std::vector<std::string>{"seq", "x", "seq"});
}

TEST_CASE("console: an error while running is told, and the console goes on") {
    const Log log;
    SqlConsole console(log.path());
    console.run("SELECT abs(-9223372036854775808)");
    CHECK_THROWS_WITH(static_cast<void>(console.next()),
                      Catch::Contains("integer overflow") && Catch::Contains("[invalid_sql]"));
    console.run("SELECT payload->>'$.' FROM events_log");
    CHECK_THROWS_WITH(static_cast<void>(console.next()), Catch::Contains("JSON path error"));
    console.run("SELECT 1");
    CHECK(console.next() != nullptr);
    CHECK(console.next() == nullptr);
}

TEST_CASE("console: a double-quoted word that names nothing is an error, not a string") {
    CHECK_THAT(Log().refusal("SELECT \"tpye\" FROM events_log"), Catch::Contains("no such column: tpye"));
}

TEST_CASE("console: a file whose view was changed is refused before anything is run") {
    const Log log;
    log.tamper("DROP VIEW events; CREATE VIEW events AS SELECT 1 AS seq");
    CHECK_THAT(schema_refusal(log), Catch::Contains("the view 'events' is not the one of schema version 1"));
}

TEST_CASE("console: triggers, views, tables and clever indexes that are not ours are refused and named") {
    const std::pair<const char*, const char*> strangers[] = {
        {"CREATE TRIGGER t AFTER INSERT ON checkpoints BEGIN SELECT 1; END", "the trigger 't' is not one of Daybook's"},
        {"CREATE VIEW mine AS SELECT 1", "the view 'mine' is not one of Daybook's"},
        {"CREATE TABLE extra(a)", "the table 'extra' is not one of Daybook's"},
        {"CREATE INDEX i ON events_log(lower(type))", "the index 'i' is not one of Daybook's"},
        {"CREATE INDEX i ON events_log(type) WHERE version > 1", "the index 'i' is not one of Daybook's"},
        {"DROP TRIGGER events_log_no_delete", "the trigger 'events_log_no_delete' of schema version 1 is missing"}};
    for (const auto& [sql, message] : strangers) {
        const Log log;
        log.tamper(sql);
        CHECK_THAT(schema_refusal(log), Catch::Contains(message));
    }
}

TEST_CASE("console: ANALYZE's tables and an index of plain columns do no harm") {
    const Log log;
    log.tamper("ANALYZE; CREATE INDEX by_source ON events_log(source, seq)");
    CHECK(log.query("SELECT count(*) FROM events_log") == Rows{{std::int64_t{3}}});
}

TEST_CASE("console: a schema that is changed while the console is open is looked at again") {
    const Log log;
    SqlConsole console(log.path());
    console.run("SELECT 1");
    log.tamper("ANALYZE");
    console.run("SELECT value FROM json_each('[8]')");
    CHECK(*console.next() == Row{std::int64_t{8}});
    log.tamper("CREATE VIEW mine AS SELECT 1");
    CHECK_THROWS_WITH(console.run("SELECT 1"), Catch::Contains("the view 'mine'"));
}

TEST_CASE("console: it sees what was committed when the statement began") {
    const Log log;
    SqlConsole console(log.path());
    EventStore store = EventStore::open(log.path());
    console.run("SELECT count(*) FROM events_log");
    CHECK(*console.next() == Row{std::int64_t{3}});
    store.append(NewEvent{.type = "player:moved"});
    console.run("SELECT count(*) FROM events_log");
    CHECK(*console.next() == Row{std::int64_t{4}});
}

TEST_CASE("console: what is not a log is refused") {
    const testkit::TempDirectory directory;
    CHECK_THROWS_WITH(SqlConsole(directory / "none.daybook"), Catch::Contains("[no_such_file]"));
    std::ofstream(directory / "text") << std::string(5'000, 'x');
    CHECK_THROWS_WITH(SqlConsole(directory / "text"), Catch::Contains("[not_a_daybook]"));
}

TEST_CASE("console: options outside their limits are refused") {
    const Log log;
    CHECK_THROWS_WITH(SqlConsole(log.path(), {.time_limit = std::chrono::milliseconds(0), .value_bytes_max = 1}),
                      Catch::Contains("time_limit") && Catch::Contains("value_bytes_max"));
}
