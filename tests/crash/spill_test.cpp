// Each of SQLite's two ways of losing commits silently, twice: with SQLite alone, which tells whether the linked library is
// affected, and through the store, which must not lose.
#include <catch2/catch.hpp>

#include <fmt/format.h>
#include <sqlite3.h>

#include "crash/spill.hpp"

namespace daybook::crash {

TEST_CASE("canary: a savepoint that is rolled back after pages have spilled loses nothing through the store",
          "[canary]") {
    const SpillOutcome raw = spill_in_sqlite();
    fmt::print("SQLite {} by itself: {} of {} rows after a spill and a savepoint's rollback{}\n", sqlite3_libversion(),
               raw.found, raw.acknowledged, raw.found < raw.acknowledged ? ": AFFECTED" : "");
    CHECK(raw.found <= raw.acknowledged);
    const SpillOutcome store = spill_in_store();
    CHECK(store.found == store.acknowledged);
}

}  // namespace daybook::crash
