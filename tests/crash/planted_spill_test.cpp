// Spilled pages and savepoints, planted in the store: on an affected SQLite the fixed recipe must show the loss.
#include <catch2/catch.hpp>

#include "crash/spill.hpp"
#include "event/test_hooks.hpp"

namespace daybook::crash {

TEST_CASE("planted: spill_with_savepoints is caught by the fixed recipe", "[planted]") {
    const SpillOutcome raw = spill_in_sqlite();
    if (raw.found == raw.acknowledged) {
        WARN("the linked SQLite has the fix: there is nothing that this bug could lose");
        return;
    }
    bool caught = false;
    for (int round = 0; round < 20 && !caught; ++round) {  // the three callers may miss each other
        test_hooks::plant(test_hooks::Bug::spill_with_savepoints);
        const SpillOutcome planted = spill_in_store();
        test_hooks::plant(test_hooks::Bug::none);
        caught = planted.found < planted.acknowledged;
    }
    CHECK(caught);
    const SpillOutcome sound = spill_in_store();
    CHECK(sound.found == sound.acknowledged);
}

}  // namespace daybook::crash
