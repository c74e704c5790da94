// A file from a stranger: its schema names code (functions, triggers, views, virtual tables), and none of it may run.
#include <sqlite3.h>
#include <catch2/catch.hpp>

#include <functional>
#include <string>
#include <vector>

#include <daybook/event/sha256.hpp>
#include <daybook/store/backup.hpp>
#include <daybook/store/diagnosis.hpp>
#include <daybook/store/snapshot_file.hpp>
#include <daybook/store/sql_console.hpp>
#include <daybook/store/stats.hpp>

#include "corrupt/corrupt_kit.hpp"
#include "corrupt/sentinel.hpp"

namespace daybook {

using corrupttest::options_for;
using corrupttest::Sentinel;

namespace {

// What another SQLite program does to the file: a plain connection, which knows the sentinel too.
std::string run_raw(const std::filesystem::path& path, const std::string& sql) {
    sqlite3* db = nullptr;
    REQUIRE(sqlite3_open(path.c_str(), &db) == SQLITE_OK);
    char* text = nullptr;
    sqlite3_exec(db, sql.c_str(), nullptr, nullptr, &text);
    const std::string message = text == nullptr ? "" : text;
    sqlite3_free(text);
    sqlite3_close(db);
    return message;
}

enum class Reading : std::uint8_t { refused, warned };

struct Hostility {
    const char* name;
    std::string edit;
    /// What an honest SQLite program might do with the file; runs the hostile code.
    std::string provocation;
    /// What only writing or the console would run is reported when the log is opened for reading.
    Reading reading = Reading::refused;
};

// Changes the text of an object as sqlite_schema holds it; the next connection believes it.
std::string rewrite(const std::string& name, const std::string& from, const std::string& to) {
    return "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, '" + from + "', '" + to +
           "') WHERE name = '" + name + "'";
}

const std::string append_one =
    "INSERT INTO events_log SELECT max(seq) + 1, 'new', 't', '1', 'new', 1, 's', NULL, NULL, 0, max(recorded_at), "
    "'{}', "
    "'{}', '{}', x'00', payload_hash, digest FROM events_log";

const std::vector<Hostility>& hostilities() {
    static const std::vector<Hostility> all = {
        {"a trigger on a log", "CREATE TRIGGER t AFTER INSERT ON events_log BEGIN SELECT ran(); END", append_one,
         Reading::warned},
        {"a trigger on a derived table", "CREATE TRIGGER t BEFORE INSERT ON stream_heads BEGIN SELECT ran(); END",
         "INSERT INTO stream_heads VALUES ('x', 1, 1)", Reading::warned},
        {"a trigger in the place of ours",
         "DROP TRIGGER events_log_no_replace; CREATE TRIGGER events_log_no_replace BEFORE INSERT ON events_log BEGIN "
         "SELECT ran(); END",
         append_one, Reading::warned},
        {"a trigger of ours with more in it", rewrite("events_log_no_replace", "WHEN", "WHEN ran() AND"), append_one,
         Reading::warned},
        {"a view of ours with more in it", rewrite("events", "tags, payload", "tags, ran() AS payload"),
         "SELECT * FROM events", Reading::warned},
        {"a view more", "CREATE VIEW more AS SELECT ran()", "SELECT * FROM more", Reading::warned},
        {"a trigger on a view", "CREATE TRIGGER t INSTEAD OF INSERT ON events BEGIN SELECT ran(); END",
         "INSERT INTO events (seq) VALUES (1)", Reading::warned},
        {"a view in the place of a log",
         "ALTER TABLE events_log RENAME TO kept; CREATE VIEW events_log AS SELECT * FROM kept WHERE ran()",
         "SELECT * FROM events_log"},
        {"a view in the place of a log, in capitals",
         "ALTER TABLE events_log RENAME TO kept; CREATE VIEW EVENTS_LOG AS SELECT * FROM kept WHERE ran()",
         "SELECT * FROM events_log"},
        {"a view in the place of the store's id",
         "ALTER TABLE store_info RENAME TO kept; CREATE VIEW store_info AS SELECT * FROM kept WHERE ran()",
         "SELECT * FROM store_info"},
        {"a generated column", "ALTER TABLE events_log ADD COLUMN g INTEGER AS (ran())", "SELECT g FROM events_log"},
        {"a payload that is generated",
         rewrite("events_log", "payload        TEXT,", "payload TEXT AS (ran()), pay TEXT,"),
         "SELECT payload FROM events_log"},
        {"a constraint", rewrite("events_log", "CHECK (seq > 0)", "CHECK (seq > 0 AND ran())"),
         "PRAGMA integrity_check; " + append_one},
        {"a constraint on checkpoints", rewrite("checkpoints", "CHECK (length(name) > 0)", "CHECK (ran())"),
         "INSERT INTO checkpoints VALUES ('x', 1, zeroblob(32), 0, zeroblob(32), 0)"},
        {"a default value",
         rewrite("store_info", "normal_durability_since INTEGER", "normal_durability_since INTEGER DEFAULT (ran())"),
         "DELETE FROM store_info; INSERT INTO store_info (id, store_id, created_at, created_by, run_events) VALUES (1, "
         "'3f2504e0-4f89-41d3-9a0c-0305e82c3301', 0, '', 3)"},
        {"an index on an expression", "CREATE INDEX i ON events_log (ran())", "PRAGMA integrity_check; " + append_one},
        {"an index with a condition", "CREATE INDEX i ON events_log (type) WHERE ran()", append_one},
        {"an index of ours on an expression",
         "DROP INDEX events_by_causation; CREATE INDEX events_by_causation ON events_log (causation_id, ran())",
         append_one},
        {"an index in an order of its own", "CREATE INDEX i ON events_log (type COLLATE ran)", append_one},
        {"an index that refuses rows", "CREATE UNIQUE INDEX i ON event_results_log (bus, result_seq)", ""},
        {"a virtual table in the place of a log",
         "ALTER TABLE events_log RENAME TO kept;"
         "PRAGMA writable_schema = ON; INSERT INTO sqlite_schema VALUES ('table', 'events_log', 'events_log', 0, "
         "'CREATE VIRTUAL TABLE events_log USING ran')",
         "SELECT * FROM events_log"},
        {"a virtual table of statistics",
         "PRAGMA writable_schema = ON; INSERT INTO sqlite_schema VALUES ('table', 'sqlite_stat1', 'sqlite_stat1', 0, "
         "'CREATE VIRTUAL TABLE sqlite_stat1 USING ran')",
         "SELECT * FROM sqlite_stat1"},
        {"statistics that are generated", "ANALYZE; " + rewrite("sqlite_stat1", "stat)", "stat AS (ran()))"),
         "SELECT * FROM store_info"},  // any statement: it is the schema's loading that runs it
        {"a table more, with a constraint",
         "CREATE TABLE more (a CHECK (ran())); PRAGMA ignore_check_constraints = ON;"
         "INSERT INTO more VALUES (1)",
         "PRAGMA integrity_check", Reading::warned},
        {"a table that refers to ours",
         "CREATE TABLE more (a REFERENCES stream_heads (stream) ON UPDATE CASCADE CHECK (ran()))",
         "INSERT INTO more VALUES (1)", Reading::warned},
    };
    return all;
}

// The sentinel counts nothing while `action` runs; whether it threw an Error, which no other exception may be.
bool refused(const Sentinel& sentinel, const char* what, const std::function<void()>& action) {
    bool thrown = false;
    std::string message;
    try {
        action();
    } catch (const Error& error) {
        thrown = true;
        message = error.what();
        CHECK(error.code() == ErrorCode::corrupt);
    }
    INFO(what << ": " << (thrown ? message : "not refused"));
    CHECK(sentinel.runs() == 0);
    return thrown;
}

void make_log(const std::filesystem::path& path) {
    EventStore store = EventStore::open(path, options_for(Access::create));
    for (const char* type : {"a", "b", "c"}) {
        AppendRequest request{.events = {{.type = type}}};
        request.pending.push_back({.bus = "bus", .handler = "h", .owner = "owner"});
        store.append(std::move(request));
    }
    store.close();
}

}  // namespace

TEST_CASE("hostile schema: the sentinel is run by a program that trusts the file", "[hostile]") {
    Sentinel sentinel;
    for (const Hostility& hostility : hostilities()) {
        if (hostility.provocation.empty()) continue;  // it computes nothing
        const testkit::TempDirectory directory;
        const std::filesystem::path path = directory / "log.db";
        make_log(path);
        INFO(hostility.name << ": " << run_raw(path, hostility.edit));
        sentinel.forget();
        INFO(run_raw(path, hostility.provocation));
        CHECK(sentinel.runs() > 0);
    }
}

TEST_CASE("hostile schema: nothing of it runs, and every way into the log refuses or reports it", "[hostile]") {
    Sentinel sentinel;
    std::uint64_t entries = 0;
    for (const Hostility& hostility : hostilities()) {
        const testkit::TempDirectory directory;
        const std::filesystem::path path = directory / "log.db";
        make_log(path);
        INFO(hostility.name << ": " << run_raw(path, hostility.edit));
        sentinel.forget();
        const std::string before = corrupttest::bytes_of(path);

        const bool verify_threw = refused(sentinel, "verify", [&] { CHECK_FALSE(verify(path).ok()); });
        CHECK_FALSE(verify_threw);
        std::vector<std::string> warnings;
        const bool reading_refused = refused(sentinel, "reading", [&] {
            const EventStore store = EventStore::open(path, options_for(Access::read));
            warnings = store.warnings();
            CHECK(corrupttest::content_of(store).events.size() == 3);
            static_cast<void>(store.find("none"));
            static_cast<void>(store.unfinished());
            static_cast<void>(store.reader().read({.types = {TypePattern("a")}}).next());
        });
        CHECK(reading_refused == (hostility.reading == Reading::refused));
        if (!reading_refused) CHECK_FALSE(warnings.empty());
        CHECK(refused(sentinel, "writing", [&] {
            EventStore store = EventStore::open(path, options_for(Access::read_write));
            store.append({.type = "d"});
        }));
        CHECK(refused(sentinel, "the console", [&] {
            SqlConsole console(path);
            console.run("SELECT * FROM events");
            while (console.next() != nullptr) {
            }
        }));
        CHECK(refused(sentinel, "a backup", [&] { static_cast<void>(backup(path, directory / "copy.db")); }));
        refused(sentinel, "doctor", [&] { static_cast<void>(diagnose(path)); });
        refused(sentinel, "stats", [&] { static_cast<void>(stats(path)); });
        refused(sentinel, "accepting a loss", [&] {
            try {
                static_cast<void>(accept_loss(path));
            } catch (const Error& error) {  // there is none to accept
                if (error.code() != ErrorCode::invalid_argument) throw;
            }
        });
        CHECK(corrupttest::bytes_of(path) == before);
        entries += 8;
    }
    fmt::print("hostile schema: {} files, {} ways in, 0 runs\n", hostilities().size(), entries);
    CHECK(entries >= 8 * 25);
}

TEST_CASE("hostile schema: a file of snapshots that names code is ignored with a note, and runs nothing", "[hostile]") {
    const std::vector<std::string> edits = {
        "CREATE TRIGGER t AFTER INSERT ON snapshots BEGIN SELECT ran(); END",
        "CREATE TRIGGER t BEFORE DELETE ON snapshots BEGIN SELECT ran(); END",
        "CREATE INDEX i ON snapshots(seq) WHERE ran()",
        "ALTER TABLE snapshots ADD COLUMN extra INT AS (ran())",
        rewrite("snapshots", "events      INTEGER NOT NULL", "events      INTEGER NOT NULL CHECK (ran())"),
        "ALTER TABLE snapshots RENAME TO kept; CREATE VIEW snapshots AS SELECT rowid, * FROM kept WHERE ran()",
        "CREATE TABLE extra(a)",
    };
    const SnapshotKey key{.projection = "p", .version = "1", .source_hash = sha256("source")};
    const Snapshot snapshot{.position = {Uuid{}, Sequence{5}, sha256("5")}, .events = 5, .state = "state"};
    const auto always = [](const Position&) { return true; };
    Sentinel sentinel;
    for (const std::string& edit : edits) {
        INFO(edit);
        const testkit::TempDirectory directory;
        std::vector<std::string> notes;
        SnapshotFile file(directory / "log.db", {.note = [&](const std::string& note) { notes.push_back(note); }});
        REQUIRE(file.save(key, snapshot));
        REQUIRE(file.find(key, snapshot.position.store_id, Sequence{9}, always));
        REQUIRE(run_raw(file.path(), edit) == "");
        sentinel.forget();
        const std::string before = corrupttest::bytes_of(file.path());

        CHECK_FALSE(file.find(key, snapshot.position.store_id, Sequence{9}, always));
        Snapshot next = snapshot;
        next.position.seq = Sequence{6};
        CHECK_FALSE(file.save(key, next));
        CHECK(file.positions(key).empty());
        CHECK(file.prune(0) == 0);
        CHECK(sentinel.runs() == 0);
        REQUIRE(notes.size() == 4);
        CHECK_THAT(notes.front(), Catch::Contains("its schema is not the one of a file of snapshots"));
        CHECK(corrupttest::bytes_of(file.path()) == before);
    }
}

TEST_CASE("hostile schema: statistics that ANALYZE left are not read, and the log is used as ever", "[hostile]") {
    const testkit::TempDirectory directory;
    const std::filesystem::path path = directory / "log.db";
    make_log(path);
    REQUIRE(run_raw(path, "ANALYZE") == "");
    CHECK(verify(path).ok());
    EventStore store = EventStore::open(path, options_for(Access::read_write));
    store.append({.type = "d"});
    CHECK(corrupttest::content_of(store).events.size() == 4);
}

TEST_CASE("hostile schema: an index of plain columns that a user made changes nothing", "[hostile]") {
    const testkit::TempDirectory directory;
    const std::filesystem::path path = directory / "log.db";
    make_log(path);
    REQUIRE(run_raw(path, "CREATE INDEX mine ON events_log (source COLLATE NOCASE, seq)") == "");
    CHECK(verify(path).ok());
    EventStore store = EventStore::open(path, options_for(Access::read_write));
    CHECK(store.warnings().empty());
    store.append({.type = "d"});
}

}  // namespace daybook
