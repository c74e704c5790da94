// Journals as a bus really writes them (rotated, with several stores and handlers at work), read back by this floor.
#include <catch2/catch.hpp>

#include <algorithm>
#include <thread>

#include <daybook/bus/event_bus.hpp>
#include <daybook/interchange/importer.hpp>
#include <daybook/interchange/journal_reader.hpp>
#include <daybook/middleware/journal.hpp>
#include <daybook/testkit/temp_directory.hpp>

#include "interchange_kit.hpp"

namespace daybook {
namespace {

// A log that two stores on one file have written, with outcomes of every kind, and the rotated journal of one bus.
struct Office {
    testkit::TempDirectory directory{};
    EventStore store = new_store(directory / "log.db");
    std::filesystem::path journal = directory / "app.jsonl";

    Office() {
        EventStore second = new_store(directory / "log.db");
        JournalOptions journal_options;
        journal_options.path = journal.string();
        journal_options.rotate_bytes = 8192;
        BusOptions options;
        options.middleware.push_back(std::make_shared<JournalMiddleware>(journal_options));
        EventBus bus(store, std::move(options));
        EventBus other(second, BusOptions{.name = "other"});
        bus.on("order:placed", {.name = "bill"},
               [](const Event&, HandlerContext& context) {
                   context.emit(NewEvent{.type = "order:billed", .payload = R"({"sum":1.50,"note":"\u00e4\n\"x\""})"});
                   return std::string(R"({"billed":true})");
               })
            .release();
        bus.on("order:*", {.name = "angry"}, [](const Event&) { throw std::runtime_error("no \x01 \"paper\""); })
            .release();
        other.on("*", {.name = "quiet"}, [](const Event&) {}).release();
        std::thread theirs([&] {
            for (int i = 0; i < 12; ++i)
                other.emit(
                    NewEvent{.type = "stock:moved", .payload = R"({"n":"ü/\\"})", .stream = "s", .tags = {{"k", "v"}}});
        });
        for (int i = 0; i < 12; ++i) bus.emit(NewEvent{.type = "order:placed", .payload = std::to_string(i)});
        theirs.join();
        other.close();
        bus.close();
    }
    [[nodiscard]] JournalComparison compare() const { return compare_journal(store.reader(), journal); }
    [[nodiscard]] std::vector<std::string> codes() const {
        std::vector<std::string> codes;
        for (const VerifyProblem& problem : compare().problems) codes.push_back(problem.code);
        return codes;
    }
    // The lines of a closed part in the middle of the journal.
    [[nodiscard]] std::filesystem::path middle() const {
        const std::vector<std::filesystem::path> parts = journal_parts(journal);
        REQUIRE(parts.size() > 3);
        return parts.at(1);
    }
};

// What an import keeps of a result: all but its place and time in the new log, and that it came by import.
std::vector<EventResult> without_place(std::vector<EventResult> results) {
    for (EventResult& result : results) {
        result.result_seq = {};
        result.event_seq = {};
        result.events_head = {};
        result.recorded_at = {};
        result.digest = {};
        result.imported = false;
    }
    return results;
}

std::string joined(const std::vector<std::string>& lines) {
    std::string text;
    for (const std::string& line : lines) text += line + "\n";
    return text;
}

bool is_event(const std::string& line) {
    return std::holds_alternative<Event>(decode_journal_record(line));
}

}  // namespace

TEST_CASE("written journal: it equals the log that two stores wrote, over all its parts") {
    const Office office;
    const JournalComparison comparison = office.compare();
    for (const VerifyProblem& problem : comparison.problems) UNSCOPED_INFO(problem.code << ": " << problem.message);
    CHECK(comparison.ok());
    CHECK(comparison.notes.empty());
    CHECK(journal_parts(office.journal).size() > 3);
    CHECK(comparison.events == 36);
    CHECK(comparison.events == office.store.head().seq.value);
    CHECK(comparison.results == office.store.head().result_seq.value);
}

TEST_CASE("written journal: imported into an empty log it gives equal events and results") {
    const Office office;
    EventStore copy = new_store(office.directory / "copy.db");
    const ImportSummary summary = import_file(copy, office.journal);
    CHECK(summary.appended == 36);
    CHECK(without_commit(events_of(copy)) == without_commit(events_of(office.store)));
    CHECK(without_place(results_of(copy)) == without_place(results_of(office.store)));
    CHECK(import_file(copy, office.journal).appended == 0);
}

TEST_CASE("written journal: a byte that has changed in a closed part is found there") {
    const Office office;
    std::string text = read_file(office.middle());
    text[text.size() / 2] ^= 1;
    write_file(office.middle(), text);
    const JournalComparison comparison = office.compare();
    REQUIRE_FALSE(comparison.ok());
    CHECK(comparison.problems[0].code == "journal_damaged");
    CHECK_THAT(comparison.problems[0].message, Catch::Contains(office.middle().filename().string()));
}

TEST_CASE("written journal: an event that was cut out of a closed part is a gap") {
    const Office office;
    std::vector<std::string> lines = split_lines(read_file(office.middle()));
    lines.erase(std::find_if(lines.begin() + 1, lines.end(), is_event));
    write_file(office.middle(), joined(lines));
    CHECK(office.codes() == std::vector<std::string>{"journal_gap"});
}

TEST_CASE("written journal: a closed part that was taken away is a gap of events and results") {
    const Office office;
    std::filesystem::remove(office.middle());
    CHECK(office.codes() == std::vector<std::string>{"journal_gap", "journal_gap"});
}

TEST_CASE("written journal: a payload that was rewritten, checksum and all, differs from the log") {
    const Office office;
    std::vector<std::string> lines = split_lines(read_file(office.middle()));
    const auto line = std::find_if(lines.begin() + 1, lines.end(), is_event);
    Event event = std::get<Event>(decode_journal_record(*line));
    event.payload = R"("forged")";
    const std::string tags = tags_to_json(event.tags);
    *line = encode_journal_record(view_of(event, tags));
    write_file(office.middle(), joined(lines));
    CHECK(office.codes() == std::vector<std::string>{"journal_differs"});
}

TEST_CASE("written journal: an outcome that was put before its event is out of order") {
    const Office office;
    std::vector<std::string> lines = split_lines(read_file(office.middle()));
    // A result whose commit saw the event just before it.
    const auto event = std::adjacent_find(lines.begin() + 1, lines.end(), [](const auto& left, const auto& right) {
        return is_event(left) && !is_event(right);
    });
    REQUIRE(event != lines.end());
    std::iter_swap(event, event + 1);
    write_file(office.middle(), joined(lines));
    CHECK(office.codes() == std::vector<std::string>{"journal_order"});
}

}  // namespace daybook
