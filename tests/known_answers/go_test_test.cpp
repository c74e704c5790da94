// Recorded test runs: events without an id, some without a time, whose summary is known.
#include <catch2/catch.hpp>

#include <map>
#include <set>

#include <fmt/format.h>

#include <daybook/event/json_nlohmann.hpp>
#include <daybook/replay/fold.hpp>

#include "data_dir.hpp"
#include "source_lines.hpp"

namespace daybook {
namespace {

const std::vector<std::string> names{"go-test-json",
                                     "go-test-json-missing-skip-msg",
                                     "go-test-json-with-parallel-fails",
                                     "go-test-json-misattributed",
                                     "go-test-json-missing-test-fail",
                                     "go-test-json-with-attributes"};

ImportSummary import_run(EventStore& store, const std::filesystem::path& folder, const std::string& name) {
    return import_file(store, folder / (name + ".jsonl"),
                       {.mapping = {.type = field("/Action"),
                                    .time = field("/Time?="),
                                    .correlation = field("=" + name),
                                    .tags = {{"test", field("/Test?=")}}}});
}

TEST_CASE("go test: every line of the six files is an event, and the summary tells those without a time", "[go-test]") {
    const auto folder = data_folder("go-test-json");
    if (!folder) return;
    testkit::TempDirectory directory;
    EventStore store = new_store(directory / "go.db");
    std::uint64_t events = 0;
    for (const std::string& name : names) {
        INFO(name);
        const std::vector<std::string> lines = source_lines(*folder / (name + ".jsonl"));
        std::uint64_t without_time = 0;
        for (const std::string& line : lines) without_time += line.find("\"Time\":") == std::string::npos ? 1U : 0U;
        const ImportSummary summary = import_run(store, *folder, name);
        CHECK(summary.read == lines.size());
        CHECK(summary.appended == lines.size());
        CHECK(summary.without_id == lines.size());
        CHECK(summary.without_time == without_time);
        if (name == "go-test-json-misattributed") CHECK(summary.without_time == 34);
        events += summary.appended;
    }
    CHECK(events == 661);
}

TEST_CASE("go test: two equal lines stay two events, and a second import adds none", "[go-test]") {
    const auto folder = data_folder("go-test-json");
    if (!folder) return;
    testkit::TempDirectory directory;
    EventStore store = new_store(directory / "go.db");
    const std::vector<std::string> lines = source_lines(*folder / "go-test-json-misattributed.jsonl");
    std::string twice;
    for (const std::string& line : lines) twice += line + "\n" + line + "\n";
    testkit::TempDirectory files;
    {
        std::FILE* file = std::fopen((files / "twice.jsonl").c_str(), "wb");
        REQUIRE(file != nullptr);
        REQUIRE(std::fwrite(twice.data(), 1, twice.size(), file) == twice.size());
        REQUIRE(std::fclose(file) == 0);
    }
    CHECK(import_run(store, files.path(), "twice").appended == 2 * lines.size());
    const ImportSummary again = import_run(store, files.path(), "twice");
    CHECK(again.appended == 0);
    CHECK(again.already_there == 2 * lines.size());
}

struct Tests {
    std::set<std::pair<std::string, std::string>> run;
    std::map<std::pair<std::string, std::string>, std::string> last;
};

std::string text_at(const nlohmann::json& json, const char* key) {
    return json.contains(key) ? json.at(key).get<std::string>() : std::string();
}

// As the recorded summaries have it: `59 tests, 5 skipped, 13 failures`.
std::string summary_of(const Tests& tests) {
    std::size_t skipped = 0;
    std::size_t failed = 0;
    std::set<std::string> packages_with_failures;
    for (const auto& [test, action] : tests.last) {
        if (test.second.empty()) continue;
        skipped += action == "skip" ? 1U : 0U;
        if (action != "fail") continue;
        ++failed;
        packages_with_failures.insert(test.first);
    }
    for (const auto& [test, action] : tests.last) {
        if (test.second.empty() && action == "fail" && packages_with_failures.count(test.first) == 0) ++failed;
    }
    std::string text = fmt::format("{} tests", tests.run.size());
    if (skipped != 0) text += fmt::format(", {} skipped", skipped);
    if (failed != 0) text += fmt::format(", {} failure{}", failed, failed == 1 ? "" : "s");
    return text;
}

TEST_CASE("go test: the fold gives the recorded summary, 6 of 6", "[go-test]") {
    const auto folder = data_folder("go-test-json");
    if (!folder) return;
    testkit::TempDirectory directory;
    EventStore store = new_store(directory / "go.db");
    int right = 0;
    for (const std::string& name : names) {
        import_run(store, *folder, name);
        const Tests tests =
            fold(store.reader(), {.correlation_id = name}, Tests{}, [](Tests& state, const EventView& event) {
                const nlohmann::json line = payload_of(event);
                const std::pair test{text_at(line, "Package"), text_at(line, "Test")};
                if (event.type == "run") state.run.insert(test);
                if (event.type == "pass" || event.type == "fail" || event.type == "skip") state.last[test] = event.type;
            }).state;
        const std::string done = source_lines(*folder / "expected" / (name + ".summary.txt")).back();
        INFO(name << ": " << done);
        const std::string expected = "DONE " + summary_of(tests) + " in ";
        CHECK(done.compare(0, expected.size(), expected) == 0);
        right += done.compare(0, expected.size(), expected) == 0 ? 1 : 0;
    }
    CHECK(right == 6);
}

}  // namespace
}  // namespace daybook
