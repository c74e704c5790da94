// The two known bugs of SQLite that lose commits, on SQLite alone and through the store.
#include <catch2/catch.hpp>

#include <fmt/format.h>
#include <sqlite3.h>

#include <cstdio>
#include <string_view>

#include "crash/canaries.hpp"

namespace daybook::crash {

namespace {

// A fact about the library that is linked, not about the store: printed, so that a log of the run tells.
void tell(std::string_view bug, const CanaryReport& report) {
    std::printf("SQLite %s: %.*s: %llu rows committed, %llu found, integrity %s: %s\n", sqlite3_libversion(),
                static_cast<int>(bug.size()), bug.data(), static_cast<unsigned long long>(report.committed),
                static_cast<unsigned long long>(report.found), report.is_sound ? "ok" : "NOT OK",
                report.loses() ? "AFFECTED" : "not affected");
    std::fflush(stdout);
}

void require_nothing_lost(const CanaryReport& report) {
    CHECK(report.committed > 0);
    CHECK(report.found == report.committed);
    CHECK(report.is_sound);
}

}  // namespace

TEST_CASE("canary: whether the linked SQLite loses commits when -wal is reset during a checkpoint", "[canary]") {
    const CanaryReport report = wal_reset_on_sqlite();
    tell("WAL-reset bug", report);
    CHECK(report.committed == 51);
}

TEST_CASE("canary: the store loses nothing when another writes during its checkpoint", "[canary]") {
    require_nothing_lost(wal_reset_through_store());
}

TEST_CASE("canary: whether the linked SQLite loses commits when a savepoint is rolled back after a spill", "[canary]") {
    const CanaryReport report = savepoint_spill_on_sqlite();
    tell("savepoint-spill bug", report);
    CHECK(report.committed > 20'000);
}

TEST_CASE("canary: the store loses nothing when one of several callers fails behind large payloads", "[canary]") {
    require_nothing_lost(savepoint_spill_through_store(End::kill));
    require_nothing_lost(savepoint_spill_through_store(End::power_loss));
}

}  // namespace daybook::crash
