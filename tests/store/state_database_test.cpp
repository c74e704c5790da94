#include <daybook/store/state_database.hpp>

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>

#include <daybook/event/error.hpp>
#include <daybook/testkit/fake_clock.hpp>
#include <daybook/testkit/temp_directory.hpp>

using namespace daybook;
using Catch::Matchers::Contains;
using testkit::TempDirectory;

namespace {

constexpr Timestamp recorded{1'528'988'400'123'456'789};  // 2018-06-14T15:00:00.123456789Z

EventView event_view(std::uint64_t seq = 42, std::string_view payload = R"({"n":1})") {
    EventView event{};
    event.seq = Sequence{seq};
    event.id = "id-42";
    event.type = "Shot";
    event.event_version = "3";
    event.stream = "match-1";
    event.version = Version{7};
    event.source = "feed";
    event.correlation_id = "run-1";
    event.occurred_at = Timestamp{1'000'000'000};
    event.recorded_at = recorded;
    event.tags = R"({"a":"b"})";
    event.payload = payload;
    event.metadata = "{}";
    return event;
}

const StateIdentity scoreboard{.projection = "scoreboard", .version = "1", .source_hash = {}, .window = "{}"};

Position start_position() {
    return {.store_id = *Uuid::parse("0190aaaa-0000-7000-8000-000000000001"), .seq = {}, .digest = {}};
}

Position position_at(std::uint64_t seq) {
    Position position = start_position();
    position.seq = Sequence{seq};
    position.digest.bytes[0] = static_cast<std::byte>(seq);
    return position;
}

SqlScript script(std::string sql, std::size_t line = 1) {
    return {.sql = std::move(sql), .file = "test.sql", .first_line = line};
}

void fill(StateDatabase& state, const std::string& init) {
    state.initialise(scoreboard, start_position(), {script(init)});
}

// A state with one table, filled by one statement for one event.
StateDatabase applied(const std::string& init, const std::string& on, const EventView& event = event_view()) {
    StateDatabase state = StateDatabase::in_memory();
    fill(state, init);
    const std::size_t reaction = state.prepare(script(on));
    state.begin();
    state.apply(reaction, event);
    state.commit({.position = position_at(event.seq.value), .events = 1});
    return state;
}

std::vector<std::vector<SqlValue>> all(StateRows rows) {
    std::vector<std::vector<SqlValue>> result;
    while (const auto* row = rows.next()) result.push_back(*row);
    return result;
}

SqlValue only(StateDatabase& state, const std::string& sql) {
    const auto rows = all(state.query(sql));
    REQUIRE(rows.size() == 1);
    REQUIRE(rows[0].size() == 1);
    return rows[0][0];
}

SqlValue text(std::string value) {
    return value;
}
SqlValue integer(std::int64_t value) {
    return value;
}

template <typename Call>
std::string refusal(ErrorCode code, Call call) {
    try {
        call();
    } catch (const Error& error) {
        CHECK(to_string(error.code()) == to_string(code));
        return error.what();
    }
    FAIL("nothing was refused");
    return {};
}

std::string refused_on(const std::string& on, const std::string& init = "CREATE TABLE t(x)") {
    return refusal(ErrorCode::invalid_projection, [&] { (void)applied(init, on); });
}

}  // namespace

TEST_CASE("state: every field of an event is bound under its name, times as integers, a missing cause as NULL") {
    StateDatabase state = applied(
        "CREATE TABLE t(seq, id, type, event_version, stream, version, source, correlation_id, causation_id, "
        "occurred_at, "
        "recorded_at, tags, payload, metadata)",
        "INSERT INTO t VALUES(:seq, :id, :type, :event_version, :stream, :version, :source, :correlation_id, "
        ":causation_id, :occurred_at, :recorded_at, :tags, :payload, :metadata)");
    const auto rows = all(state.table_rows("t"));
    REQUIRE(rows.size() == 1);
    CHECK(rows[0] == std::vector<SqlValue>{integer(42), text("id-42"), text("Shot"), text("3"), text("match-1"),
                                           integer(7), text("feed"), text("run-1"), SqlValue{}, integer(1'000'000'000),
                                           integer(recorded.ns), text(R"({"a":"b"})"), text(R"({"n":1})"), text("{}")});
}

TEST_CASE("state: an empty text is bound as a text, not as NULL") {
    EventView event = event_view();
    event.source = {};
    StateDatabase state = applied("CREATE TABLE t(x)", "INSERT INTO t VALUES(:source)", event);
    CHECK(only(state, "SELECT x FROM t") == text(""));
}

TEST_CASE(
    "state: a parameter that no event has is refused at load, with file, line, statement and the names there are") {
    StateDatabase state = StateDatabase::in_memory();
    fill(state, "CREATE TABLE t(x)");
    const std::string message = refusal(ErrorCode::invalid_projection, [&] {
        (void)state.prepare(script("INSERT INTO t VALUES(1);\n\n-- why\nINSERT INTO t VALUES(:paylod);", 10));
    });
    CHECK_THAT(message, Contains("test.sql:13: statement 2"));
    CHECK_THAT(message, Contains(":paylod"));
    CHECK_THAT(message, Contains(":payload"));
}

TEST_CASE("state: positional and other kinds of parameters are refused at load") {
    CHECK_THAT(refused_on("INSERT INTO t VALUES(?)"), Contains("no event has a parameter ?"));
    CHECK_THAT(refused_on("INSERT INTO t VALUES(@seq)"), Contains("@seq"));
    CHECK_THAT(refused_on("INSERT INTO t VALUES($seq)"), Contains("$seq"));
}

TEST_CASE("state: a parameter in @init is refused, because there is no event") {
    StateDatabase state = StateDatabase::in_memory();
    const std::string message =
        refusal(ErrorCode::invalid_projection, [&] { fill(state, "CREATE TABLE t(x); INSERT INTO t VALUES(:seq)"); });
    CHECK_THAT(message, Contains(":seq in @init"));
    CHECK_FALSE(state.identity());
    CHECK(state.tables().empty());
}

TEST_CASE("state: a syntax error names the line on which it is, not the line on which its statement begins") {
    StateDatabase state = StateDatabase::in_memory();
    fill(state, "CREATE TABLE t(x)");
    const std::string message = refusal(ErrorCode::invalid_projection,
                                        [&] { (void)state.prepare(script("SELECT 1;\nSELECT\n  x\n  FORM t;", 5)); });
    CHECK_THAT(message, Contains("test.sql:8: statement 2"));
}

TEST_CASE("state: triggers, strings and comments with semicolons are one statement each") {
    StateDatabase state = applied(
        "CREATE TABLE t(x); CREATE TABLE log(x);\n"
        "CREATE TRIGGER note AFTER INSERT ON t BEGIN INSERT INTO log VALUES(new.x || ';'); INSERT INTO log "
        "VALUES('b'); END;\n"
        "CREATE VIEW v AS SELECT count(*) AS n FROM log; CREATE INDEX i ON t(x); -- a; b\n /* ; */",
        "INSERT INTO t VALUES('a;') /* ; */; INSERT INTO t VALUES('c')");
    CHECK(only(state, "SELECT n FROM v") == integer(4));
}

TEST_CASE("state: now is the event's recorded_at, in every spelling") {
    StateDatabase state = applied(
        "CREATE TABLE t(a, b, c, d, e, f, g, h DEFAULT CURRENT_TIMESTAMP)",
        "INSERT INTO t(a, b, c, d, e, f, g) VALUES(datetime('now'), datetime(), CURRENT_TIMESTAMP, "
        "strftime('%Y-%m-%d %H:%M:%f', 'now'), unixepoch('NOW'), date('now', '+1 day'), CURRENT_DATE || CURRENT_TIME)");
    const std::string now = "2018-06-14 15:00:00";
    CHECK(all(state.table_rows("t"))[0] ==
          std::vector<SqlValue>{text(now), text(now), text(now), text("2018-06-14 15:00:00.123"),
                                integer(recorded.ns / 1'000'000'000), text("2018-06-15"), text("2018-06-1415:00:00"),
                                text(now)});
}

TEST_CASE("state: now is the next event's recorded_at for the next event, also before 1970") {
    StateDatabase state = StateDatabase::in_memory();
    fill(state, "CREATE TABLE t(x)");
    const std::size_t reaction = state.prepare(script("INSERT INTO t VALUES(strftime('%Y-%m-%d %H:%M:%f', 'now'))"));
    EventView event = event_view();
    state.begin();
    state.apply(reaction, event);
    event.recorded_at = Timestamp{-1};
    state.apply(reaction, event);
    state.commit({.position = position_at(43), .events = 2});
    const auto rows = all(state.table_rows("t"));
    CHECK(rows[0][0] == text("2018-06-14 15:00:00.123"));
    CHECK(rows[1][0] == text("1969-12-31 23:59:59.999"));
}

TEST_CASE("state: two states have two clocks") {
    StateDatabase a = StateDatabase::in_memory();
    StateDatabase b = StateDatabase::in_memory();
    for (StateDatabase* state : {&a, &b}) fill(*state, "CREATE TABLE t(x)");
    const std::size_t in_a = a.prepare(script("INSERT INTO t VALUES(unixepoch())"));
    const std::size_t in_b = b.prepare(script("INSERT INTO t VALUES(unixepoch())"));
    EventView event = event_view();
    a.begin();
    b.begin();
    a.apply(in_a, event);
    event.recorded_at = Timestamp{5'000'000'000};
    b.apply(in_b, event);
    a.commit({.position = position_at(1), .events = 1});
    b.commit({.position = position_at(1), .events = 1});
    CHECK(only(a, "SELECT x FROM t") == integer(recorded.ns / 1'000'000'000));
    CHECK(only(b, "SELECT x FROM t") == integer(5));
}

TEST_CASE("state: now in @init is refused in every spelling, and nothing is left behind") {
    for (const std::string now :
         {"date('now')", "datetime()", "CURRENT_TIMESTAMP", "strftime('%s', 'now')", "julianday('now')"}) {
        CAPTURE(now);
        StateDatabase state = StateDatabase::in_memory();
        const std::string message = refusal(ErrorCode::invalid_projection, [&] {
            fill(state, "CREATE TABLE t(x);\nINSERT INTO t VALUES(" + now + ")");
        });
        CHECK_THAT(message, Contains("test.sql:2: statement 2"));
        CHECK_THAT(message, Contains("no \"now\" in @init"));
        CHECK(state.tables().empty());
    }
}

TEST_CASE("state: times given as values work in @init and with modifiers") {
    StateDatabase state = StateDatabase::in_memory();
    fill(state, "CREATE TABLE t(x); INSERT INTO t VALUES(date('2018-06-14', 'start of month', '+1 month'))");
    CHECK(only(state, "SELECT x FROM t") == text("2018-07-01"));
}

TEST_CASE("state: functions whose answer depends on chance or on the connection's past are refused at load") {
    for (const std::string call :
         {"random()", "RANDOM()", "randomblob(4)", "changes()", "total_changes()", "last_insert_rowid()",
          "load_extension('x')", "sqlite_version()", "sqlite_source_id()"}) {
        CAPTURE(call);
        CHECK_THAT(refused_on("INSERT INTO t VALUES(" + call + ")"), Contains("() is refused"));
    }
}

TEST_CASE("state: a refused function is refused inside a view, a trigger, a default and a check too") {
    CHECK_THAT(refused_on("INSERT INTO t SELECT x FROM v", "CREATE TABLE t(x); CREATE VIEW v AS SELECT random() AS x"),
               Contains("random() is refused"));
    CHECK_THAT(refused_on("INSERT INTO t VALUES(1)",
                          "CREATE TABLE t(x); CREATE TABLE u(x);"
                          "CREATE TRIGGER g AFTER INSERT ON t BEGIN INSERT INTO u VALUES(random()); END"),
               Contains("random() is refused"));
    CHECK_THAT(refused_on("INSERT INTO t(y) VALUES(1)", "CREATE TABLE t(y, x DEFAULT (random()))"),
               Contains("random() is refused"));
    CHECK_THAT(refused_on("INSERT INTO t(x) VALUES(1)", "CREATE TABLE t(x CHECK (x < abs(random())))"),
               Contains("random() is refused"));
}

TEST_CASE("state: modifiers that depend on the machine's time zone are refused, also when computed") {
    for (const std::string call : {"date(1, 'unixepoch', 'localtime')", "datetime(1, 'unixepoch', 'LocalTime')",
                                   "strftime('%H', '2018-06-14', 'utc')", "time('12:00', 'local' || 'time')",
                                   "julianday('2018-06-14', 'localtime')", "unixepoch('2018-06-14', 'utc')"}) {
        CAPTURE(call);
        CHECK_THAT(refused_on("INSERT INTO t VALUES(" + call + ")"), Contains("time zone"));
    }
}

TEST_CASE("state: a projection reaches no other database, no setting, no transaction") {
    CHECK_THAT(refused_on("ATTACH 'other.db' AS other"), Contains("no ATTACH"));
    CHECK_THAT(refused_on("DETACH main"), Contains("no ATTACH or DETACH"));
    CHECK_THAT(refused_on("PRAGMA journal_mode = WAL"), Contains("PRAGMA journal_mode"));
    CHECK_THAT(refused_on("PRAGMA user_version"), Contains("PRAGMA user_version"));
    CHECK_THAT(refused_on("INSERT INTO t SELECT * FROM pragma_user_version"), Contains("PRAGMA"));
    CHECK_THAT(refused_on("COMMIT"), Contains("cannot begin or end transactions"));
    CHECK_THAT(refused_on("SAVEPOINT a"), Contains("cannot begin or end transactions"));
    CHECK_THAT(refused_on("VACUUM INTO 'copy.db'"), Contains("VACUUM"));
    CHECK_THAT(refused_on("CREATE TEMP TABLE x(y)"), Contains("temporary"));
    CHECK_THAT(refused_on("CREATE VIRTUAL TABLE x USING fts5(y)"), Contains("virtual tables"));
    CHECK_THAT(refused_on("INSERT INTO t SELECT pgno FROM dbstat"), Contains("dbstat"));
    CHECK_THAT(refused_on("INSERT INTO t SELECT payload FROM events_log"), Contains("no such table: events_log"));
    CHECK_THAT(refused_on("UPDATE sqlite_schema SET sql = ''"), Contains("sqlite_master may not be modified"));
}

TEST_CASE("state: ATTACH is refused in @init") {
    StateDatabase state = StateDatabase::in_memory();
    CHECK_THAT(refusal(ErrorCode::invalid_projection, [&] { fill(state, "ATTACH ':memory:' AS other"); }),
               Contains("no ATTACH"));
}

TEST_CASE("state: a projection can neither read nor change the bookkeeping") {
    for (const std::string on : {"INSERT INTO t SELECT seq FROM daybook_state", "UPDATE daybook_state SET seq = 9",
                                 "DELETE FROM daybook_state", "DROP TABLE daybook_state",
                                 "ALTER TABLE daybook_state ADD COLUMN x", "CREATE INDEX i ON daybook_state(seq)",
                                 "CREATE TRIGGER g AFTER UPDATE ON daybook_state BEGIN DELETE FROM t; END",
                                 "INSERT INTO DayBook_State(id) VALUES(2)"}) {
        CAPTURE(on);
        CHECK_THAT(refused_on(on), Contains("Daybook's own table"));
    }
}

TEST_CASE("state: tables can be altered and dropped, also with rows in them") {
    StateDatabase state = applied("CREATE TABLE t(x); CREATE TABLE u(y); INSERT INTO t VALUES(1)",
                                  "ALTER TABLE t ADD COLUMN z NOT NULL DEFAULT 5 CHECK (z > 1); DROP TABLE u;"
                                  "ALTER TABLE t RENAME COLUMN x TO w; ALTER TABLE t RENAME TO v");
    CHECK(state.tables() == std::vector<std::string>{"v"});
    CHECK(only(state, "SELECT w + z FROM v") == integer(6));
}

TEST_CASE("state: json functions, upserts, window functions and recursive queries work") {
    StateDatabase state = applied("CREATE TABLE t(k PRIMARY KEY, n)",
                                  "INSERT INTO t SELECT key, value FROM json_each(:payload, '$.a') WHERE true ON "
                                  "CONFLICT DO UPDATE SET n = n + excluded.n;"
                                  "WITH RECURSIVE c(i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM c WHERE i < 12) "
                                  "INSERT INTO t SELECT i, sum(i) OVER "
                                  "(ORDER BY i) FROM c",
                                  event_view(1, R"({"a":[5,6]})"));
    CHECK(only(state, "SELECT group_concat(k || '=' || n, ' ') FROM (SELECT * FROM t ORDER BY k)") ==
          text("0=5 1=6 10=10 11=21 12=33"));
}

TEST_CASE("state: a misspelt name in double quotes is an error, not a string") {
    CHECK_THAT(refused_on("INSERT INTO t SELECT \"z\" FROM t"), Contains("no such column: z"));
}

TEST_CASE("state: an error in an event names file, line, statement and event") {
    const std::string message =
        refused_on("INSERT INTO t VALUES(1);\nINSERT INTO t VALUES(1)", "CREATE TABLE t(x UNIQUE)");
    CHECK_THAT(message, Contains("test.sql:2: statement 2"));
    CHECK_THAT(message, Contains("seq 42 (Shot id-42)"));
    CHECK_THAT(message, Contains("UNIQUE constraint failed"));
}

TEST_CASE("state: a rolled back transaction leaves state and position as they were") {
    StateDatabase state = StateDatabase::in_memory();
    fill(state, "CREATE TABLE t(x UNIQUE)");
    const std::size_t good = state.prepare(script("INSERT INTO t VALUES(:seq)"));
    state.begin();
    state.apply(good, event_view(1));
    state.commit({.position = position_at(1), .events = 1});
    state.begin();
    state.apply(good, event_view(2));
    CHECK_THROWS_AS(state.apply(good, event_view(2)), Error);
    state.rollback();
    CHECK(only(state, "SELECT count(*) FROM t") == integer(1));
    CHECK(state.progress().position == position_at(1));
    CHECK(only(state, "SELECT seq FROM daybook_state") == integer(1));
}

TEST_CASE("state: a commit that failed cannot be repeated without its events") {
    StateDatabase state = StateDatabase::in_memory();
    fill(state,
         "CREATE TABLE team(id PRIMARY KEY); CREATE TABLE shot(team REFERENCES team DEFERRABLE INITIALLY DEFERRED)");
    const std::size_t reaction = state.prepare(script("INSERT INTO shot VALUES(7)"));
    state.begin();
    state.apply(reaction, event_view());
    const StateProgress progress{.position = position_at(42), .events = 1};
    CHECK_THROWS_AS(state.commit(progress), Error);
    CHECK_THAT(refusal(ErrorCode::internal, [&] { state.commit(progress); }), Contains("no transaction"));
    CHECK(only(state, "SELECT seq FROM daybook_state") == integer(0));
    CHECK(state.progress().events == 0);
}

TEST_CASE("state: a statement that never ends is ended by interrupt_when") {
    StateDatabase state = StateDatabase::in_memory();
    fill(state, "CREATE TABLE t(x)");
    const std::size_t endless = state.prepare(script(
        "INSERT INTO t WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c) SELECT i FROM c WHERE i < 0"));
    int asked = 0;
    state.interrupt_when([&asked] { return ++asked > 3; });
    state.begin();
    refusal(ErrorCode::cancelled, [&] { state.apply(endless, event_view()); });
    state.rollback();
    CHECK(asked == 4);
}

TEST_CASE("state file: it is kept with its position, and opens again") {
    const TempDirectory directory;
    const auto path = directory / "state.sqlite";
    {
        StateDatabase state = StateDatabase::create(path);
        fill(state, "CREATE TABLE t(x)");
        const std::size_t reaction = state.prepare(script("INSERT INTO t VALUES(:seq)"));
        state.begin();
        state.apply(reaction, event_view());
        state.commit({.position = position_at(42), .events = 1, .occurred_to = Timestamp{9}});
    }
    StateDatabase state = StateDatabase::open(path);
    CHECK(state.identity() == scoreboard);
    CHECK(state.progress() == StateProgress{.position = position_at(42), .events = 1, .occurred_to = Timestamp{9}});
    CHECK(only(state, "SELECT x FROM t") == integer(42));
    CHECK_FALSE(std::filesystem::exists(path.string() + "-wal"));
    CHECK_FALSE(std::filesystem::exists(path.string() + "-journal"));
}

TEST_CASE("state file: what was not committed is not there after reopening") {
    const TempDirectory directory;
    const auto path = directory / "state.sqlite";
    {
        StateDatabase state = StateDatabase::create(path);
        fill(state, "CREATE TABLE t(x)");
        const std::size_t reaction = state.prepare(script("INSERT INTO t VALUES(:seq)"));
        state.begin();
        state.apply(reaction, event_view());
    }
    StateDatabase state = StateDatabase::open(path);
    CHECK(only(state, "SELECT count(*) FROM t") == integer(0));
    CHECK(state.progress().position == start_position());
}

TEST_CASE("state file: one whose writer was killed in a commit opens again, as it was before that commit") {
    const TempDirectory directory;
    const auto path = directory / "state.sqlite";
    const auto killed = directory / "killed.sqlite";
    {
        StateDatabase state = StateDatabase::create(path);
        fill(state, "CREATE TABLE t(x)");
        const std::size_t reaction = state.prepare(script("INSERT INTO t VALUES(:seq)"));
        state.begin();
        state.apply(reaction, event_view());
        // The files as a kill between the journal's sync and the commit leaves them: the journal's header counts.
        std::filesystem::copy_file(path, killed);
        std::filesystem::copy_file(path.string() + "-journal", killed.string() + "-journal");
        std::fstream journal(killed.string() + "-journal", std::ios::in | std::ios::out | std::ios::binary);
        journal << "\xd9\xd5\x05\xf9\x20\xa1\x63\xd7\xff\xff\xff\xff";
    }
    CHECK(StateDatabase::inspect(killed) == StateFileKind::state);
    CHECK(std::filesystem::exists(killed.string() + "-journal"));
    StateDatabase state = StateDatabase::open(killed);
    CHECK(only(state, "SELECT count(*) FROM t") == integer(0));
    CHECK(state.progress().position == start_position());
    CHECK_FALSE(std::filesystem::exists(killed.string() + "-journal"));
}

TEST_CASE("state file: create never takes a path where something is") {
    const TempDirectory directory;
    const auto path = directory / "state.sqlite";
    std::ofstream(path) << "precious";
    refusal(ErrorCode::target_exists, [&] { (void)StateDatabase::create(path); });
    CHECK(std::filesystem::file_size(path) == 8);
}

TEST_CASE("state file: names that SQLite would read as something else are plain files") {
    const TempDirectory directory;
    const auto before = std::filesystem::current_path();
    std::filesystem::current_path(directory.path());
    for (const char* name : {":memory:", "file:x?mode=memory"}) {
        StateDatabase state = StateDatabase::create(name);
        fill(state, "CREATE TABLE t(x)");
        CHECK(std::filesystem::exists(directory / name));
    }
    std::filesystem::current_path(before);
}

TEST_CASE("state file: what is at a path is told apart without changing it") {
    const TempDirectory directory;
    CHECK(StateDatabase::inspect(directory / "nothing") == StateFileKind::missing);
    CHECK(StateDatabase::inspect(directory.path()) == StateFileKind::other);
    std::ofstream(directory / "empty").flush();
    CHECK(StateDatabase::inspect(directory / "empty") == StateFileKind::other);
    std::ofstream(directory / "text") << std::string(4096, 'x');
    CHECK(StateDatabase::inspect(directory / "text") == StateFileKind::other);
    {
        StateDatabase state = StateDatabase::create(directory / "state");
        fill(state, "CREATE TABLE t(x)");
    }
    CHECK(StateDatabase::inspect(directory / "state") == StateFileKind::state);
    refusal(ErrorCode::no_such_file, [&] { (void)StateDatabase::open(directory / "nothing"); });
    refusal(ErrorCode::target_exists, [&] { (void)StateDatabase::open(directory / "text"); });
}

TEST_CASE("state file: a state that another process has moved meanwhile is not written over") {
    const TempDirectory directory;
    const auto path = directory / "state.sqlite";
    StateDatabase first = StateDatabase::create(path);
    fill(first, "CREATE TABLE t(x)");
    StateDatabase second = StateDatabase::open(path);
    second.begin();
    second.commit({.position = position_at(5), .events = 5});
    CHECK_THAT(refusal(ErrorCode::busy, [&] { first.begin(); }), Contains("seq 5"));
}

TEST_CASE("state: a copy by bytes is equal, bookkeeping included, in memory and into a file") {
    const TempDirectory directory;
    StateDatabase state = applied("CREATE TABLE t(x)", "INSERT INTO t VALUES(:payload)");
    const std::string bytes = state.serialize();
    StateDatabase in_memory = StateDatabase::in_memory();
    in_memory.deserialize(bytes);
    StateDatabase in_file = StateDatabase::create(directory / "state");
    in_file.deserialize(bytes);
    for (StateDatabase* copy : {&in_memory, &in_file}) {
        CHECK(copy->identity() == state.identity());
        CHECK(copy->progress() == state.progress());
        CHECK(all(copy->table_rows("t")) == all(state.table_rows("t")));
        const std::size_t reaction = copy->prepare(script("INSERT INTO t VALUES(unixepoch())"));
        copy->begin();
        copy->apply(reaction, event_view(43));
        copy->commit({.position = position_at(43), .events = 2});
        CHECK(only(*copy, "SELECT count(*) FROM t") == integer(2));
    }
    CHECK(StateDatabase::open(directory / "state").progress().position == position_at(43));
}

TEST_CASE("state: bytes that are no state are refused") {
    StateDatabase state = StateDatabase::in_memory();
    refusal(ErrorCode::corrupt, [&] { state.deserialize("nonsense"); });
    refusal(ErrorCode::corrupt, [&] { state.deserialize(std::string(8192, 'x')); });
}

TEST_CASE("state query: rows come with their columns and types") {
    StateDatabase state = applied("CREATE TABLE t(x)", "SELECT 1");
    StateRows rows =
        state.query("SELECT NULL AS a, 1 AS b, 1.5 AS c, 'x' AS d, x'00ff' AS e, :p AS f", {{"p", text("v")}});
    CHECK(rows.columns() == std::vector<std::string>{"a", "b", "c", "d", "e", "f"});
    const auto* row = rows.next();
    REQUIRE(row != nullptr);
    CHECK(*row ==
          std::vector<SqlValue>{SqlValue{}, integer(1), 1.5, text("x"), SqlBlob{std::string("\0\xff", 2)}, text("v")});
    CHECK(rows.next() == nullptr);
    CHECK(rows.next() == nullptr);
}

TEST_CASE("state query: it cannot change the state, and says so") {
    StateDatabase state = applied("CREATE TABLE t(x)", "INSERT INTO t VALUES(1)");
    for (const std::string sql :
         {"DELETE FROM t", "CREATE TABLE u(x)", "PRAGMA user_version = 5", "ATTACH ':memory:' AS x", "BEGIN", "VACUUM",
          "WITH a AS (SELECT 1) INSERT INTO t SELECT * FROM a"}) {
        CAPTURE(sql);
        refusal(ErrorCode::invalid_sql, [&] { (void)state.query(sql); });
    }
    CHECK(only(state, "SELECT count(*) FROM t") == integer(1));
}

TEST_CASE("state query: one statement, its parameters all given, and no now") {
    StateDatabase state = applied("CREATE TABLE t(x)", "SELECT 1");
    CHECK_THAT(refusal(ErrorCode::invalid_sql, [&] { (void)state.query("SELECT 1; SELECT 2"); }),
               Contains("more than one"));
    CHECK_THAT(refusal(ErrorCode::invalid_sql, [&] { (void)state.query("-- nothing"); }), Contains("no statement"));
    CHECK_THAT(refusal(ErrorCode::invalid_sql, [&] { (void)state.query("SELECT :a"); }), Contains(":a was not given"));
    CHECK_THAT(refusal(ErrorCode::invalid_sql,
                       [&] {
                           (void)state.query("SELECT 1", {{"a", integer(1)}});
                       }),
               Contains("does not have"));
    CHECK_THAT(refusal(ErrorCode::invalid_sql, [&] { (void)all(state.query("SELECT date('now')")); }),
               Contains("no \"now\""));
    CHECK_THAT(refusal(ErrorCode::invalid_sql, [&] { (void)state.query("SELEC 1"); }), Contains("syntax error"));
    CHECK(all(state.query("SELECT 1; -- the end")).size() == 1);
}

TEST_CASE("state query: one that never ends is ended at its time limit") {
    class Ticking final : public Clock {
      public:
        Timestamp now() override { return {}; }
        std::chrono::nanoseconds steady() override { return now_ += std::chrono::seconds(1); }
        void sleep_for(std::chrono::nanoseconds) override {}

      private:
        std::chrono::nanoseconds now_{0};
    };
    StateDatabase state = StateDatabase::in_memory({.clock = std::make_shared<Ticking>()});
    fill(state, "CREATE TABLE t(x)");
    StateRows rows =
        state.query("WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c) SELECT i FROM c WHERE i < 0");
    refusal(ErrorCode::time_limit, [&] { (void)rows.next(); });
}

TEST_CASE("state tables: they come by name, and rows by primary key or rowid") {
    StateDatabase state = applied(
        "CREATE TABLE zebra(x); CREATE TABLE ant(k TEXT PRIMARY KEY, n); CREATE TABLE pair(a, b, PRIMARY KEY(b, a)) "
        "WITHOUT ROWID;"
        "CREATE TABLE counted(i INTEGER PRIMARY KEY AUTOINCREMENT); CREATE TABLE \"odd \"\" name\"(rowid)",
        "INSERT INTO zebra VALUES(3), (1), (2); INSERT INTO ant VALUES('b', 1), ('a', 2);"
        "INSERT INTO pair VALUES(1, 2), (2, 1); INSERT INTO counted DEFAULT VALUES; INSERT INTO \"odd \"\" name\" "
        "VALUES(5), (4)");
    CHECK(state.tables() == std::vector<std::string>{"ant", "counted", "odd \" name", "pair", "zebra"});
    const auto firsts = [&state](std::string_view table) {
        std::vector<SqlValue> values;
        for (const auto& row : all(state.table_rows(table))) values.push_back(row[0]);
        return values;
    };
    CHECK(firsts("zebra") == std::vector<SqlValue>{integer(3), integer(1), integer(2)});
    CHECK(firsts("ant") == std::vector<SqlValue>{text("a"), text("b")});
    CHECK(firsts("pair") == std::vector<SqlValue>{integer(2), integer(1)});
    CHECK(firsts("odd \" name") == std::vector<SqlValue>{integer(5), integer(4)});
    refusal(ErrorCode::not_found, [&] { (void)state.table_rows("nobody"); });
}

TEST_CASE("state options: values outside their limits are refused") {
    refusal(ErrorCode::invalid_argument, [] { (void)StateDatabase::in_memory({.cache_bytes = 1}); });
    refusal(ErrorCode::invalid_argument, [] { (void)StateDatabase::in_memory({.value_bytes_max = 1}); });
    refusal(ErrorCode::invalid_argument,
            [] { (void)StateDatabase::in_memory({.busy_timeout = std::chrono::milliseconds{-1}}); });
    refusal(ErrorCode::invalid_argument, [] { (void)StateDatabase::in_memory({.vfs_name = "no-such-vfs"}); });
}

TEST_CASE("state: a value larger than the limit is the projection's error") {
    StateDatabase state = StateDatabase::in_memory({.value_bytes_max = 10'000});
    fill(state, "CREATE TABLE t(x)");
    const std::size_t reaction = state.prepare(script("INSERT INTO t VALUES(zeroblob(20000))"));
    state.begin();
    refusal(ErrorCode::invalid_projection, [&] { state.apply(reaction, event_view()); });
    state.rollback();
}
