// Real logs out and in again: equal but for recorded_at and digest, payload bytes and all.
#include <catch2/catch.hpp>

#include <sstream>

#include <daybook/interchange/exporter.hpp>

#include "data_dir.hpp"
#include "source_lines.hpp"

namespace daybook {
namespace {

// Lines of an export with their recorded_at blanked; it comes before anything that could hold the same text.
std::vector<std::string> comparable_lines(const std::filesystem::path& path) {
    constexpr std::string_view key = "\"recorded_at\":\"";
    std::vector<std::string> lines = source_lines(path);
    for (std::string& line : lines) {
        const std::size_t at = line.find(key);
        REQUIRE(at != std::string::npos);
        line.replace(at + key.size(), 30, 30, '-');
    }
    return lines;
}

// Exports `store`, imports that into a new file, exports again: returns the number of equal lines.
std::size_t round_trip(EventStore& store, const std::filesystem::path& directory) {
    export_to_file(store, directory / "first.jsonl.gz");
    EventStore copy = new_store(directory / "copy.db");
    const ImportSummary summary = import_file(copy, directory / "first.jsonl.gz");
    CHECK(summary.appended == store.head().seq.value);
    CHECK(summary.without_id == 0);
    CHECK(summary.without_time == 0);
    export_to_file(copy, directory / "second.jsonl");
    const std::vector<std::string> first = comparable_lines(directory / "first.jsonl.gz");
    const std::vector<std::string> second = comparable_lines(directory / "second.jsonl");
    REQUIRE(first.size() == second.size());
    std::size_t same = 0;
    for (std::size_t i = 0; i < first.size(); ++i) same += first[i] == second[i] ? 1U : 0U;
    return same;
}

TEST_CASE("round trip: 101,759 football events come back equal", "[football]") {
    const auto folder = data_folder("football-worldcup-2018");
    if (!folder) return;
    Football& football = Football::in(*folder);
    CHECK(round_trip(football.store, football.directory.path()) == 101'759);
}

TEST_CASE("round trip: 3,450 workflow events keep the source's bytes, and come back equal", "[temporal]") {
    const auto folder = data_folder("temporal-histories");
    if (!folder) return;
    testkit::TempDirectory directory;
    EventStore store = new_store(directory / "temporal.db");
    const Mapping mapping{.type = field("/event/eventType"),
                          .stream = field("/history"),
                          .time = field("/event/eventTime"),
                          .tags = {{"task", field("/event/taskId")}}};
    for (const char* name : {"worker-deployment-v0.jsonl.gz", "worker-deployment-v1.jsonl.gz"})
        CHECK(import_file(store, *folder / name, {.mapping = mapping}).without_time == 0);
    const std::vector<std::string> lines = temporal_lines(*folder);
    std::size_t same = 0;
    std::size_t at = 0;
    each_event(store, [&](const EventView& event) {
        const std::string& line = lines.at(at++);
        if (event.payload == without_white_space(line) && event.stream == value_after(line, "history") &&
            std::to_string(event.version.value) == value_after(line, "eventId"))
            ++same;
    });
    CHECK(at == 3450);
    CHECK(same == 3450);
    CHECK(round_trip(store, directory.path()) == 3450);
}

}  // namespace
}  // namespace daybook
