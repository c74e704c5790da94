#include "store/name_tail.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

#include "store/sql_log.hpp"

using namespace daybook;
using namespace daybook::test;

namespace {

std::vector<std::uint64_t> collect(ReaderPool::Lease& lease, const RunLayout& layout, NumberRange within) {
    std::vector<std::uint64_t> seqs;
    lease.name_tail().collect(lease, layout, NameKind::stream, "s", within, seqs);
    return seqs;
}

}  // namespace

TEST_CASE("name tail: it reads on as the log grows, and answers within what is asked for") {
    SqlLog log;
    auto lease = log.pool()->borrow();
    const RunLayout layout{.run_events = 4, .complete = 0};
    CHECK(collect(lease, layout, {1, 100}).empty());
    log.append({make_event("x", "s"), make_event("x", "other"), make_event("x", "s")});
    CHECK(collect(lease, layout, {1, 100}) == std::vector<std::uint64_t>{1, 3});
    log.append({make_event("x", "s")});
    CHECK(collect(lease, layout, {1, 100}) == std::vector<std::uint64_t>{1, 3, 4});
    CHECK(collect(lease, layout, {2, 3}) == std::vector<std::uint64_t>{3});
}

TEST_CASE("name tail: what runs have is let go, and read again for a reader that still sees fewer runs") {
    SqlLog log;
    log.append(std::vector<Event>(40, make_event("x", "s")));
    auto lease = log.pool()->borrow();
    CHECK(collect(lease, {.run_events = 4, .complete = 0}, {1, 40}).size() == 40);
    CHECK(collect(lease, {.run_events = 4, .complete = 9}, {37, 40}).size() == 4);
    CHECK(collect(lease, {.run_events = 4, .complete = 1}, {5, 40}).size() == 36);
}

TEST_CASE("name tail: names are visited in order, from one on, until the visitor has enough") {
    SqlLog log;
    log.append({make_event("c"), make_event("a"), make_event("b"), make_event("d")});
    auto lease = log.pool()->borrow();
    std::string seen;
    lease.name_tail().visit_names(lease, {.run_events = 4, .complete = 0}, NameKind::type, "b",
                                  [&](std::string_view name) {
                                      seen += name;
                                      return name != "c";
                                  });
    CHECK(seen == "bc");
}
