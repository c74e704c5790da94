#include <daybook/event/limits.hpp>

#include <daybook/event/event.hpp>

#include "event/thrown.hpp"

using namespace daybook;

TEST_CASE("limits: the defaults are those of the manual") {
    const Limits limits;
    CHECK(limits.payload_bytes_max == 1'048'576);
    CHECK(limits.nesting_max == 128);
    CHECK(limits.name_bytes_max == 255);
    CHECK(limits.stream_bytes_max == 1'024);
    CHECK(limits.batch_events_max == 1'000);
    CHECK(limits.batch_bytes_max == 8'388'608);
}

TEST_CASE("limits: an event of one's own caps is judged by them") {
    const Limits limits{.payload_bytes_max = 4, .nesting_max = 1, .name_bytes_max = 2, .stream_bytes_max = 3};
    CHECK_NOTHROW(checked({.type = "ab", .payload = "[12]", .stream = "abc", .source = "s"}, limits));
    CHECK(thrown_code([&] { return checked({.type = "abc", .stream = "a", .source = "s"}, limits); }) ==
          ErrorCode::too_large);
    CHECK(thrown_code([&] { return checked({.type = "a", .stream = "abcd", .source = "s"}, limits); }) ==
          ErrorCode::too_large);
    CHECK(thrown_code([&] {
              return checked({.type = "a", .payload = "[123]", .stream = "a", .source = "s"}, limits);
          }) == ErrorCode::too_large);
    CHECK(thrown_code([&] {
              return checked({.type = "a", .payload = "[[]]", .stream = "a", .source = "s"}, limits);
          }) == ErrorCode::too_deep);
}
