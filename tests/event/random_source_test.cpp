#include <daybook/event/random_source.hpp>

#include <array>
#include <set>

using namespace daybook;

TEST_CASE("system random: no two draws are alike") {
    SystemRandom random;
    std::set<std::array<std::byte, 16>> draws;
    for (int i = 0; i < 1000; ++i) {
        std::array<std::byte, 16> bytes{};
        random.fill(bytes);
        CHECK(draws.insert(bytes).second);
    }
}

TEST_CASE("system random: every byte of a large draw is filled") {
    SystemRandom random;
    std::vector<std::byte> bytes(100'000);
    random.fill(bytes);
    // 391 of each value on average; none at all of one value would be a hole.
    std::array<int, 256> counts{};
    for (const std::byte byte : bytes) ++counts[std::to_integer<std::size_t>(byte)];
    for (const int count : counts) CHECK(count > 200);
}

TEST_CASE("system random: a draw of nothing is no error") {
    SystemRandom random;
    CHECK_NOTHROW(random.fill({}));
}
