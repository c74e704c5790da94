#include <daybook/replay/progress.hpp>

#include <daybook/replay/fold.hpp>

#include "replay/replay_kit.hpp"

using namespace daybook;
using namespace daybook::test;

TEST_CASE("progress: it is told every 1,000 events and at the end, with the window's bounds") {
    Log log;
    log.store().append({.events = std::vector<NewEvent>(1000, NewEvent{.type = "a"})});
    log.store().append({.events = std::vector<NewEvent>(500, NewEvent{.type = "a"})});
    std::vector<ReplayProgress> told;
    FoldOptions<int> options;
    options.hooks.progress = [&told](const ReplayProgress& progress) { told.push_back(progress); };
    (void)fold(
        log.reader(), {.from_seq = Sequence{101}}, 0, [](int&, const EventView&) {}, options);
    REQUIRE(told.size() == 2);
    CHECK(told[0].events == 1000);
    CHECK(told[0].seq == Sequence{1100});
    CHECK(told[0].first_seq == Sequence{101});
    CHECK(told[0].last_seq == Sequence{1500});
    CHECK(told[1].events == 1400);
    CHECK(told[1].seq == Sequence{1500});
}

TEST_CASE("progress: an exception of a hook ends the replay and passes through") {
    Log log;
    log.append_numbered(1);
    FoldOptions<int> options;
    options.hooks.cancelled = []() -> bool { throw std::runtime_error("no"); };
    CHECK_THROWS_AS((void)fold(
                        log.reader(), {}, 0, [](int&, const EventView&) {}, options),
                    std::runtime_error);
}
