#include <catch2/catch.hpp>

#include <daybook/testkit/fake_clock.hpp>

using namespace daybook;
using testkit::FakeClock;
using namespace std::chrono_literals;

TEST_CASE("fake clock: it stands until it is moved, and sleeping moves it") {
    FakeClock clock;
    const Timestamp start = clock.now();
    CHECK(clock.now() == start);
    clock.sleep_for(2s);
    CHECK(clock.now().ns - start.ns == 2'000'000'000);
    CHECK(clock.steady() == 2s);
}

TEST_CASE("fake clock: the wall clock can step back, the steady one does not notice") {
    FakeClock clock;
    clock.set(Timestamp{5});
    CHECK(clock.now() == Timestamp{5});
    CHECK(clock.steady() == 0s);
}

TEST_CASE("fake clock: it starts at noon of 2026-01-31, as its comment says") {
    CHECK(FakeClock().now().to_string() == "2026-01-31T12:00:00.000000000Z");
}
