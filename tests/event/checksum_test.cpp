#include <daybook/event/checksum.hpp>

using daybook::crc32;

TEST_CASE("crc32: the check value of the algorithm's catalogue comes out") {
    CHECK(crc32("123456789") == 0xcbf43926U);
}

TEST_CASE("crc32: nothing has the checksum 0, also when the view has no pointer") {
    CHECK(crc32("") == 0U);
    CHECK(crc32(std::string_view()) == 0U);
}

TEST_CASE("crc32: every single flipped bit is seen") {
    const std::string text = "a journal line of some length, to be damaged";
    const std::uint32_t before = crc32(text);
    for (std::size_t bit = 0; bit < text.size() * 8; ++bit) {
        std::string damaged = text;
        damaged[bit / 8] = static_cast<char>(static_cast<unsigned char>(damaged[bit / 8]) ^ (1U << bit % 8));
        CHECK(crc32(damaged) != before);
    }
}
