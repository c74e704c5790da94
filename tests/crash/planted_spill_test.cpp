// Spilled pages and savepoints, planted in the store: on an affected SQLite the fixed recipe must show the loss.
#include <catch2/catch.hpp>

#include "crash/canaries.hpp"
#include "event/test_hooks.hpp"

namespace daybook::crash {

TEST_CASE("planted: spill_with_savepoints is caught by the fixed recipe", "[planted]") {
    if (!savepoint_spill_on_sqlite().loses()) {
        WARN("the linked SQLite has the fix: there is nothing that this bug could lose");
        return;
    }
    test_hooks::plant(test_hooks::Bug::spill_with_savepoints);
    const CanaryReport planted = savepoint_spill_through_store(End::kill);
    test_hooks::plant(test_hooks::Bug::none);
    CHECK(planted.loses());
    CHECK_FALSE(savepoint_spill_through_store(End::kill).loses());
}

}  // namespace daybook::crash
