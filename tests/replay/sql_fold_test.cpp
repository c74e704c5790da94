#include <daybook/replay/sql_fold.hpp>

#include <fstream>

#include <daybook/replay/moment.hpp>

#include "replay/replay_kit.hpp"

using namespace daybook;
using namespace daybook::test;
using Catch::Matchers::Contains;

namespace {

Projection parse(const std::string& parts) {
    return Projection::parse("-- projection: p\n-- version: 1\n" + parts, "p.sql");
}

std::string state_at(const Log& log, const Projection& projection, const Window& window) {
    Projected projected = project(log.reader(), projection, {.window = window});
    return json_of(projected.state);
}

std::string state_of_file(const std::filesystem::path& path) {
    StateDatabase state = StateDatabase::open(path);
    return json_of(state);
}

// {"seen":[…],"total":[{"n":…}]} of the numbers 1..n.
std::string counted(std::uint64_t n) {
    std::string json = R"({"seen":[)";
    for (std::uint64_t i = 1; i <= n; ++i)
        json += std::string(i > 1 ? "," : "") + R"({"seq":)" + std::to_string(i) + R"(,"n":)" + std::to_string(i) + "}";
    return json + R"(],"total":[{"n":)" + std::to_string(n * (n + 1) / 2) + "}]}";
}

}  // namespace

TEST_CASE("sql fold: the scoreboard of the design gives the score") {
    Log log;
    const auto shot = [&log](const std::string& type, const std::string& match, int team, bool goal) {
        log.append(
            {.type = type,
             .payload = R"({"teamId":)" + std::to_string(team) + R"(,"tags":[{"id":)" + (goal ? "101" : "102") + "}]}",
             .stream = match});
    };
    shot("Shot", "m1", 7, true);
    shot("Shot", "m1", 7, false);
    shot("Free Kick", "m1", 9, true);
    shot("Pass", "m1", 9, true);
    shot("Shot", "m2", 7, true);
    shot("Shot", "m1", 7, true);
    const Projection scoreboard = Projection::parse(
        "-- projection: scoreboard\n"
        "-- version: 1\n"
        "-- @init\n"
        "CREATE TABLE score(match TEXT, team INTEGER, goals INTEGER NOT NULL, PRIMARY KEY(match, team));\n"
        "-- @on Shot, \"Free Kick\"\n"
        "INSERT INTO score SELECT :stream, :payload->>'$.teamId', 1\n"
        " WHERE EXISTS (SELECT 1 FROM json_each(:payload, '$.tags') WHERE value->>'$.id' = 101)\n"
        "ON CONFLICT DO UPDATE SET goals = goals + 1;\n",
        "scoreboard.sql");
    CHECK(
        state_at(log, scoreboard, {}) ==
        R"({"score":[{"match":"m1","team":7,"goals":2},{"match":"m1","team":9,"goals":1},{"match":"m2","team":7,"goals":1}]})");
    CHECK(state_at(log, scoreboard, Window{.to_seq = Sequence{3}}) ==
          R"({"score":[{"match":"m1","team":7,"goals":1},{"match":"m1","team":9,"goals":1}]})");
}

TEST_CASE("sql fold: an event runs every part that matches it, in file order") {
    Log log;
    log.append({.type = "a:b"}).append({.type = "c"});
    const Projection projection = parse(
        "-- @init\nCREATE TABLE t(part, seq);\n"
        "-- @on a:*\nINSERT INTO t VALUES('first', :seq);\n"
        "-- @on c\nINSERT INTO t VALUES('second', :seq);\n"
        "-- @on *\nINSERT INTO t VALUES('third', :seq);\n"
        "-- @on a:b\nINSERT INTO t VALUES('fourth', :seq);\n");
    CHECK(
        state_at(log, projection, {}) ==
        R"({"t":[{"part":"first","seq":1},{"part":"third","seq":1},{"part":"fourth","seq":1},{"part":"second","seq":2},{"part":"third","seq":2}]})");
}

TEST_CASE("sql fold: now is each event's recorded_at") {
    Log log;
    log.append({.type = "a"}).append({.type = "a"});
    const Projection projection = parse(
        "-- @init\nCREATE TABLE t(now, recorded);\n-- @on a\nINSERT INTO t VALUES(unixepoch('now'), :recorded_at / "
        "1000000000);\n");
    Projected projected = project(log.reader(), projection);
    StateRows rows = projected.state.query("SELECT count(*), count(DISTINCT now), sum(now = recorded) FROM t");
    CHECK(*rows.next() == std::vector<SqlValue>{std::int64_t{2}, std::int64_t{2}, std::int64_t{2}});
}

TEST_CASE("sql fold: a window by time, on either axis, is that part of history") {
    Log log;
    log.append({.type = "Counted", .payload = R"({"n":1})", .occurred_at = Timestamp{100}});
    log.append({.type = "Counted", .payload = R"({"n":2})", .occurred_at = Timestamp{300}});
    log.append({.type = "Counted", .payload = R"({"n":3})", .occurred_at = Timestamp{200}});
    const Projection projection = counting();
    CHECK_THAT(state_at(log, projection, window_at(Timestamp{200})), Contains(R"("total":[{"n":4}])"));
    CHECK_THAT(state_at(log, projection, window_at(log.reader().find(Sequence{2})->recorded_at, TimeAxis::recorded)),
               Contains(R"("total":[{"n":3}])"));
}

TEST_CASE("sql fold: the report counts events and names the position, also past events that the window left out") {
    Log log;
    log.append_numbered(3).append({.type = "other", .stream = "elsewhere"});
    const Projected projected = project(log.reader(), counting(), {.window = {.stream = "main"}});
    CHECK(projected.report.events == 3);
    CHECK(projected.report.position == log.reader().position_at(Sequence{4}));
    CHECK(projected.state.progress().position == projected.report.position);
    CHECK_FALSE(projected.report.from_snapshot);
}

TEST_CASE("sql fold: an empty log gives the state of @init") {
    Log log;
    CHECK(state_at(log, counting(), {}) == R"({"seen":[],"total":[{"n":0}]})");
}

TEST_CASE("sql fold: a statement that does not parse is found before the first event") {
    Log log;
    const Projection projection = parse("-- @init\nCREATE TABLE t(x);\n-- @on never\nINSERT INTO nobody VALUES(1);\n");
    const std::string message =
        refusal(ErrorCode::invalid_projection, [&] { (void)project(log.reader(), projection); });
    CHECK_THAT(message, Contains("p.sql:6") && Contains("no such table: nobody"));
}

TEST_CASE("sql fold: reverse and a batch of nothing are refused") {
    Log log;
    refusal(ErrorCode::invalid_argument,
            [&] { (void)project(log.reader(), counting(), {.window = {.reverse = true}}); });
    refusal(ErrorCode::invalid_argument, [&] { (void)project(log.reader(), counting(), {.batch_events = 0}); });
}

TEST_CASE("sql fold: an error in an event names file, line, statement and event") {
    Log log;
    log.append_numbered(2).append({.type = "Counted", .payload = R"({"n":2})", .id = "bad"});
    const std::string message =
        refusal(ErrorCode::invalid_projection, [&] { (void)project(log.reader(), counting()); });
    CHECK_THAT(message, Contains("counting.sql:8: statement 1"));
    CHECK_THAT(message, Contains("seq 3 (Counted bad)"));
    CHECK_THAT(message, Contains("UNIQUE constraint failed: seen.n"));
}

TEST_CASE("project into: an error leaves the file at the event before, whatever the size of a batch") {
    for (const std::size_t batch : {1U, 2U, 3U, 4U, 100U}) {
        CAPTURE(batch);
        Log log;
        log.append_numbered(5).append({.type = "Counted", .payload = R"({"n":5})"}).append_numbered(1);
        const auto target = log.directory() / "state.sqlite";
        refusal(ErrorCode::invalid_projection,
                [&] { project_into(log.reader(), counting(), target, {.batch_events = batch}); });
        CHECK(state_of_file(target) == counted(5));
        CHECK(StateDatabase::open(target).progress().position == log.reader().position_at(Sequence{5}));
    }
}

TEST_CASE("project into: a batch whose commit is refused is not counted as applied") {
    Log log;
    log.append({.type = "a"}).append({.type = "a"}).append({.type = "a"});
    // What is missing is found at the commit, not at the statement.
    const Projection projection = parse(
        "-- @init\nCREATE TABLE team(id INTEGER PRIMARY KEY);\n"
        "CREATE TABLE t(n, team REFERENCES team DEFERRABLE INITIALLY DEFERRED);\n"
        "-- @on a\nINSERT INTO t VALUES(:seq, CASE :seq WHEN 1 THEN NULL ELSE 99 END);\n");
    testkit::TempDirectory directory;
    const auto target = directory / "state.sqlite";
    for (const std::size_t batch : {std::size_t{1}, std::size_t{2}, std::size_t{100}}) {
        CHECK_THROWS_AS(project_into(log.reader(), projection, target, {.replace = true, .batch_events = batch}),
                        Error);
        StateDatabase state = StateDatabase::open(target);
        StateRows rows = state.query("SELECT count(*), (SELECT seq FROM daybook_state) FROM t");
        const std::vector<SqlValue>* row = rows.next();
        REQUIRE(row != nullptr);
        CHECK((*row)[0] == (*row)[1]);
    }
}

TEST_CASE("project into: an event whose second statement fails is not half applied") {
    Log log;
    log.append({.type = "a", .payload = "1"}).append({.type = "a", .payload = "-1"});
    const Projection projection = parse(
        "-- @init\nCREATE TABLE t(x); CREATE TABLE u(x CHECK (x > 0));\n"
        "-- @on a\nINSERT INTO t VALUES(:payload);\nINSERT INTO u VALUES(CAST(:payload AS INTEGER));\n");
    const auto target = log.directory() / "state.sqlite";
    refusal(ErrorCode::invalid_projection, [&] { project_into(log.reader(), projection, target); });
    CHECK(state_of_file(target) == R"({"t":[{"x":"1"}],"u":[{"x":1}]})");
}

TEST_CASE(
    "project into: after the cause of an error is gone, it goes on from there to the same state as from scratch") {
    Log log;
    log.append_numbered(5);
    const auto target = log.directory() / "state.sqlite";
    SqlFoldOptions options;
    int asked = 0;
    options.hooks.cancelled = [&asked] { return ++asked > 3; };
    refusal(ErrorCode::cancelled, [&] { project_into(log.reader(), counting(), target, options); });
    CHECK(state_of_file(target) == counted(3));
    const SqlFoldReport report = project_into(log.reader(), counting(), target);
    CHECK(report.continued_from == Sequence{3});
    CHECK(report.events == 2);
    CHECK(state_of_file(target) == counted(5));
}

TEST_CASE("project into: an existing state of the same fold goes on when the log has grown") {
    Log log;
    log.append_numbered(3);
    const auto target = log.directory() / "state.sqlite";
    const SqlFoldReport first = project_into(log.reader(), counting(), target);
    CHECK(first.events == 3);
    CHECK_FALSE(first.continued_from);
    log.append_numbered(4);
    const SqlFoldReport second = project_into(log.reader(), counting(), target);
    CHECK(second.continued_from == Sequence{3});
    CHECK(second.events == 4);
    CHECK(state_of_file(target) == counted(7));
    CHECK(project_into(log.reader(), counting(), target).events == 0);
}

TEST_CASE("project into: upper bounds and the limit may move forward, not backward") {
    Log log;
    log.append_numbered(9);
    const auto target = log.directory() / "state.sqlite";
    const auto into = [&](const Window& window) { project_into(log.reader(), counting(), target, {.window = window}); };
    into({.to_seq = Sequence{2}});
    CHECK(state_of_file(target) == counted(2));
    into({.limit = 3});
    CHECK(state_of_file(target) == counted(3));
    into({.to = log.reader().find(Sequence{6})->recorded_at, .axis = TimeAxis::recorded});
    CHECK(state_of_file(target) == counted(5));
    into({.limit = 7});
    CHECK(state_of_file(target) == counted(7));
    CHECK_THAT(refusal(ErrorCode::target_exists, [&] { into({.to_seq = Sequence{6}}); }),
               Contains("seq 7") && Contains("seq 6"));
    CHECK_THAT(refusal(ErrorCode::target_exists, [&] { into({.limit = 6}); }), Contains("7 events"));
    into({});
    CHECK(state_of_file(target) == counted(9));
}

TEST_CASE("project into: a moved bound on the occurred axis is refused when events would come in between") {
    Log log;
    log.append({.type = "Counted", .payload = R"({"n":1})", .occurred_at = Timestamp{100}});
    log.append({.type = "Counted", .payload = R"({"n":2})", .occurred_at = Timestamp{300}});
    log.append({.type = "Counted", .payload = R"({"n":3})", .occurred_at = Timestamp{200}});
    const auto target = log.directory() / "state.sqlite";
    const auto into = [&](std::optional<Timestamp> to) {
        return project_into(log.reader(), counting(), target, {.window = {.to = to}});
    };
    CHECK(into(Timestamp{250}).events == 2);
    CHECK(into(Timestamp{250}).events == 0);
    CHECK_THAT(refusal(ErrorCode::target_exists, [&] { into(Timestamp{400}); }), Contains("in between"));
    refusal(ErrorCode::target_exists, [&] { into({}); });
    refusal(ErrorCode::target_exists, [&] { into(Timestamp{150}); });
}

TEST_CASE("project into: a moved bound on the occurred axis goes on when nothing was left out") {
    Log log;
    log.append({.type = "Counted", .payload = R"({"n":1})", .occurred_at = Timestamp{100}});
    log.append({.type = "Counted", .payload = R"({"n":2})", .occurred_at = Timestamp{200}});
    const auto target = log.directory() / "state.sqlite";
    project_into(log.reader(), counting(), target, {.window = {.to = Timestamp{250}}});
    log.append({.type = "Counted", .payload = R"({"n":3})", .occurred_at = Timestamp{300}});
    CHECK(project_into(log.reader(), counting(), target, {.window = {.to = Timestamp{400}}}).events == 1);
    CHECK(state_of_file(target) == counted(3));
}

TEST_CASE("project into: another projection, version, source, window or store is refused, and nothing is changed") {
    Log log;
    log.append_numbered(3);
    const auto target = log.directory() / "state.sqlite";
    project_into(log.reader(), counting(), target);
    const auto changed = [](const std::string& from, const std::string& to) {
        std::string source = counting_source();
        source.replace(source.find(from), from.size(), to);
        return Projection::parse(source, "counting.sql");
    };
    const auto refused = [&](const Projection& projection, const Window& window = {}) {
        return refusal(ErrorCode::target_exists,
                       [&] { project_into(log.reader(), projection, target, {.window = window}); });
    };
    CHECK_THAT(refused(changed("projection: counting", "projection: other")), Contains("\"counting\", not \"other\""));
    CHECK_THAT(refused(changed("version: 1", "version: 2")), Contains("version 1 of counting, not 2"));
    CHECK_THAT(refused(changed("VALUES(0)", "VALUES(1)")), Contains("source"));
    CHECK_THAT(refused(counting(), {.stream = "main"}), Contains("window"));
    CHECK_THAT(refused(counting(), {.from_seq = Sequence{2}}), Contains("window"));
    CHECK_THAT(refused(counting(), {.types = {TypePattern("Counted")}}), Contains("window"));
    const Log other(2);
    CHECK_THAT(refusal(ErrorCode::target_exists, [&] { project_into(other.reader(), counting(), target); }),
               Contains("store"));
    CHECK(state_of_file(target) == counted(3));
}

TEST_CASE("project into: a state that is ahead of the log has diverged") {
    Log log;
    log.append_numbered(2);
    const EventReader before = log.reader();
    log.append_numbered(1);
    const auto target = log.directory() / "state.sqlite";
    project_into(log.reader(), counting(), target);
    CHECK_THAT(refusal(ErrorCode::history_diverged, [&] { project_into(before, counting(), target); }),
               Contains("seq 3"));
    CHECK(state_of_file(target) == counted(3));
}

TEST_CASE("project into: a state of another history of the same store has diverged, and replace begins anew") {
    // A restored backup: the same store goes on with other events.
    Log log;
    log.append_numbered(2);
    const testkit::TempDirectory elsewhere;
    const auto copy = elsewhere / "copy.db";
    log.store().checkpoint_wal();
    std::filesystem::copy_file(log.path(), copy);
    log.append_numbered(1);
    const auto target = log.directory() / "state.sqlite";
    project_into(log.reader(), counting(), target);
    EventStore restored = EventStore::open(copy);
    restored.append({.type = "Counted", .payload = R"({"n":30})"});
    CHECK_THAT(refusal(ErrorCode::history_diverged, [&] { project_into(restored.reader(), counting(), target); }),
               Contains("seq 3"));
    CHECK(state_of_file(target) == counted(3));
    CHECK(project_into(restored.reader(), counting(), target, {.replace = true}).events == 3);
    CHECK_THAT(state_of_file(target), Contains(R"("total":[{"n":33}])"));
}

TEST_CASE("project into: what is not a state is refused, and replaced only when asked") {
    Log log;
    log.append_numbered(2);
    const auto target = log.directory() / "notes.txt";
    std::ofstream(target) << "precious";
    refusal(ErrorCode::target_exists, [&] { project_into(log.reader(), counting(), target); });
    CHECK(std::filesystem::file_size(target) == 8);
    project_into(log.reader(), counting(), target, {.replace = true});
    CHECK(state_of_file(target) == counted(2));
}

TEST_CASE("project into: a daybook is never replaced") {
    Log log;
    log.append_numbered(2);
    log.store().checkpoint_wal();
    refusal(ErrorCode::unsupported_path,
            [&] { project_into(log.reader(), counting(), log.path(), {.replace = true}); });
    refusal(ErrorCode::unsupported_path, [&] { project_into(log.reader(), counting(), log.path()); });
    CHECK(log.reader().head().seq == Sequence{2});
}

TEST_CASE("project into: the names beside the log are never replaced") {
    Log log;
    log.append_numbered(2);
    for (const char* suffix : {".lock", ".snapshots", "-wal"}) {
        CAPTURE(suffix);
        const std::string beside = log.path().string() + suffix;
        if (!std::filesystem::exists(beside)) std::ofstream(beside) << "precious";
        const auto bytes = std::filesystem::file_size(beside);
        refusal(ErrorCode::unsupported_path,
                [&] { project_into(log.reader(), counting(), beside, {.replace = true, .log = log.path()}); });
        CHECK(std::filesystem::file_size(beside) == bytes);
    }
}

TEST_CASE("project into: a file that has the name of a draft is not touched") {
    Log log;
    log.append_numbered(2);
    const auto target = log.directory() / "state.sqlite";
    std::ofstream(target.string() + ".new-1") << "precious";
    project_into(log.reader(), counting(), target);
    CHECK(std::filesystem::file_size(target.string() + ".new-1") == 8);
    CHECK(state_of_file(target) == counted(2));
}

TEST_CASE("project into: a projection that fails to load leaves nothing, and replaces nothing") {
    Log log;
    log.append_numbered(2);
    const Projection broken = parse("-- @init\nCREATE TABLE t(x);\n-- @on *\nINSERT INTO nobody VALUES(1);\n");
    const auto target = log.directory() / "state.sqlite";
    refusal(ErrorCode::invalid_projection, [&] { project_into(log.reader(), broken, target); });
    CHECK_FALSE(std::filesystem::exists(target));
    CHECK_FALSE(std::filesystem::exists(target.string() + ".new-1"));
    project_into(log.reader(), counting(), target);
    refusal(ErrorCode::invalid_projection, [&] { project_into(log.reader(), broken, target, {.replace = true}); });
    CHECK(state_of_file(target) == counted(2));
}

TEST_CASE("project into: a state that somebody is filling is not replaced under them") {
    Log log;
    log.append_numbered(3);
    const testkit::TempDirectory directory;
    const auto target = directory / "state.sqlite";
    (void)project_into(log.reader(), counting(), target, {});
    SqlFoldOptions options{.replace = true};
    options.state.busy_timeout = std::chrono::milliseconds{0};
    {
        StateDatabase other = StateDatabase::open(target);
        other.begin();
        ErrorCode code = ErrorCode::internal;
        try {
            (void)project_into(log.reader(), counting(), target, options);
        } catch (const Error& error) {
            code = error.code();
        }
        CHECK(code == ErrorCode::busy);
    }
    CHECK(state_of_file(target) == counted(3));
    CHECK(std::distance(std::filesystem::directory_iterator(directory.path()), {}) == 1);
    CHECK(project_into(log.reader(), counting(), target, options).events == 3);
}

TEST_CASE("project into: replacing removes the journal of the file that was there") {
    Log log;
    log.append_numbered(2);
    const auto target = log.directory() / "state.sqlite";
    project_into(log.reader(), counting(), target);
    std::ofstream(target.string() + "-journal") << "stale";
    project_into(log.reader(), counting(), target, {.replace = true});
    CHECK_FALSE(std::filesystem::exists(target.string() + "-journal"));
}

TEST_CASE("sql fold: a snapshot gives the same state as folding from scratch, and fewer events are read") {
    Log log;
    log.append_numbered(10);
    SnapshotFile snapshots(log.path());
    const Projected kept = project(log.reader(), counting(),
                                   {.window = {.to_seq = Sequence{6}}, .snapshots = &snapshots, .save_snapshot = true});
    CHECK(kept.report.snapshot_saved);
    Projected projected = project(log.reader(), counting(), {.snapshots = &snapshots});
    CHECK(projected.report.from_snapshot == Sequence{6});
    CHECK(projected.report.events == 4);
    CHECK(json_of(projected.state) == counted(10));
    CHECK(projected.state.progress() == project(log.reader(), counting()).state.progress());
}

TEST_CASE("sql fold: a snapshot past the asked moment does not serve") {
    Log log;
    log.append_numbered(10);
    SnapshotFile snapshots(log.path());
    (void)project(log.reader(), counting(), {.snapshots = &snapshots, .save_snapshot = true});
    Projected projected =
        project(log.reader(), counting(), {.window = {.to_seq = Sequence{9}}, .snapshots = &snapshots});
    CHECK_FALSE(projected.report.from_snapshot);
    CHECK(json_of(projected.state) == counted(9));
}

TEST_CASE("sql fold: without being asked to, no snapshot is written") {
    Log log;
    log.append_numbered(2);
    SnapshotFile snapshots(log.path());
    CHECK_FALSE(project(log.reader(), counting(), {.snapshots = &snapshots}).report.snapshot_saved);
    CHECK_FALSE(std::filesystem::exists(snapshots.path()));
}

TEST_CASE("sql fold: a snapshot of other bytes than a state is ignored with a note") {
    Log log;
    log.append_numbered(3);
    SnapshotFile snapshots(log.path());
    const Projection projection = counting();
    REQUIRE(snapshots.save({projection.name(), projection.version(), projection.source_hash()},
                           {log.reader().position_at(Sequence{2}), 2, "nonsense"}));
    SqlFoldOptions options{.snapshots = &snapshots};
    std::vector<std::string> notes;
    options.hooks.note = [&notes](const std::string& note) { notes.push_back(note); };
    Projected projected = project(log.reader(), projection, options);
    CHECK_FALSE(projected.report.from_snapshot);
    CHECK(json_of(projected.state) == counted(3));
    REQUIRE(notes.size() == 1);
    CHECK_THAT(notes[0], Contains("seq 2 was ignored"));
}

TEST_CASE("project into: a new file may begin with a snapshot") {
    Log log;
    log.append_numbered(5);
    SnapshotFile snapshots(log.path());
    (void)project(log.reader(), counting(), {.snapshots = &snapshots, .save_snapshot = true});
    log.append_numbered(2);
    const auto target = log.directory() / "state.sqlite";
    const SqlFoldReport report = project_into(log.reader(), counting(), target, {.snapshots = &snapshots});
    CHECK(report.from_snapshot == Sequence{5});
    CHECK(report.events == 2);
    CHECK(state_of_file(target) == counted(7));
}

TEST_CASE("sql fold: progress ends at the number of events and their last seq") {
    Log log;
    log.append_numbered(5);
    SqlFoldOptions options;
    ReplayProgress last;
    options.hooks.progress = [&last](const ReplayProgress& progress) { last = progress; };
    (void)project(log.reader(), counting(), options);
    CHECK(last.events == 5);
    CHECK(last.seq == Sequence{5});
    CHECK(last.last_seq == Sequence{5});
}
