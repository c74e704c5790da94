// After a yield that came back late there is none for a while.
#include "store/yielding.hpp"

#include <catch2/catch.hpp>

namespace daybook {

using namespace std::chrono_literals;

TEST_CASE("store: yields go on while each is back soon", "[yielding]") {
    Yielding yielding;
    for (std::chrono::nanoseconds now = 0ms; now < 1s; now += 1ms) {
        REQUIRE(yielding.yield(now));
        yielding.judge(now, now + 999us);
    }
    yielding.judge(2s, 1s);  // before it was due
    CHECK(yielding.yield(1s));
}

TEST_CASE("store: after a yield that gave away a time slice there is none for a tenth of a second", "[yielding]") {
    Yielding yielding;
    yielding.judge(49ms, 50ms);
    CHECK_FALSE(yielding.yield(50ms));
    CHECK_FALSE(yielding.yield(149ms));
    CHECK(yielding.yield(150ms));
    yielding.judge(148ms, 151ms);
    CHECK_FALSE(yielding.yield(152ms));
    CHECK(yielding.yield(251ms));
}

}  // namespace daybook
