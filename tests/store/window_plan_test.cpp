#include "store/window_plan.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>

#include <daybook/event/error.hpp>

#include "store/event_cursor_impl.hpp"
#include "store/sql_log.hpp"

using namespace daybook;
using namespace daybook::test;

namespace {

Window make_random_window(std::mt19937_64& random, std::size_t events) {
    const auto below = [&random](std::uint64_t limit) { return random() % limit; };
    const auto one_in = [&below](std::uint64_t n) { return below(n) == 0; };
    Window window;
    if (one_in(3)) window.from_seq = Sequence{below(events + 10)};
    if (one_in(3)) window.to_seq = Sequence{window.from_seq.value_or(Sequence{0}).value + below(events)};
    if (one_in(2)) {
        window.axis = one_in(3) ? TimeAxis::recorded : TimeAxis::occurred;
        const std::int64_t base = window.axis == TimeAxis::recorded ? 1'000'000 : 0;
        const std::uint64_t span = events * (window.axis == TimeAxis::recorded ? 3 : 1'000);
        if (!one_in(4)) window.from = Timestamp{base + static_cast<std::int64_t>(below(span))};
        if (!one_in(4))
            window.to =
                Timestamp{window.from.value_or(Timestamp{base}).ns + 1 + static_cast<std::int64_t>(below(span / 3))};
    }
    if (one_in(3)) {
        const char* patterns[] = {"player:*", "phase.**", "phase.kind1", "player:kind0", "player:kind44", "rare:\\*",
                                  "nobody:*", "*:kind2",  "*",           "*.kind97",     "phase.kind99",  "gone"};
        for (std::uint64_t n = 1 + below(3); n > 0; --n)
            window.types.emplace_back(patterns[below(std::size(patterns))]);
    }
    if (one_in(4)) window.stream = "stream-" + std::to_string(below(42));
    if (one_in(6)) window.source = "source-" + std::to_string(below(4));
    if (one_in(5)) window.correlation_id = "run-" + std::to_string(below(32));
    if (one_in(5)) window.causation_id = "id-" + std::to_string(1 + below(45));
    if (one_in(6)) window.tags = {{"team", std::to_string(below(3))}};
    if (one_in(4)) window.limit = below(60);
    window.reverse = one_in(2);
    return window;
}

// The log in memory, as a cursor would lend it.
class Model {
  public:
    explicit Model(const std::vector<Event>& events) {
        for (const Event& event : events) tags_.push_back(tags_to_json(event.tags));
        for (std::size_t i = 0; i < events.size(); ++i) views_.push_back(view_of(events[i], tags_[i]));
    }

    [[nodiscard]] std::vector<std::uint64_t> seqs_of(const Window& window) const {
        std::vector<std::uint64_t> seqs;
        for (const EventView& event : views_)
            if (window.contains(event)) seqs.push_back(event.seq.value);
        if (window.reverse) std::reverse(seqs.begin(), seqs.end());
        if (window.limit && seqs.size() > *window.limit) seqs.resize(*window.limit);
        return seqs;
    }

  private:
    std::vector<std::string> tags_;
    std::vector<EventView> views_;
};

std::string query_plan(SqlLog& log, std::string_view sql) {
    Statement explain(log.writer(), "EXPLAIN QUERY PLAN " + std::string(sql));
    std::string plan;
    while (explain.step()) plan += std::string(explain.text(3)) + "\n";
    return plan;
}

WindowPlan plan_of(const SqlLog& log, const Window& window) {
    auto lease = log.pool()->borrow();
    return plan_window(lease, window, log.head());
}

}  // namespace

TEST_CASE("windows: every random window equals the whole log filtered by its conditions, whichever way it is read") {
    SqlLog log;
    log.append(make_random_events(4'000, 7));
    // The end of the log and its runs: all in the end, all in runs, both, and a run of which some rows are there.
    const auto [run_events, rows] = GENERATE(table<int, int>(
        {{0, 0}, {1, -1}, {2, -1}, {97, -1}, {1'500, -1}, {1'500, 0}, {1'500, 7}, {900, 1}, {900, 30}, {1'999, 11}}));
    if (run_events > 0 && rows < 0) log.index(run_events);
    if (run_events > 0 && rows >= 0) log.index_in_part(run_events, rows);
    const Head head = log.head();
    const Model model(log.events());
    std::mt19937_64 random(11);
    std::map<ReadPath, int> ways;
    for (int round = 0; round < 1'000; ++round) {
        const Window window = make_random_window(random, 4'000);
        EventCursor::Impl cursor(log.pool(), head, 1 + random() % 300, window);
        std::vector<std::uint64_t> seqs;
        while (const EventView* event = cursor.next()) seqs.push_back(event->seq.value);
        CAPTURE(round, static_cast<int>(cursor.plan().path), window.reverse);
        REQUIRE(seqs == model.seqs_of(window));
        ++ways[cursor.plan().path];
    }
    // Otherwise the comparison above would have proven less than it says.
    for (const ReadPath path : {ReadPath::nothing, ReadPath::scan, ReadPath::blocks, ReadPath::stream,
                                ReadPath::correlation, ReadPath::causation, ReadPath::types}) {
        CAPTURE(static_cast<int>(path));
        CHECK(ways[path] >= 10);
    }
}

TEST_CASE("windows: no way of reading sorts or scans the log without bounds") {
    SqlLog log;
    const std::pair<ReadPath, std::string> expected[] = {
        {ReadPath::scan, "SEARCH events_log USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"},
        {ReadPath::blocks, "SEARCH events_log USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"},
        {ReadPath::stream, "SEARCH events_log USING INTEGER PRIMARY KEY (rowid=?)"},
        {ReadPath::correlation,
         "SEARCH events_log USING INDEX events_by_correlation (correlation_id=? AND rowid>? AND rowid<?)"},
        {ReadPath::causation,
         "SEARCH events_log USING INDEX events_by_causation (causation_id=? AND rowid>? AND rowid<?)"},
        {ReadPath::types, "SEARCH events_log USING INTEGER PRIMARY KEY (rowid=?)"}};
    const auto check = [&log](std::string_view sql, std::string_view search) {
        const std::string plan = query_plan(log, sql);
        CAPTURE(plan);
        CHECK(plan.find(search) == 0);
        CHECK(plan.find("SCAN") == std::string::npos);
        CHECK(plan.find("TEMP B-TREE") == std::string::npos);
    };
    for (const bool reverse : {false, true}) {
        for (const auto& [path, search] : expected) check(sql_of(path, reverse), search);
        check(sql_of_many(reverse), "SEARCH events_log USING INTEGER PRIMARY KEY (rowid=?)");
    }
}

TEST_CASE("windows: a stream, a rare type, a correlation and a cause are each read through their index") {
    SqlLog log;
    log.append(make_random_events(5'000, 3));
    CHECK(plan_of(log, {.stream = "stream-17"}).path == ReadPath::stream);
    CHECK(plan_of(log, {.types = {TypePattern("player:kind44")}}).path == ReadPath::types);
    CHECK(plan_of(log, {.types = {TypePattern("rare:*")}}).path == ReadPath::types);
    CHECK(plan_of(log, {.correlation_id = "run-3"}).path == ReadPath::correlation);
    CHECK(plan_of(log, {.causation_id = "id-20"}).path == ReadPath::causation);
}

TEST_CASE("windows: a type that most events have is read by a scan, which costs less than its index") {
    SqlLog log;
    log.append(std::vector<Event>(2'000, make_event("common")));
    CHECK(plan_of(log, {.types = {TypePattern("common")}}).path == ReadPath::scan);
}

TEST_CASE("windows: of two indexes, the one with fewer entries is taken") {
    SqlLog log;
    std::vector<Event> events(3'000, make_event("x"));
    for (std::size_t i = 0; i < events.size(); ++i) {
        if (i % 4 == 0) events[i].correlation_id = "large";
        if (i % 600 == 0) events[i].stream = "small";
    }
    log.append(events);
    const WindowPlan plan = plan_of(log, {.stream = "small", .correlation_id = "large"});
    CHECK(plan.path == ReadPath::stream);
    CHECK(plan.places.entries == 5);
    CHECK(plan.check_rows);
}

TEST_CASE("windows: the recorded axis becomes bounds by seq, also where many events share a time") {
    SqlLog log;
    std::vector<Event> events;
    for (int i = 0; i < 1'000; ++i) events.push_back(make_event("x", "main", 0, 100 + i / 10 * 10));
    log.append(events);
    const WindowPlan plan = plan_of(log, {.from = Timestamp{200}, .to = Timestamp{220}, .axis = TimeAxis::recorded});
    CHECK(plan.seqs == NumberRange{101, 120});
    CHECK_FALSE(plan.check_rows);
}

TEST_CASE("windows: a type beyond the longest merge is not forgotten when a wildcard matches too many types") {
    SqlLog log;
    std::vector<Event> events;
    for (int i = 0; i < 3'000; ++i) events.push_back(make_event("t:" + std::to_string(i % 100)));
    log.append(events);
    const WindowPlan plan = plan_of(log, {.types = {TypePattern("t:*")}});
    CHECK(plan.path == ReadPath::scan);
    CHECK(plan.check_rows);
}

TEST_CASE("windows: from after to is refused") {
    SqlLog log;
    CHECK_THROWS_AS(plan_of(log, {.from_seq = Sequence{9}, .to_seq = Sequence{3}}), Error);
}
