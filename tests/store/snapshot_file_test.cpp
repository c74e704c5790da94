#include <daybook/store/snapshot_file.hpp>

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>

#include <daybook/event/error.hpp>
#include <daybook/event/posix_file_system.hpp>
#include <daybook/event/sha256.hpp>
#include <daybook/testkit/temp_directory.hpp>

#include "store/connection.hpp"

using namespace daybook;
using Catch::Matchers::Contains;
using testkit::TempDirectory;

namespace {

const Uuid store = *Uuid::parse("0190aaaa-0000-7000-8000-000000000001");
const Uuid other_store = *Uuid::parse("0190aaaa-0000-7000-8000-000000000002");
const SnapshotKey key{.projection = "scoreboard", .version = "1", .source_hash = sha256("source")};

Position at(std::uint64_t seq, const Uuid& store_id = store, std::string_view history = "") {
    return {store_id, Sequence{seq}, sha256(std::to_string(seq) + std::string(history))};
}

Snapshot snapshot(std::uint64_t seq, std::string state) {
    return {at(seq), seq, std::move(state)};
}

bool always(const Position&) {
    return true;
}

constexpr Sequence end{1'000'000};

struct Fixture {
    TempDirectory directory;
    std::filesystem::path database = directory / "log.db";
    std::vector<std::string> notes;

    SnapshotFile open(SnapshotFileOptions options = {}) {
        options.note = [this](const std::string& text) { notes.push_back(text); };
        return SnapshotFile(database, options);
    }
    // Changes the file behind the back of the class.
    void damage(const char* sql) {
        Connection connection((database.string() + ".snapshots"), {.writable = true});
        connection.execute(sql);
        connection.allow_checkpoint_on_close(true);
    }
};

}  // namespace

TEST_CASE_METHOD(Fixture, "snapshots: their files are for their owner alone, as the log is") {
    SnapshotFile file = open();
    REQUIRE(file.save(key, snapshot(10, "state")));
    for (const char* const suffix : {".snapshots", ".snapshots-lock", ".snapshots-wal", ".snapshots-shm"}) {
        const std::filesystem::path path = database.string() + suffix;
        if (!std::filesystem::exists(path)) continue;
        INFO(path);
        CHECK((std::filesystem::status(path).permissions() & std::filesystem::perms(0077)) ==
              std::filesystem::perms::none);
    }
    CHECK(std::filesystem::exists(database.string() + ".snapshots"));
}

TEST_CASE_METHOD(Fixture, "snapshots: what was saved is found again, with its position and count") {
    SnapshotFile file = open();
    const std::string state("a\0b", 3);
    REQUIRE(file.save(key, snapshot(10, state)));
    const auto found = file.find(key, store, end, always);
    REQUIRE(found);
    CHECK(found->position == at(10));
    CHECK(found->events == 10);
    CHECK(found->state == state);
    CHECK(notes.empty());
    CHECK(std::filesystem::exists(database.string() + ".snapshots"));
}

TEST_CASE_METHOD(Fixture, "snapshots: the newest that is not past the asked seq is found") {
    SnapshotFile file = open();
    for (const std::uint64_t seq : {10U, 30U, 20U}) REQUIRE(file.save(key, snapshot(seq, std::to_string(seq))));
    CHECK(file.find(key, store, Sequence{29}, always)->state == "20");
    CHECK(file.find(key, store, Sequence{30}, always)->state == "30");
    CHECK_FALSE(file.find(key, store, Sequence{9}, always));
}

TEST_CASE_METHOD(Fixture, "snapshots: another projection, version, source or store is another fold") {
    SnapshotFile file = open();
    REQUIRE(file.save(key, snapshot(10, "x")));
    SnapshotKey other = key;
    other.projection = "other";
    CHECK_FALSE(file.find(other, store, end, always));
    other = key;
    other.version = "2";
    CHECK_FALSE(file.find(other, store, end, always));
    other = key;
    other.source_hash = sha256("changed");
    CHECK_FALSE(file.find(other, store, end, always));
    CHECK_FALSE(file.find(key, other_store, end, always));
}

TEST_CASE_METHOD(Fixture, "snapshots: one that does not serve is passed over for an older one") {
    SnapshotFile file = open();
    REQUIRE(file.save(key, snapshot(10, "old")));
    REQUIRE(file.save(key, snapshot(20, "new")));
    const auto found =
        file.find(key, store, end, [](const Position& position) { return position.seq != Sequence{20}; });
    REQUIRE(found);
    CHECK(found->state == "old");
}

TEST_CASE_METHOD(Fixture, "snapshots: the first writer of a position wins") {
    SnapshotFile file = open();
    REQUIRE(file.save(key, snapshot(10, "first")));
    CHECK_FALSE(file.save(key, snapshot(10, "second")));
    CHECK(file.find(key, store, end, always)->state == "first");
}

TEST_CASE_METHOD(Fixture, "snapshots: of one seq in two histories both are kept, told apart by their digests") {
    SnapshotFile file = open();
    REQUIRE(file.save(key, snapshot(10, "here")));
    REQUIRE(file.save(key, {at(10, store, "elsewhere"), 10, "elsewhere"}));
    CHECK(file.find(key, store, end, [](const Position& p) { return p == at(10); })->state == "here");
    CHECK(file.positions(key).size() == 2);
}

TEST_CASE_METHOD(Fixture, "snapshots: a damaged one is ignored with a note, and an older one serves") {
    SnapshotFile file = open();
    REQUIRE(file.save(key, snapshot(10, "old")));
    REQUIRE(file.save(key, snapshot(20, "new")));
    damage("UPDATE snapshots SET state = x'00' WHERE seq = 20");
    const auto found = file.find(key, store, end, always);
    REQUIRE(found);
    CHECK(found->state == "old");
    REQUIRE(notes.size() == 1);
    CHECK_THAT(notes[0], Contains("seq 20 is damaged"));
}

TEST_CASE_METHOD(Fixture, "snapshots: a changed position or count is damage too") {
    SnapshotFile file = open();
    REQUIRE(file.save(key, snapshot(10, "x")));
    damage("UPDATE snapshots SET events = 11");
    CHECK_FALSE(file.find(key, store, end, always));
    damage("UPDATE snapshots SET events = 10, seq = 9");
    CHECK_FALSE(file.find(key, store, end, always));
    damage("UPDATE snapshots SET seq = 10");
    CHECK(file.find(key, store, end, always));
}

TEST_CASE_METHOD(Fixture, "snapshots: a damaged one is replaced by the next save of the same position") {
    SnapshotFile file = open();
    REQUIRE(file.save(key, snapshot(10, "x")));
    damage("UPDATE snapshots SET state = x'00'");
    CHECK(file.save(key, snapshot(10, "x")));
    CHECK(file.find(key, store, end, always)->state == "x");
}

TEST_CASE_METHOD(Fixture, "snapshots: a file that is no database is ignored with a note, and never written") {
    const std::string path = database.string() + ".snapshots";
    std::ofstream(path) << std::string(5000, 'x');
    SnapshotFile file = open();
    CHECK_FALSE(file.find(key, store, end, always));
    CHECK(notes.size() == 1);
    CHECK_FALSE(file.save(key, snapshot(10, "x")));
    CHECK(notes.size() == 2);
    CHECK(file.prune(0) == 0);
    CHECK(std::filesystem::file_size(path) == 5000);
}

TEST_CASE_METHOD(Fixture, "snapshots: another program's database is ignored with a note, and never written") {
    {
        Connection foreign(database.string() + ".snapshots", {.writable = true, .create = true});
        foreign.execute("CREATE TABLE theirs(x)");
    }
    SnapshotFile file = open();
    CHECK_FALSE(file.save(key, snapshot(10, "x")));
    CHECK_FALSE(file.find(key, store, end, always));
    REQUIRE(notes.size() == 2);
    CHECK_THAT(notes[0], Contains("not a file of snapshots"));
    Connection foreign(database.string() + ".snapshots", {});
    CHECK(foreign.query_integer("SELECT count(*) FROM sqlite_schema") == 1);
}

TEST_CASE_METHOD(Fixture, "snapshots: while another process writes, nothing is kept and nobody waits") {
    SnapshotFile file = open();
    PosixFileSystem files;
    const auto lock = files.open(database.string() + ".snapshots-lock", OpenMode::create);
    REQUIRE(lock->try_lock(0, LockMode::exclusive));
    CHECK_FALSE(file.save(key, snapshot(10, "x")));
    REQUIRE(notes.size() == 1);
    CHECK_THAT(notes[0], Contains("another process is writing"));
    lock->unlock(0);
    CHECK(file.save(key, snapshot(10, "x")));
}

TEST_CASE_METHOD(Fixture, "snapshots: a state over the limit is not kept, and said so") {
    SnapshotFile file = open({.state_bytes_max = 4});
    CHECK_FALSE(file.save(key, snapshot(10, "12345")));
    REQUIRE(notes.size() == 1);
    CHECK_THAT(notes[0], Contains("5 bytes, the limit is 4"));
    CHECK(file.save(key, snapshot(10, "1234")));
}

TEST_CASE_METHOD(Fixture, "snapshots: looking for one where there is no file makes none") {
    SnapshotFile file = open();
    CHECK_FALSE(file.find(key, store, end, always));
    CHECK(file.positions(key).empty());
    CHECK(file.prune(1) == 0);
    CHECK(std::filesystem::is_empty(directory.path()));
    CHECK(notes.empty());
}

TEST_CASE_METHOD(Fixture, "snapshots: pruning keeps the newest of each fold and store, and removes damaged ones") {
    SnapshotFile file = open();
    SnapshotKey other = key;
    other.projection = "other";
    for (const std::uint64_t seq : {10U, 20U, 30U, 40U}) {
        REQUIRE(file.save(key, snapshot(seq, "x")));
        REQUIRE(file.save(other, snapshot(seq, "y")));
    }
    REQUIRE(file.save(key, {at(5, other_store), 5, "z"}));
    damage("UPDATE snapshots SET state = x'00' WHERE projection = 'scoreboard' AND seq = 40");
    CHECK(file.prune(2) == 4);
    CHECK(file.positions(key) == std::vector<Position>{at(5, other_store), at(20), at(30)});
    CHECK(file.positions(other) == std::vector<Position>{at(30), at(40)});
}

TEST_CASE_METHOD(Fixture, "snapshots: no -wal stays behind a save") {
    SnapshotFile file = open();
    REQUIRE(file.save(key, snapshot(10, "x")));
    CHECK_FALSE(std::filesystem::exists(database.string() + ".snapshots-wal"));
}

TEST_CASE_METHOD(Fixture, "snapshots: an empty state is a state") {
    SnapshotFile file = open();
    REQUIRE(file.save(key, snapshot(10, "")));
    REQUIRE(file.find(key, store, end, always));
    CHECK(file.find(key, store, end, always)->state.empty());
}
