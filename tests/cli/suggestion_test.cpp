// Tests of "did you mean".
#include <catch2/catch.hpp>

#include "cli/human.hpp"
#include "cli/suggestion.hpp"

using namespace daybook::cli;

TEST_CASE("suggestion: a slip of one letter finds the name") {
    CHECK(nearest_name("emti", {"emit", "export", "tail"}) == "emit");
    CHECK(nearest_name("--strem", {"--stream", "--source"}) == "--stream");
}

TEST_CASE("suggestion: a word that resembles nothing gets none") {
    CHECK(nearest_name("frobnicate", {"emit", "export", "tail"}).empty());
}

TEST_CASE("numbers for people: thousands, sizes, durations, plurals") {
    CHECK(human_count(101759) == "101,759");
    CHECK(human_count(999) == "999");
    CHECK(human_bytes(812) == "812 bytes");
    CHECK(human_bytes(27892122) == "26.6 MiB");
    CHECK(human_duration(std::chrono::milliseconds(420)) == "0.42 s");
    CHECK(human_duration(std::chrono::seconds(185)) == "3 min 05 s");
    CHECK(human_noun(1, "event") == "1 event");
    CHECK(human_noun(2000, "event") == "2,000 events");
}
