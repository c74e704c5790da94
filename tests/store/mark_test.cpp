#include "store/mark.hpp"

#include <catch2/catch.hpp>

namespace daybook {

namespace {

Head some_head() {
    Head head;
    head.store_id = *Uuid::parse("00112233-4455-6677-8899-aabbccddeeff");
    head.seq = Sequence{0x0102030405060708};
    head.digest.bytes[0] = std::byte{1};
    head.result_seq = ResultSequence{9};
    head.result_digest.bytes[31] = std::byte{2};
    return head;
}

}  // namespace

TEST_CASE("mark: what was written is read back", "[mark]") {
    CHECK(decode_mark(encode_mark(some_head())) == some_head());
}

TEST_CASE("mark: it has its documented size", "[mark]") {
    CHECK(encode_mark(some_head()).size() == mark_bytes);
}

TEST_CASE("mark: one flipped bit anywhere makes it no mark", "[mark]") {
    const std::string good = encode_mark(some_head());
    for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
        std::string bad = good;
        bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << (bit % 8)));
        INFO("bit " << bit);
        REQUIRE_FALSE(decode_mark(bad));
    }
}

TEST_CASE("mark: an empty, short or zeroed file holds no mark", "[mark]") {
    CHECK_FALSE(decode_mark(""));
    CHECK_FALSE(decode_mark(encode_mark(some_head()).substr(0, mark_bytes - 1)));
    CHECK_FALSE(decode_mark(std::string(mark_bytes, '\0')));
}

}  // namespace daybook
