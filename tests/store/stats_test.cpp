// Counts of a whole log and of a window, and the clock steps that the writer noted.
#include <daybook/store/stats.hpp>

#include <catch2/catch.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include <daybook/event/error.hpp>

#include "store/forged_log.hpp"

namespace {

using namespace daybook;
using test::ForgedLog;

// Seqs 1 to 6: a (x), b (y), a (x), c (x), a (y), b (x); occurred at 60, 50, … 10.
void fill(ForgedLog& log) {
    const std::vector<std::string> types{"a", "b", "a", "c", "a", "b"};
    const std::vector<std::string> streams{"x", "y", "x", "x", "y", "x"};
    for (std::size_t index = 0; index < types.size(); ++index)
        log.append({.type = types[index],
                    .stream = streams[index],
                    .payload = std::string(index + 1, '1'),
                    .occurred_at = static_cast<std::int64_t>(60 - 10 * index)});
    log.append_result({.event_seq = 2});
    log.append_result({.event_seq = 2, .status = "completed"});
    log.append_result({.event_seq = 5});
}

std::vector<std::string> types_of(const LogStats& stats) {
    std::vector<std::string> texts;
    for (const LogStats::Type& type : stats.types) texts.push_back(type.type + "=" + std::to_string(type.events));
    return texts;
}

std::vector<std::string> streams_of(const LogStats& stats) {
    std::vector<std::string> texts;
    for (const LogStats::Stream& stream : stats.largest_streams)
        texts.push_back(stream.stream + "=" + std::to_string(stream.events) + "@" +
                        std::to_string(stream.last_seq.value));
    return texts;
}

}  // namespace

TEST_CASE("stats: a whole log is counted by type and stream, most events first", "[stats]") {
    ForgedLog log;
    fill(log);
    const LogStats all = stats(log.path());
    CHECK(all.events == 6);
    CHECK(all.streams == 2);
    CHECK(all.results == 3);
    CHECK(all.unfinished == 1);
    CHECK(all.payload_bytes == 1 + 2 + 3 + 4 + 5 + 6);
    CHECK(types_of(all) == std::vector<std::string>{"a=3", "b=2", "c=1"});
    CHECK(streams_of(all) == std::vector<std::string>{"x=4@6", "y=2@5"});
}

TEST_CASE("stats: first and last are by seq, and by time on each axis", "[stats]") {
    ForgedLog log;
    fill(log);
    const LogStats all = stats(log.path());
    CHECK(all.first_seq == Sequence{1});
    CHECK(all.last_seq == Sequence{6});
    CHECK(all.first_recorded_at == Timestamp{1'000'001});
    CHECK(all.last_recorded_at == Timestamp{1'000'006});
    CHECK(all.first_occurred_at == Timestamp{10});
    CHECK(all.last_occurred_at == Timestamp{60});
}

TEST_CASE("stats: a window over everything counts what the whole log counts", "[stats]") {
    ForgedLog log;
    fill(log);
    const LogStats all = stats(log.path());
    StatsOptions options;
    options.window.from_seq = Sequence{1};
    const LogStats window = stats(log.path(), options);
    CHECK(window.events == all.events);
    CHECK(window.streams == all.streams);
    CHECK(window.results == all.results);
    CHECK(window.unfinished == all.unfinished);
    CHECK(window.payload_bytes == all.payload_bytes);
    CHECK(types_of(window) == types_of(all));
    CHECK(streams_of(window) == streams_of(all));
    CHECK(window.first_seq == all.first_seq);
    CHECK(window.last_recorded_at == all.last_recorded_at);
    CHECK(window.first_occurred_at == all.first_occurred_at);
}

TEST_CASE("stats: a window counts its events and what was done with them", "[stats]") {
    ForgedLog log;
    fill(log);
    StatsOptions options;
    options.window.types = {TypePattern("b")};
    const LogStats window = stats(log.path(), options);
    CHECK(window.events == 2);
    CHECK(window.results == 2);
    CHECK(window.unfinished == 0);
    CHECK(window.payload_bytes == 8);
    CHECK(types_of(window) == std::vector<std::string>{"b=2"});
    CHECK(streams_of(window) == std::vector<std::string>{"x=1@6", "y=1@2"});
}

TEST_CASE("stats: a window's limit holds", "[stats]") {
    ForgedLog log;
    fill(log);
    StatsOptions options;
    options.window.limit = 2;
    options.window.reverse = true;
    const LogStats window = stats(log.path(), options);
    CHECK(window.first_seq == Sequence{5});
    CHECK(window.last_seq == Sequence{6});
}

TEST_CASE("stats: only so many streams are named, all are counted", "[stats]") {
    ForgedLog log;
    fill(log);
    StatsOptions options;
    options.streams_max = 1;
    options.window.from_seq = GENERATE(std::optional<Sequence>{}, std::optional<Sequence>{Sequence{1}});
    const LogStats one = stats(log.path(), options);
    CHECK(one.streams == 2);
    CHECK(streams_of(one) == std::vector<std::string>{"x=4@6"});
}

TEST_CASE("stats: an empty log and an empty window have no first and no last", "[stats]") {
    ForgedLog log;
    StatsOptions options;
    SECTION("an empty log") {}
    SECTION("an empty window") {
        fill(log);
        options.window.stream = "nobody";
    }
    const LogStats none = stats(log.path(), options);
    CHECK(none.events == 0);
    CHECK(none.types.empty());
    CHECK_FALSE(none.first_seq);
    CHECK_FALSE(none.last_recorded_at);
    CHECK_FALSE(none.first_occurred_at);
}

TEST_CASE("stats: clock steps that the writer noted are told, those outside the window are not", "[stats]") {
    ForgedLog log;
    fill(log);
    log.sql("INSERT INTO clock_steps VALUES (2, 3, 1000001, 500), (6, 6, 1000005, 7)");
    StatsOptions options;
    options.window.to_seq = GENERATE(std::optional<Sequence>{}, std::optional<Sequence>{Sequence{5}});
    const LogStats some = stats(log.path(), options);
    REQUIRE(some.frozen_spans.size() == (options.window.to_seq ? 1 : 2));
    CHECK(some.frozen_spans[0].first_seq == Sequence{2});
    CHECK(some.frozen_spans[0].last_seq == Sequence{3});
    CHECK(some.frozen_spans[0].recorded_at == Timestamp{1'000'001});
    CHECK(some.frozen_spans[0].behind == std::chrono::nanoseconds(500));
}

TEST_CASE("stats: events of one commit, which share their time, are no frozen span", "[stats]") {
    ForgedLog log;
    fill(log);
    log.edit("UPDATE events_log SET recorded_at = 1000001");
    CHECK(stats(log.path()).frozen_spans.empty());
}

TEST_CASE("stats: what the file is and how it was written", "[stats]") {
    ForgedLog log(3);
    CHECK_FALSE(stats(log.path()).normal_durability_since);
    log.sql("UPDATE store_info SET normal_durability_since = 77");
    const LogStats all = stats(log.path());
    CHECK(all.normal_durability_since == Timestamp{77});
    CHECK(all.store_id == log.head().store_id.to_string());
    CHECK(all.schema_version == 1);
    CHECK(all.wal_bytes == std::filesystem::file_size(log.path().native() + "-wal"));
    log.close();
    CHECK(stats(log.path()).database_bytes == std::filesystem::file_size(log.path()));
}

TEST_CASE("stats: a window from after to is refused", "[stats]") {
    ForgedLog log;
    StatsOptions options;
    options.window.from_seq = Sequence{5};
    options.window.to_seq = Sequence{4};
    CHECK_THROWS_AS(stats(log.path(), options), Error);
}
