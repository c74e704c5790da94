#include <daybook/event/clock.hpp>

#include <ctime>

using namespace daybook;

TEST_CASE("system clock: now() lies between two readings of the machine's own clock") {
    const auto machine_seconds = [] { return static_cast<std::int64_t>(std::time(nullptr)); };
    SystemClock clock;
    const std::int64_t before = machine_seconds();
    const std::int64_t now = clock.now().ns / 1'000'000'000;
    const std::int64_t after = machine_seconds();
    // time() may lag behind by one tick of the kernel.
    CHECK(now >= before);
    CHECK(now <= after + 1);
}

TEST_CASE("system clock: the steady clock never steps back") {
    SystemClock clock;
    std::chrono::nanoseconds last = clock.steady();
    for (int i = 0; i < 1000; ++i) {
        const std::chrono::nanoseconds next = clock.steady();
        REQUIRE(next >= last);
        last = next;
    }
}

TEST_CASE("system clock: sleep_for() lasts at least as long as asked") {
    SystemClock clock;
    const std::chrono::nanoseconds before = clock.steady();
    clock.sleep_for(std::chrono::milliseconds(2));
    CHECK(clock.steady() - before >= std::chrono::milliseconds(2));
}

TEST_CASE("system clock: a sleep of nothing, or less, returns at once") {
    SystemClock clock;
    const std::chrono::nanoseconds before = clock.steady();
    clock.sleep_for(std::chrono::nanoseconds(0));
    clock.sleep_for(std::chrono::hours(-1));
    CHECK(clock.steady() - before < std::chrono::seconds(10));
}
