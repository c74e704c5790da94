#include <catch2/catch.hpp>

#include <array>

#include <daybook/testkit/seeded_random.hpp>

using daybook::testkit::SeededRandom;

TEST_CASE("seeded random: the same seed gives the same bytes, another seed others") {
    std::array<std::byte, 32> a{}, b{}, c{};
    SeededRandom(7).fill(a);
    SeededRandom(7).fill(b);
    SeededRandom(8).fill(c);
    CHECK(a == b);
    CHECK(a != c);
}
