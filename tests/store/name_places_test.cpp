#include "store/name_places.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

#include "store/sql_log.hpp"

using namespace daybook;
using namespace daybook::test;

namespace {

// Every tenth event is of stream `rare` and type `rare:seen`, from seq 1 on; runs of 8.
void fill(SqlLog& log, int events) {
    std::vector<Event> made;
    for (int i = 0; i < events; ++i)
        made.push_back(i % 10 == 0 ? make_event("rare:seen", "rare") : make_event("often:seen", "often"));
    log.append(made);
    log.index(8);
}

std::vector<std::uint64_t> seqs_of(SqlLog& log, NameKind kind, std::vector<std::string> names, NumberRange within) {
    auto lease = log.pool()->borrow();
    const NamePlaces places = find_places(lease, kind, std::move(names), within, 1'000'000);
    std::vector<std::uint64_t> all;
    std::vector<std::uint64_t> of_run;
    for (const std::uint64_t run : places.runs) {
        read_run(lease, places, run, of_run);
        all.insert(all.end(), of_run.begin(), of_run.end());
    }
    all.insert(all.end(), places.tail.begin(), places.tail.end());
    CHECK(places.entries == all.size());
    return all;
}

}  // namespace

TEST_CASE("name places: a name's events are in its runs and in the end of the log") {
    SqlLog log;
    fill(log, 45);
    CHECK(seqs_of(log, NameKind::stream, {"rare"}, {1, 45}) == std::vector<std::uint64_t>{1, 11, 21, 31, 41});
    CHECK(seqs_of(log, NameKind::type, {"rare:seen", "often:seen"}, {1, 45}).size() == 45);
    CHECK(seqs_of(log, NameKind::stream, {"nowhere"}, {1, 45}).empty());
    CHECK(seqs_of(log, NameKind::stream, {"rare"}, {}).empty());
}

TEST_CASE("name places: of a range only the runs that overlap it are named, by a look at each or from the head back") {
    SqlLog log;
    fill(log, 2'000);
    // 25 to 48 are runs 3 to 5: few enough to be looked at one by one.
    CHECK(seqs_of(log, NameKind::stream, {"rare"}, {25, 48}) == std::vector<std::uint64_t>{31, 41});
    // 1 to 1,600 are 200 runs: more than are looked at.
    CHECK(seqs_of(log, NameKind::stream, {"rare"}, {1, 1'600}).size() == 160);
}

TEST_CASE(
    "name places: of a run that is written in part no row counts, and what is planned does not change when it is "
    "completed") {
    SqlLog log;
    std::vector<Event> events;
    for (int i = 0; i < 40; ++i) events.push_back(make_event("t:" + std::to_string(i % 5)));
    log.append(events);
    const int rows = GENERATE(0, 1, 2, 4);
    log.index_in_part(20, rows);
    auto lease = log.pool()->borrow();
    const std::vector<std::string> names{"t:0", "t:3"};
    const NamePlaces places = find_places(lease, NameKind::type, names, {1, 40}, 1'000);
    CHECK(places.runs == std::vector<std::uint64_t>{0});
    CHECK(places.tail == std::vector<std::uint64_t>{21, 24, 26, 29, 31, 34, 36, 39});
    CHECK(last_place(lease, NameKind::type, "t:3", 40) == 39);
    CHECK(last_place(lease, NameKind::type, "t:3", 20) == 19);
}

TEST_CASE("name places: a type that is in the runs and in the end counts once among too many") {
    SqlLog log;
    std::vector<Event> events;
    for (int half = 0; half < 2; ++half)
        for (int i = 0; i < 30; ++i) events.push_back(make_event("t:" + std::to_string(i)));
    events.push_back(make_event("z:failed"));
    log.append(events);
    log.index(30);
    log.index_in_part(30, 0);
    auto lease = log.pool()->borrow();
    CHECK(names_with_prefix(lease, NameKind::type, "", 31).size() == 31);
    CHECK(names_with_prefix(lease, NameKind::type, "", 30).size() > 30);
}

TEST_CASE("name places: the last event at most at a seq is found in the end, at the head and further back") {
    SqlLog log;
    fill(log, 45);
    auto lease = log.pool()->borrow();
    for (const auto& [at_most, last] : std::vector<std::pair<std::uint64_t, std::uint64_t>>{
             {0, 0}, {1, 1}, {10, 1}, {11, 11}, {30, 21}, {31, 31}, {40, 31}, {41, 41}, {45, 41}}) {
        CAPTURE(at_most);
        CHECK(last_place(lease, NameKind::stream, "rare", at_most) == last);
    }
    CHECK(last_place(lease, NameKind::stream, "nowhere", 45) == 0);
}

TEST_CASE(
    "name places: names with a prefix come from the heads and the end, each once, and too many are told by one more") {
    SqlLog log;
    std::vector<Event> events;
    for (int i = 0; i < 20; ++i) events.push_back(make_event("a:" + std::to_string(i % 4)));
    events.push_back(make_event("a:new"));
    events.push_back(make_event("b:other"));
    log.append(events);
    log.index(20);
    auto lease = log.pool()->borrow();
    CHECK(names_with_prefix(lease, NameKind::type, "a:", 10) ==
          std::vector<std::string>{"a:0", "a:1", "a:2", "a:3", "a:new"});
    CHECK(names_with_prefix(lease, NameKind::type, "a:", 2).size() > 2);
    CHECK(names_with_prefix(lease, NameKind::type, "c", 10).empty());
}
