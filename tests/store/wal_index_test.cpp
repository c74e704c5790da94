// The wal-index of an open connection, read without locking or changing it.
#include "store/wal_index.hpp"

#include <catch2/catch.hpp>

#include "store/forged_log.hpp"

namespace {

using namespace daybook;
using test::ForgedLog;

}  // namespace

TEST_CASE("wal-index: frames grow with commits and go back to none with a whole checkpoint", "[wal_index]") {
    ForgedLog log(2);
    Connection reader(log.path().native(), {});
    static_cast<void>(reader.query_integer("SELECT count(*) FROM events_log"));
    const auto before = read_wal_index(reader, log.path().native());
    REQUIRE(before);
    CHECK(before->frames > 0);
    CHECK(before->backfilled == 0);
    log.append();
    CHECK(read_wal_index(reader, log.path().native())->frames > before->frames);
    log.sql("PRAGMA wal_checkpoint(TRUNCATE)");
    CHECK(read_wal_index(reader, log.path().native())->frames == 0);
}

TEST_CASE("wal-index: a reader holds a checkpoint back at its frame", "[wal_index]") {
    ForgedLog log(2);
    Connection reader(log.path().native(), {});
    reader.execute("BEGIN");
    static_cast<void>(reader.query_integer("SELECT count(*) FROM events_log"));
    const auto pinned = read_wal_index(reader, log.path().native());
    REQUIRE(pinned);
    log.append();
    log.sql("PRAGMA wal_checkpoint(PASSIVE)");
    const auto held = read_wal_index(reader, log.path().native());
    REQUIRE(held);
    CHECK(held->backfilled == pinned->frames);
    CHECK(held->frames > held->backfilled);
    if (!held->readers_known) {
        WARN("this system does not tell who holds locks: the oldest reader is not checked");
        return;
    }
    REQUIRE_FALSE(held->readers.empty());
    CHECK(held->readers.front().frame == pinned->frames);
}

TEST_CASE("wal-index: an immutable connection has none", "[wal_index]") {
    ForgedLog log(2);
    log.close();
    Connection reader(log.path().native(), {.immutable = true});
    static_cast<void>(reader.query_integer("SELECT count(*) FROM events_log"));
    CHECK_FALSE(read_wal_index(reader, log.path().native()));
}
