#include "store/event_ids.hpp"

#include <catch2/catch.hpp>

#include <string>

#include "store/id_tail.hpp"
#include "store/sql_log.hpp"

using namespace daybook;
using namespace daybook::test;

namespace {

Event with_id(std::string id) {
    Event event = make_event("x");
    event.id = std::move(id);
    return event;
}

}  // namespace

TEST_CASE("id key: a UUID in small letters takes 16 bytes, any other id is text; each is read back as it was") {
    SqlLog log;
    const auto [id, kind] = GENERATE(table<const char*, const char*>({
        {"0190163d-8694-739b-aea5-966c26f8ad91", "blob"},
        {"00000000-0000-0000-0000-000000000000", "blob"},
        {"0190163D-8694-739b-aea5-966c26f8ad91", "text"},
        {"0190163d-8694-739b-aea5-966c26f8ad9", "text"},
        {"0190163d-8694-739b-aea5_966c26f8ad91", "text"},
        {"0123456789abcdef", "text"},
        {"order 17", "text"},
        {"é", "text"},
    }));
    CAPTURE(id);
    const IdKey key(id);
    Statement row(log.writer(), "SELECT ?1, typeof(?1), length(?1)");
    key.bind(row, 1);
    REQUIRE(row.step());
    CHECK(row.text(1) == kind);
    if (row.text(1) == "blob") CHECK(row.integer(2) == 16);
    CHECK(IdKey::id_in(row, 0) == id);
}

TEST_CASE("event ids: an id is found in the runs and behind them, as far as the reader's state goes") {
    SqlLog log;
    std::vector<Event> events;
    for (int number = 1; number <= 10; ++number) events.push_back(with_id("id-" + std::to_string(number)));
    log.append(events);
    auto lease = log.pool()->borrow();
    CHECK(find_id(lease, "id-2") == Sequence{2});
    log.index(4);
    for (int number = 1; number <= 10; ++number)
        CHECK(find_id(lease, "id-" + std::to_string(number)) == Sequence{static_cast<std::uint64_t>(number)});
    CHECK_FALSE(find_id(lease, "id-11"));
    log.append({with_id("id-11")});
    CHECK(find_id(lease, "id-11") == Sequence{11});
    log.index_in_part(4, 0);
    CHECK(find_id(lease, "id-8") == Sequence{8});
    CHECK(find_id(lease, "id-3") == Sequence{3});
}

TEST_CASE("event ids: a reader in an older state does not find what others have read since") {
    SqlLog log;
    log.append({with_id("a")});
    auto old = log.pool()->borrow();
    auto young = log.pool()->borrow();
    Statement& read = old.statement("SELECT seq FROM events_log");
    REQUIRE(read.step());  // pins its state
    log.append({with_id("b")});
    CHECK(find_id(young, "b") == Sequence{2});
    const RunLayout layout{.run_events = 16'384, .complete = 0};
    CHECK(young.id_tail().candidates(young, layout, "b") == std::vector<std::uint64_t>{2});
    read.reset();
    CHECK(find_id(old, "b") == Sequence{2});
}

TEST_CASE("id tail: what runs have is let go, and read again for a reader that still sees fewer runs") {
    SqlLog log;
    std::vector<Event> events;
    for (int number = 1; number <= 40; ++number) events.push_back(with_id("id-" + std::to_string(number)));
    log.append(events);
    auto lease = log.pool()->borrow();
    IdTail& tail = lease.id_tail();
    using Seqs = std::vector<std::uint64_t>;
    CHECK(tail.candidates(lease, {.run_events = 4, .complete = 0}, "id-3") == Seqs{3});
    CHECK(tail.candidates(lease, {.run_events = 4, .complete = 9}, "id-3").empty());
    CHECK(tail.candidates(lease, {.run_events = 4, .complete = 9}, "id-37") == Seqs{37});
    CHECK(tail.candidates(lease, {.run_events = 4, .complete = 1}, "id-5") == Seqs{5});
}
