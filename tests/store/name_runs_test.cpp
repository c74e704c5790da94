#include "store/name_runs.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

#include <daybook/event/error.hpp>

#include "store/sql_log.hpp"

using namespace daybook;
using test::SqlLog;

namespace {

std::vector<std::uint64_t> read(std::string_view seqs, const RunLayout& layout, std::uint64_t run, bool& is_sound) {
    std::vector<std::uint64_t> found;
    is_sound = read_seqs(seqs, layout, run, found);
    return found;
}

}  // namespace

TEST_CASE("name runs: a run's seqs are two bytes each, and read back as they were") {
    const RunLayout layout{.run_events = 65'536, .complete = 3};
    std::string seqs;
    const std::vector<std::uint64_t> all{65'537, 65'538, 65'792, 131'072};
    for (const std::uint64_t seq : all) append_seq(seqs, layout, seq);
    CHECK(seqs == std::string("\x00\x00\x00\x01\x00\xff\xff\xff", 8));
    CHECK(count_of_seqs(seqs.size()) == 4);
    CHECK(last_seq(seqs, layout, 1) == 131'072);
    bool is_sound = false;
    CHECK(read(seqs, layout, 1, is_sound) == all);
    CHECK(is_sound);
}

TEST_CASE("name runs: what is not ascending seqs of that run is damage") {
    const RunLayout layout{.run_events = 16, .complete = 1};
    const std::string text = GENERATE(std::string(), std::string("\x00", 1), std::string("\x00\x10", 2),
                                      std::string("\x00\x03\x00\x03", 4), std::string("\x00\x03\x00\x02", 4));
    bool is_sound = true;
    static_cast<void>(read(text, layout, 0, is_sound));
    CHECK_FALSE(is_sound);
}

TEST_CASE("name runs: a layout that cannot be is corrupt") {
    const char* edit = GENERATE("UPDATE store_info SET run_events = 0", "UPDATE store_info SET run_events = 65537",
                                "UPDATE store_info SET indexed_runs = -1", "DELETE FROM store_info");
    CAPTURE(edit);
    SqlLog log;
    log.damage(edit);
    Statement layout(log.writer(), layout_sql);
    CHECK_THROWS_AS(read_layout(layout), Error);
}
