#include <daybook/event/position.hpp>

#include "event/thrown.hpp"

using namespace daybook;

namespace {

const std::string hex_a = std::string(62, 'a') + "0f";
const std::string hex_b = std::string(64, 'b');
const std::string store = "0190163d-8694-439b-aea5-966c26f8ad91";

Head sample_head() {
    return {*Uuid::parse(store), {101'759}, Digest::from_hex(hex_a), {7}, Digest::from_hex(hex_b)};
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
    return text.replace(text.find(from), from.size(), to);
}

}  // namespace

TEST_CASE("digest: hexadecimal digits go in and come out, in lower case") {
    CHECK(Digest::from_hex(hex_a).to_hex() == hex_a);
    CHECK(Digest::from_hex(std::string(64, 'B')).to_hex() == hex_b);
    CHECK(Digest{}.to_hex() == std::string(64, '0'));
}

TEST_CASE("digest: anything but 64 hexadecimal digits is refused") {
    for (const std::string& text :
         {std::string(), std::string(63, 'a'), std::string(65, 'a'), std::string(63, 'a') + "g"}) {
        CHECK(thrown_code([&] { return Digest::from_hex(text); }) == ErrorCode::invalid_argument);
    }
}

TEST_CASE("position: sequences are ordered by number") {
    CHECK(Sequence{9} < Sequence{10});
    CHECK(ResultSequence{1} > ResultSequence{});
    CHECK(Version{2} == Version{2});
}

TEST_CASE("head: the line names both chains") {
    CHECK(sample_head().to_line() ==
          "daybook-head:v1 store=" + store + " seq=101759 digest=" + hex_a + " result_seq=7 result_digest=" + hex_b);
}

TEST_CASE("head: a line that was written is read back, with or without its newline") {
    const Head head = sample_head();
    CHECK(Head::from_line(head.to_line()) == head);
    CHECK(Head::from_line(head.to_line() + "\r\n") == head);
    CHECK(head.position() == Position{head.store_id, head.seq, head.digest});
}

TEST_CASE("head: a line that is wrong is refused, and the field is named") {
    const std::string line = sample_head().to_line();
    const auto message = [](const std::string& text) {
        const Error error = thrown([&] { return Head::from_line(text); });
        CHECK(error.code() == ErrorCode::invalid_argument);
        return std::string(error.what());
    };
    CHECK_THAT(message(""), Catch::Contains("daybook-head:v1"));
    CHECK_THAT(message(replaced(line, ":v1", ":v2")), Catch::Contains("daybook-head:v1"));
    CHECK_THAT(message(replaced(line, store, "nonsense")), Catch::Contains("\"store\""));
    CHECK_THAT(message(replaced(line, "seq=101759", "seq=-1")), Catch::Contains("\"seq\""));
    CHECK_THAT(message(replaced(line, "seq=101759", "seq=9223372036854775808")), Catch::Contains("\"seq\""));
    CHECK_THAT(message(replaced(line, hex_a, "12")), Catch::Contains("\"digest\""));
    CHECK_THAT(message(replaced(line, "result_seq=7", "result_seq=")), Catch::Contains("\"result_seq\""));
    CHECK_THAT(message(replaced(line, hex_b, hex_b.substr(1))), Catch::Contains("\"result_digest\""));
    CHECK_THAT(message(line + " more"), Catch::Contains("result_digest"));
    CHECK_THAT(message(line.substr(0, line.find(" result_seq"))), Catch::Contains("\"result_seq\" is missing"));
}
