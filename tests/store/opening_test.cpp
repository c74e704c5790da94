// Which files are refused, and that they stay as they are; the first opener; the mark; opening for reading.
#include "store/opening.hpp"

#include <catch2/catch.hpp>

#include <sys/stat.h>

#include "store/schema.hpp"
#include "store/test_store.hpp"
#include "store/watched_files.hpp"

namespace daybook {

namespace {

using test::bytes_of;
using test::code_of;
using test::message_of;
using test::names_in;
using test::query;
using test::TestStore;

NewEvent event(std::string id = "") {
    NewEvent made;
    made.type = "thing:happened";
    made.id = std::move(id);
    return made;
}

// Refused with `code` for writing and for reading, byte for byte unchanged, and nothing appears beside it.
void check_refused(const TestStore& test, ErrorCode code, std::string_view message) {
    const std::string before = bytes_of(test.path);
    const std::vector<std::string> beside = names_in(test.directory.path());
    for (const Access access : {Access::read, Access::read_write, Access::create}) {
        INFO("access " << static_cast<int>(access));
        const std::string said = message_of([&] { return test.open(access); });
        CHECK(code_of([&] { return test.open(access); }) == code);
        CHECK_THAT(said, Catch::Contains(std::string(message)));
        CHECK_THAT(said, Catch::Contains(test.path.filename().string()));
    }
    CHECK(bytes_of(test.path) == before);
    CHECK(names_in(test.directory.path()) == beside);
}

void make_database(const std::filesystem::path& path, const char* sql) {
    Connection connection(path.string(), {.writable = true, .create = true});
    connection.execute(sql);
}

// A log of `events` events whose process was killed: everything is in -wal, and the mark names the last.
void leave_killed(const TestStore& test, int events, Durability durability = Durability::full) {
    test::Child child([&] {
        StoreOptions options = test.options();
        options.durability = durability;
        EventStore store = EventStore::open(test.path, options);
        for (int count = 0; count < events; ++count) store.append(event());
        ::kill(::getpid(), SIGKILL);
        return 0;
    });
    REQUIRE(child.wait() == -SIGKILL);
}

void flip_bit(const std::filesystem::path& path, std::size_t offset) {
    std::string bytes = bytes_of(path);
    REQUIRE(offset < bytes.size());
    bytes[offset] = static_cast<char>(bytes[offset] ^ 1);
    test::write_bytes(path, bytes);
}

}  // namespace

TEST_CASE("opening: paths that are no file of their own are refused", "[opening]") {
    testkit::TempDirectory directory;
    const auto code = [](const std::filesystem::path& path) {
        return code_of([&] { return EventStore::open(path, {.access = Access::create}); });
    };
    CHECK(code("") == ErrorCode::unsupported_path);
    CHECK(code(":memory:") == ErrorCode::unsupported_path);
    CHECK(code("file:log.db?mode=memory") == ErrorCode::unsupported_path);
    CHECK(code(std::string("a\0b", 3)) == ErrorCode::unsupported_path);
    CHECK(code(directory.path()) == ErrorCode::unsupported_path);
    CHECK(code("/dev/null") == ErrorCode::unsupported_path);
    CHECK(code(directory / "no/such/directory.db") == ErrorCode::no_such_file);
    CHECK(names_in(directory.path()).empty());
}

TEST_CASE("opening: a file that is not there is made by create only", "[opening]") {
    TestStore test;
    CHECK(code_of([&] { return test.open(Access::read); }) == ErrorCode::no_such_file);
    CHECK(code_of([&] { return test.open(Access::read_write); }) == ErrorCode::no_such_file);
    CHECK(names_in(test.directory.path()).empty());
    CHECK(test.open(Access::create).head().seq == Sequence{0});
}

TEST_CASE("opening: a text file is refused and stays as it is", "[opening]") {
    TestStore test;
    test::write_bytes(test.path, "these are my notes\n");
    check_refused(test, ErrorCode::not_a_daybook, "19 bytes do not begin as a SQLite file does");
}

TEST_CASE("opening: a long file of zeros is refused", "[opening]") {
    TestStore test;
    test::write_bytes(test.path, std::string(8192, '\0'));
    check_refused(test, ErrorCode::not_a_daybook, "do not begin as a SQLite file does");
}

TEST_CASE("opening: another program's SQLite file is refused and stays as it is", "[opening]") {
    TestStore test;
    make_database(test.path, "CREATE TABLE customers (name TEXT)");
    check_refused(test, ErrorCode::not_a_daybook, "another program's SQLite file");
}

TEST_CASE("opening: a SQLite file without tables but with another application_id is refused", "[opening]") {
    TestStore test;
    make_database(test.path, "PRAGMA application_id = 7");
    check_refused(test, ErrorCode::not_a_daybook, "application_id 7");
}

TEST_CASE("opening: a file with text in UTF-16 is refused, also before it has tables", "[opening]") {
    const TestStore test;
    const char* sql = GENERATE("PRAGMA encoding = 'UTF-16'; PRAGMA application_id = 1147237730; CREATE TABLE t (x)",
                               "PRAGMA encoding = 'UTF-16le'; CREATE TABLE t (x); DROP TABLE t");
    make_database(test.path, sql);
    check_refused(test, ErrorCode::not_a_daybook, "its text is UTF-16");
}

TEST_CASE("opening: another program's tables that are in -wal only are seen", "[opening]") {
    TestStore test;
    test::Child child([&] {
        make_database(test.path, "PRAGMA journal_mode = WAL; CREATE TABLE customers (name TEXT)");
        return 0;
    });
    REQUIRE(child.wait() == 0);
    REQUIRE(bytes_of(test.name("-wal")).size() > 0);
    const std::string wal = bytes_of(test.name("-wal"));
    CHECK(code_of([&] { return test.open(Access::create); }) == ErrorCode::not_a_daybook);
    CHECK(code_of([&] { return test.open(Access::read); }) == ErrorCode::not_a_daybook);
    CHECK(bytes_of(test.name("-wal")) == wal);
    CHECK_FALSE(std::filesystem::exists(test.name(".lock")));
}

TEST_CASE("opening: a newer Daybook is refused and stays as it is", "[opening]") {
    TestStore test;
    test.open().close();
    {
        Connection connection(test.path.string(), {.writable = true});
        connection.execute("PRAGMA user_version = 99");
        connection.allow_checkpoint_on_close(true);
    }
    check_refused(test, ErrorCode::schema_too_new, "schema is version 99");
}

TEST_CASE("opening: a file with a second name is refused", "[opening]") {
    TestStore test;
    test.open().close();
    std::filesystem::create_hard_link(test.path, test.directory / "second.db");
    CHECK(code_of([&] { return test.open(); }) == ErrorCode::unsupported_path);
    CHECK(code_of([&] { return test.open(Access::read); }) == ErrorCode::unsupported_path);
    std::filesystem::remove(test.directory / "second.db");
    CHECK_FALSE(code_of([&] { return test.open(); }));
}

TEST_CASE("opening: through a symbolic link it is the same log with the same lock file", "[opening]") {
    TestStore test;
    EventStore store = test.open();
    const std::filesystem::path link = test.directory / "link.db";
    std::filesystem::create_symlink(test.path, link);
    EventStore second = EventStore::open(link, test.options());
    CHECK(second.path() == store.path());
    store.append(event());
    second.append(event());
    CHECK(store.head() == second.head());
    CHECK_FALSE(std::filesystem::exists(link.string() + ".lock"));
}

TEST_CASE("opening: a symbolic link that leads nowhere is refused", "[opening]") {
    TestStore test;
    std::filesystem::create_symlink(test.directory / "nowhere.db", test.path);
    CHECK(code_of([&] { return test.open(); }) == ErrorCode::unsupported_path);
    CHECK_FALSE(std::filesystem::exists(test.directory / "nowhere.db"));
}

TEST_CASE("opening: files and directories of somebody else are refused for want of permission", "[opening]") {
    if (::geteuid() != 0) {
        WARN("not run: it needs root to become somebody else");
        return;
    }
    TestStore test;
    test.open().close();
    ::chmod(test.directory.path().c_str(), 0755);
    const auto code_for_nobody = [&](Access access) {
        test::Child child([&] {
            if (::seteuid(65534) != 0) return 98;
            const auto code = code_of([&] { return test.open(access); });
            return code ? static_cast<int>(*code) - 300 : 0;
        });
        return child.wait();
    };
    constexpr int permission_denied = static_cast<int>(ErrorCode::permission_denied) - 300;
    ::chmod(test.path.c_str(), 0600);
    CHECK(code_for_nobody(Access::read) == permission_denied);
    CHECK(code_for_nobody(Access::read_write) == permission_denied);
    ::chmod(test.path.c_str(), 0644);
    CHECK(code_for_nobody(Access::read_write) == permission_denied);
    ::chmod(test.path.c_str(), 0666);  // the file may be written, the directory may not
    CHECK(code_for_nobody(Access::read_write) == permission_denied);
    std::filesystem::remove(test.path);
    CHECK(code_for_nobody(Access::create) == permission_denied);
    ::chmod(test.directory.path().c_str(), 0700);
    CHECK(code_for_nobody(Access::read) == permission_denied);
}

TEST_CASE("opening: a log in a directory that cannot be written is read when nothing is in -wal", "[opening]") {
    if (::geteuid() != 0) {
        WARN("not run: it needs root to become somebody else");
        return;
    }
    TestStore test;
    {
        EventStore store = test.open();
        store.append(event());
        store.close();
    }
    ::chmod(test.directory.path().c_str(), 0755);
    ::chmod(test.path.c_str(), 0644);
    const std::vector<std::string> beside = names_in(test.directory.path());
    test::Child child([&] {
        if (::seteuid(65534) != 0) return 98;
        EventStore store = test.open(Access::read);
        return static_cast<int>(store.head().seq.value) + (store.find(Sequence{1}) ? 10 : 0);
    });
    CHECK(child.wait() == 11);
    CHECK(names_in(test.directory.path()) == beside);
}

TEST_CASE("opening: commits in a -wal that cannot be opened are not passed over", "[opening]") {
    if (::geteuid() != 0) {
        WARN("not run: it needs root to become somebody else");
        return;
    }
    TestStore test;
    leave_killed(test, 3);
    ::chmod(test.directory.path().c_str(), 0755);
    ::chmod(test.path.c_str(), 0644);
    std::filesystem::remove(test.name("-shm"));
    test::Child child([&] {
        if (::seteuid(65534) != 0) return 98;
        const std::string message = message_of([&] { return test.open(Access::read); });
        return message.find("[read_only]") != std::string::npos && message.find("backup") != std::string::npos ? 1 : 0;
    });
    CHECK(child.wait() == 1);
}

TEST_CASE("opening: new files are the owner's alone", "[opening]") {
    TestStore test;
    EventStore store = test.open();
    store.append(event());
    for (const char* suffix : {"", ".lock", ".wake", "-wal"}) {
        INFO(suffix);
        CHECK((std::filesystem::status(test.name(suffix)).permissions() & std::filesystem::perms::all) ==
              (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
    }
}

TEST_CASE("opening: a new file says what it is in its header", "[opening]") {
    TestStore test;
    EventStore store = test.open();
    store.close();
    CHECK(bytes_of(test.path).substr(68, 4) == "Dayb");
    CHECK(query(test.path, "PRAGMA user_version") == schema_version);
    CHECK(query(test.path, "SELECT store_id = '" + store.store_id().to_string() + "' FROM store_info") == 1);
}

TEST_CASE("opening: a log keeps its store_id", "[opening]") {
    TestStore test;
    const Uuid id = test.open().store_id();
    CHECK(test.open().store_id() == id);
    CHECK(test.open(Access::read).store_id() == id);
}

TEST_CASE("opening: what a kill at creation leaves is a new file", "[opening]") {
    TestStore test;
    SECTION("0 bytes") {
        test::write_bytes(test.path, "");
    }
    SECTION("no tables yet, not in WAL mode") {
        make_database(test.path, "CREATE TABLE t (x); DROP TABLE t");
    }
    SECTION("no tables yet, in WAL mode") {
        make_database(test.path, "PRAGMA journal_mode = WAL");
    }
    SECTION("an empty file that had no name yet") {
        test::write_bytes(test.path, "");
        test::write_bytes(test.name(".new"), "");
    }
    CHECK(code_of([&] { return test.open(Access::read); }) == ErrorCode::not_a_daybook);
    CHECK_THAT(message_of([&] { return test.open(Access::read); }), Catch::Contains("daybook init"));
    CHECK(test.open(Access::read_write).append(event()).first_seq == Sequence{1});
}

TEST_CASE("opening: making a log leaves a file beside it alone that is called like its unborn one", "[opening]") {
    TestStore test;
    test::write_bytes(test.name(".new"), "a user's");
    CHECK(test.open().append(event()).first_seq == Sequence{1});
    CHECK(bytes_of(test.name(".new")) == "a user's");
}

TEST_CASE("opening: a Daybook that is not in WAL mode is switched", "[opening]") {
    TestStore test;
    test.open().close();
    {
        Connection connection(test.path.string(), {.writable = true});
        CHECK(connection.query_text("PRAGMA journal_mode = DELETE") == "delete");
    }
    test.open().append(event());
    CHECK(Connection(test.path.string(), {}).query_text("PRAGMA journal_mode") == "wal");
}

TEST_CASE("opening: a database that vanished while its -wal stayed is not begun anew", "[opening]") {
    TestStore test;
    leave_killed(test, 2);
    const std::string wal = bytes_of(test.name("-wal"));
    SECTION("removed") {
        std::filesystem::remove(test.path);
    }
    SECTION("cut to nothing") {
        test::write_bytes(test.path, "");
    }
    CHECK(code_of([&] { return test.open(Access::create); }) == ErrorCode::corrupt);
    CHECK(bytes_of(test.name("-wal")) == wal);
}

TEST_CASE("opening: a log whose content vanished is not begun anew over its mark", "[opening]") {
    TestStore test;
    {
        EventStore store = test.open();
        store.append(event());
        store.close();
    }
    test::write_bytes(test.path, "");
    CHECK(code_of([&] { return test.open(Access::create); }) == ErrorCode::log_behind_mark);
    CHECK(bytes_of(test.path).empty());
}

TEST_CASE("opening: a log that was removed can be made again under its name", "[opening]") {
    TestStore test;
    {
        EventStore store = test.open();
        store.append(event());
        store.close();
    }
    std::filesystem::remove(test.path);
    CHECK(test.open(Access::create).head().seq == Sequence{0});
}

TEST_CASE("opening: the first opener moves what a killed writer left into the database", "[opening]") {
    TestStore test;
    leave_killed(test, 5);
    REQUIRE(bytes_of(test.name("-wal")).size() > 0);
    EventStore store = test.open();
    CHECK(store.head().seq == Sequence{5});
    CHECK(store.warnings().empty());
    CHECK(bytes_of(test.name("-wal")).empty());
    CHECK(store.append(event()).first_seq == Sequence{6});
}

TEST_CASE("opening: what a killed writer left in -wal is synced before SQLite shows it to anybody", "[opening]") {
    TestStore test;
    leave_killed(test, 3);
    std::filesystem::remove(test.name("-shm"));  // which SQLite makes as soon as it reads
    const auto files = std::make_shared<test::WatchedFiles>();
    std::vector<std::string> synced;
    files->on_sync = [&](const std::string& path) {
        if (!std::filesystem::exists(test.name("-shm"))) synced.push_back(path);
    };
    StoreOptions options = test.options();
    options.files = files;
    SECTION("a log that reaches its mark") {
        CHECK(EventStore::open(test.path, options).head().seq == Sequence{3});
    }
    SECTION("a log behind its mark, which is served all the same") {
        flip_bit(test.name("-wal"), std::filesystem::file_size(test.name("-wal")) - 100);
        CHECK_FALSE(EventStore::open(test.path, options).warnings().empty());
    }
    CHECK(synced == std::vector<std::string>{test.name("-wal"), test.directory.path().string()});
}

TEST_CASE("opening: a -wal that cannot be synced is not served for writing", "[opening]") {
    TestStore test;
    leave_killed(test, 1);
    const auto files = std::make_shared<test::WatchedFiles>();
    files->on_sync = [&](const std::string& path) {
        if (path == test.name("-wal")) throw Error(ErrorCode::io_error, "sync: the disk refused");
    };
    StoreOptions options = test.options();
    options.files = files;
    CHECK(code_of([&] { return EventStore::open(test.path, options); }) == ErrorCode::io_error);
}

TEST_CASE("opening: a second opener leaves -wal alone", "[opening]") {
    TestStore test;
    EventStore first = test.open();
    first.append(event());
    const std::size_t before = bytes_of(test.name("-wal")).size();
    REQUIRE(before > 0);
    EventStore second = test.open();
    CHECK(bytes_of(test.name("-wal")).size() == before);
    second.close();
    CHECK(bytes_of(test.name("-wal")).size() == before);
}

TEST_CASE("opening: the last store to close leaves everything in the database file", "[opening]") {
    TestStore test;
    EventStore first = test.open();
    EventStore second = test.open();
    first.append(event());
    first.close();
    CHECK(std::filesystem::exists(test.name("-wal")));
    second.close();
    CHECK_FALSE(std::filesystem::exists(test.name("-wal")));
    CHECK(query(test.path, "SELECT count(*) FROM events_log") == 1);
}

TEST_CASE("opening: one flipped bit in -wal is found, and nothing is written until it is accepted", "[opening]") {
    TestStore test;
    leave_killed(test, 6);
    // In the middle of the file: SQLite drops that commit and all after it, and says nothing.
    flip_bit(test.name("-wal"), bytes_of(test.name("-wal")).size() / 2);
    const std::string wal = bytes_of(test.name("-wal"));
    const std::string database = bytes_of(test.path);
    {
        EventStore store = test.open();
        REQUIRE(store.warnings().size() == 1);
        CHECK_THAT(store.warnings()[0], Catch::Contains("reached event 6"));
        CHECK(store.head().seq < Sequence{6});
        CHECK(code_of([&] { return store.append(event()); }) == ErrorCode::log_behind_mark);
        CHECK(code_of([&] { return store.checkpoint_wal(); }) == ErrorCode::log_behind_mark);
        EventStore reading = test.open(Access::read);
        CHECK(reading.warnings().size() == 1);
        CHECK(reading.head() == store.head());
        store.close();
    }
    CHECK(bytes_of(test.name("-wal")) == wal);
    CHECK(bytes_of(test.path) == database);
}

TEST_CASE("opening: a -wal that was removed is found", "[opening]") {
    TestStore test;
    leave_killed(test, 3);
    std::filesystem::remove(test.name("-wal"));
    EventStore store = test.open();
    CHECK(code_of([&] { return store.append(event()); }) == ErrorCode::log_behind_mark);
}

TEST_CASE("opening: an older copy put in a log's place is found", "[opening]") {
    TestStore test;
    {
        EventStore store = test.open();
        store.append(event());
        store.close();
    }
    const std::string copy = bytes_of(test.path);
    {
        EventStore store = test.open();
        store.append(event());
        store.close();
    }
    test::write_bytes(test.path, copy);
    CHECK(code_of([&] { return test.open().append(event()); }) == ErrorCode::log_behind_mark);
}

TEST_CASE("opening: another history of the same store is found although it is longer", "[opening]") {
    TestStore test;
    test.open().close();
    const std::string fork = bytes_of(test.path);
    {
        EventStore store = test.open();
        store.append(event("mine"));
        store.close();
    }
    const std::string mark = bytes_of(test.name(".lock"));
    test::write_bytes(test.path, fork);
    std::filesystem::remove(test.name(".lock"));
    {
        EventStore store = test.open();
        store.append(event("other"));
        store.append(event("other-2"));
        store.close();
    }
    test::write_bytes(test.name(".lock"), mark);
    EventStore store = test.open();
    REQUIRE(store.warnings().size() == 1);
    CHECK_THAT(store.warnings()[0], Catch::Contains("its history was replaced"));
}

TEST_CASE("opening: a damaged mark, or one of another store, is no mark", "[opening]") {
    TestStore test;
    leave_killed(test, 3);
    std::filesystem::remove(test.name("-wal"));
    SECTION("damaged") {
        flip_bit(test.name(".lock"), 30);
    }
    SECTION("another store's") {
        TestStore other;
        StoreOptions options = other.options();
        options.random = std::make_shared<testkit::SeededRandom>(77);
        EventStore::open(other.path, options).append(event());
        test::write_bytes(test.name(".lock"), bytes_of(other.name(".lock")));
    }
    EventStore store = test.open();
    CHECK(store.warnings().empty());
    CHECK(store.append(event()).first_seq == Sequence{1});
}

TEST_CASE("opening: with normal durability a lost tail is permitted and no alarm", "[opening]") {
    TestStore test;
    leave_killed(test, 3, Durability::normal);
    std::filesystem::remove(test.name("-wal"));
    EventStore store = test.open();
    CHECK(store.warnings().empty());
    CHECK(store.append(event()).first_seq == Sequence{1});
}

TEST_CASE("opening: with normal durability what a checkpoint made durable is marked", "[opening]") {
    TestStore test;
    {
        StoreOptions options = test.options();
        options.durability = Durability::normal;
        EventStore store = EventStore::open(test.path, options);
        store.append(event());
        CHECK(store.checkpoint_wal());
        store.append(event());
        LockFile lock(store.files(), store.path().native(), false);
        REQUIRE(lock.read_mark());
        CHECK(lock.read_mark()->seq == Sequence{1});
    }
    CHECK(query(test.path, "SELECT normal_durability_since IS NOT NULL FROM store_info") == 1);
}

TEST_CASE("opening: with full durability the mark names the last commit", "[opening]") {
    TestStore test;
    EventStore store = test.open();
    store.append(event());
    store.append(event());
    LockFile lock(store.files(), store.path().native(), false);
    CHECK(lock.read_mark() == store.head());
    CHECK(query(test.path, "SELECT normal_durability_since IS NULL FROM store_info") == 1);
}

TEST_CASE("opening: reading writes no event, no lock file and no wake file", "[opening]") {
    TestStore test;
    test.open().close();
    std::filesystem::remove(test.name(".lock"));
    std::filesystem::remove(test.name(".wake"));
    const std::string before = bytes_of(test.path);
    {
        EventStore store = test.open(Access::read);
        CHECK(store.head().seq == Sequence{0});
        CHECK(code_of([&] { return store.append(event()); }) == ErrorCode::read_only);
        store.close();
    }
    CHECK(bytes_of(test.path) == before);
    CHECK_FALSE(std::filesystem::exists(test.name(".lock")));
    CHECK_FALSE(std::filesystem::exists(test.name(".wake")));
}

TEST_CASE("opening: looking at a file's header leaves other connections' locks in place", "[opening]") {
    TestStore test;
    EventStore store = test.open();
    store.append(event());
    for (int count = 0; count < 3; ++count) CHECK(inspect_file(store.path(), store.options()) == FileKind::daybook);
    // A foreign process that could get the exclusive lock would take the log for abandoned, and delete -wal.
    test::Child child([&] {
        ::execlp("sqlite3", "sqlite3", test.path.c_str(), "PRAGMA journal_mode = DELETE", static_cast<char*>(nullptr));
        return 97;
    });
    const int code = child.wait();
    if (code == 97) WARN("not run: there is no sqlite3 program");
    CHECK(Connection(test.path.string(), {}).query_text("PRAGMA journal_mode") == "wal");
    CHECK(store.append(event()).first_seq == Sequence{2});
}

TEST_CASE("opening: a store waits for another opener no longer than busy_timeout", "[opening]") {
    TestStore test;
    test.open().close();
    StoreOptions options = test.options();
    options.busy_timeout = std::chrono::milliseconds(50);
    LockFile lock(*with_defaults(options).files, test.path.native(), true);
    REQUIRE(lock.try_lock_writer());
    CHECK(code_of([&] { return EventStore::open(test.path, options); }) == ErrorCode::busy);
}

TEST_CASE("opening: network file systems are refused by their type", "[opening]") {
    // There is none here to try; what can be checked is that a local one passes, and that the override is looked at.
    TestStore test;
    StoreOptions options = test.options();
    CHECK_FALSE(code_of([&] { return resolve_path(test.path, options); }));
    options.allow_network_file_system = true;
    CHECK_FALSE(code_of([&] { return resolve_path(test.path, options); }));
}

}  // namespace daybook
