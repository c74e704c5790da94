// Journals: their parts in order, torn tails and damage, import, and comparison with the log.
#include <daybook/interchange/journal_reader.hpp>

#include <catch2/catch.hpp>

#include <daybook/event/error.hpp>
#include <daybook/interchange/importer.hpp>
#include <daybook/testkit/temp_directory.hpp>

#include "interchange_kit.hpp"

namespace daybook {
namespace {

using testkit::TempDirectory;

// A log of six events with three results, and its journal's lines, header first.
struct Desk {
    TempDirectory directory{};
    EventStore store = new_store(directory / "log.db");
    std::filesystem::path journal = directory / "journal.jsonl";

    Desk() {
        for (int i = 1; i <= 6; ++i) {
            store.append(NewEvent{.type = "t", .payload = std::to_string(i), .id = "e" + std::to_string(i)});
            if (i % 2 == 0)
                store.append_results({{.event_id = "e" + std::to_string(i), .bus = "b", .handler = "h", .owner = "o"}});
        }
    }
    [[nodiscard]] std::string header(std::size_t after_events = 0, std::size_t after_results = 0) const {
        JournalHeader header;
        header.store_id = store.store_id();
        if (after_events != 0) {
            header.after_seq = {after_events};
            header.after_digest = events_of(store).at(after_events - 1).digest;
        }
        if (after_results != 0) {
            header.after_result_seq = {after_results};
            header.after_result_digest = results_of(store).at(after_results - 1).digest;
        }
        return encode_journal_record(header) + "\n";
    }
    // Records of the events from..to with their results, in journal order.
    [[nodiscard]] std::string records(std::uint64_t from, std::uint64_t to) const {
        std::string text;
        const std::vector<EventResult> results = results_of(store);
        for (const Event& event : events_of(store)) {
            if (event.seq.value < from || event.seq.value > to) continue;
            text += encode_journal_record(view_of(event, tags_to_json(event.tags))) + "\n";
            for (const EventResult& result : results) {
                if (result.events_head == event.seq) text += encode_journal_record(result) + "\n";
            }
        }
        return text;
    }
    [[nodiscard]] std::string whole() const { return header() + records(1, 6); }

    [[nodiscard]] JournalComparison compare() const { return compare_journal(store.reader(), journal); }
    [[nodiscard]] std::vector<std::string> codes() const {
        std::vector<std::string> codes;
        for (const VerifyProblem& problem : compare().problems) codes.push_back(problem.code);
        return codes;
    }
};

std::size_t count_records(JournalReader reader) {
    std::size_t count = 0;
    while (reader.next() != nullptr) ++count;
    return count;
}

TEST_CASE("journal: rotated parts come before the file itself, in the order of their numbers") {
    TempDirectory directory;
    for (const char* name :
         {"j", "j.000000000010-000000000001", "j.1000000000000-000000000005", "j.000000000001-000000000001", "j.lock",
          "j.diverged-2026", "other.000000000001-000000000001", "j.000000000010-000000000001.gz", "j.2026-11"})
        write_file(directory / name, "");
    std::vector<std::string> names;
    for (const auto& part : journal_parts(directory / "j")) names.push_back(part.filename());
    CHECK(names == std::vector<std::string>{"j.000000000001-000000000001", "j.000000000010-000000000001",
                                            "j.1000000000000-000000000005", "j"});
}

TEST_CASE("journal: a journal that is not there is no_such_file") {
    TempDirectory directory;
    CHECK(error_of([&] { static_cast<void>(journal_parts(directory / "j")); }).code() == ErrorCode::no_such_file);
}

TEST_CASE("journal: reading gives the header and every record, and says where each stands") {
    Desk desk;
    write_file(desk.journal, desk.whole());
    JournalReader reader = JournalReader::open(desk.journal);
    CHECK(std::holds_alternative<JournalHeader>(*reader.next()));
    CHECK(std::get<Event>(*reader.next()) == events_of(desk.store).at(0));
    CHECK_THAT(reader.where(), Catch::EndsWith("journal.jsonl:2"));
    CHECK(count_records(JournalReader::open(desk.journal)) == 10);
}

TEST_CASE("journal: a file that is closed while earlier ones are read is read in its turn") {
    Desk desk;
    write_file(desk.directory / "journal.jsonl.000000000001-000000000001", desk.header() + desk.records(1, 2));
    write_file(desk.journal, desk.header(2, 1) + desk.records(3, 4));
    JournalReader reader = JournalReader::open(desk.journal);
    REQUIRE(reader.next() != nullptr);
    std::filesystem::rename(desk.journal, desk.directory / "journal.jsonl.000000000003-000000000002");
    write_file(desk.journal, desk.header(4, 2) + desk.records(5, 6));
    std::vector<std::uint64_t> seqs;
    while (const JournalRecord* record = reader.next()) {
        if (const auto* event = std::get_if<Event>(record)) seqs.push_back(event->seq.value);
    }
    CHECK(seqs == std::vector<std::uint64_t>{1, 2, 3, 4, 5, 6});
}

TEST_CASE("journal: the longest record that a log takes is read") {
    Desk desk;
    const std::string longest(Limits{}.payload_bytes_max, '\x01');
    desk.store.append_results({{.event_id = "e1", .bus = "b", .handler = "long", .owner = "o"},
                               {.event_id = "e1",
                                .bus = "b",
                                .handler = "long",
                                .status = ResultStatus::error,
                                .owner = "o",
                                .error_type = longest,
                                .error_message = longest,
                                .note = longest}});
    write_file(desk.journal, desk.whole());
    CHECK(desk.compare().ok());
    CHECK(desk.compare().results == 5);
}

TEST_CASE("journal: a last line that stops short is a torn tail, not an error") {
    Desk desk;
    const std::string whole = desk.whole();
    write_file(desk.journal, whole.substr(0, whole.size() - 20));
    JournalReader reader = JournalReader::open(desk.journal);
    std::size_t count = 0;
    while (reader.next() != nullptr) ++count;
    CHECK(count == 9);
    CHECK_THAT(reader.torn_tail(), Catch::Contains("journal.jsonl:10"));
}

TEST_CASE("journal: a last line that lacks only its newline is whole") {
    Desk desk;
    const std::string whole = desk.whole();
    write_file(desk.journal, whole.substr(0, whole.size() - 1));
    CHECK(count_records(JournalReader::open(desk.journal)) == 10);
}

TEST_CASE("journal: a damaged line in the middle is an error that names it, and reading goes on behind it") {
    Desk desk;
    std::vector<std::string> lines = split_lines(desk.whole());
    lines[3][40] = static_cast<char>(lines[3][40] ^ 1);
    std::string text;
    for (const std::string& line : lines) text += line + "\n";
    write_file(desk.journal, text);
    JournalReader reader = JournalReader::open(desk.journal);
    for (int i = 0; i < 3; ++i) REQUIRE(reader.next() != nullptr);
    const Error error = error_of([&] { static_cast<void>(reader.next()); });
    CHECK(error.code() == ErrorCode::invalid_line);
    CHECK_THAT(error.what(), Catch::Contains("journal.jsonl:4"));
    std::size_t rest = 0;
    while (reader.next() != nullptr) ++rest;
    CHECK(rest == 6);
}

TEST_CASE("journal import: a journal gives an equal log, results too, and a second run adds nothing") {
    Desk desk;
    write_file(desk.journal, desk.whole());
    EventStore copy = new_store(desk.directory / "copy.db");
    const ImportSummary summary = import_file(copy, desk.journal);
    CHECK(summary.read == 6);
    CHECK(summary.appended == 6);
    CHECK(summary.results == 3);
    CHECK(without_commit(events_of(copy)) == without_commit(events_of(desk.store)));
    CHECK(results_of(copy).size() == 3);
    CHECK(import_file(copy, desk.journal).appended == 0);
}

TEST_CASE("journal import: rotated parts are read with it") {
    Desk desk;
    write_file(desk.directory / "journal.jsonl.000000000001-000000000001", desk.header() + desk.records(1, 4));
    write_file(desk.journal, desk.header(4, 2) + desk.records(5, 6));
    EventStore copy = new_store(desk.directory / "copy.db");
    CHECK(import_file(copy, desk.journal).appended == 6);
    CHECK(without_commit(events_of(copy)) == without_commit(events_of(desk.store)));
}

TEST_CASE("journal import: a missing part is an error, not a shorter log") {
    Desk desk;
    write_file(desk.directory / "journal.jsonl.000000000001-000000000001", desk.header() + desk.records(1, 2));
    write_file(desk.journal, desk.header(4, 2) + desk.records(5, 6));
    EventStore copy = new_store(desk.directory / "copy.db");
    const Error error = error_of([&] { import_file(copy, desk.journal); });
    CHECK(error.code() == ErrorCode::invalid_line);
    CHECK_THAT(error.what(), Catch::Contains("3 to 4 are missing") && Catch::Contains("journal.jsonl:1"));
}

TEST_CASE("journal import: a journal that begins later says so") {
    Desk desk;
    write_file(desk.journal, desk.header(4, 2) + desk.records(5, 6));
    EventStore copy = new_store(desk.directory / "copy.db");
    std::vector<std::string> notes;
    ImportOptions options;
    options.on_note = [&](std::string_view note) { notes.emplace_back(note); };
    CHECK(import_file(copy, desk.journal, options).appended == 2);
    REQUIRE(notes.size() == 1);
    CHECK_THAT(notes[0], Catch::Contains("after seq 4"));
}

TEST_CASE("journal import: a torn tail ends it quietly, with a note") {
    Desk desk;
    const std::string whole = desk.header() + desk.records(1, 5);
    for (const std::size_t cut : {std::size_t{2}, std::size_t{30}, split_lines(whole).back().size()}) {
        write_file(desk.journal, whole.substr(0, whole.size() - cut));
        EventStore copy = new_store(desk.directory / ("copy" + std::to_string(cut)));
        std::vector<std::string> notes;
        ImportOptions options;
        options.on_note = [&](std::string_view note) { notes.emplace_back(note); };
        CHECK(import_file(copy, desk.journal, options).appended == 4);
        REQUIRE(notes.size() == 1);
        CHECK_THAT(notes[0], Catch::Contains("journal.jsonl:8"));
    }
}

TEST_CASE("journal import: damage in the middle is an error; with skip it is named and left out") {
    Desk desk;
    std::vector<std::string> lines = split_lines(desk.whole());
    lines[4][60] = static_cast<char>(lines[4][60] ^ 1);
    std::string text;
    for (const std::string& line : lines) text += line + "\n";
    write_file(desk.journal, text);
    EventStore copy = new_store(desk.directory / "copy.db");
    const Error error = error_of([&] { import_file(copy, desk.journal); });
    CHECK(error.code() == ErrorCode::invalid_line);
    CHECK_THAT(error.what(), Catch::Contains("journal.jsonl:5"));
    CHECK(copy.head().seq.value == 0);
    std::vector<std::string> notes;
    ImportOptions options{.on_bad_line = OnBadLine::skip};
    options.on_note = [&](std::string_view note) { notes.emplace_back(note); };
    const ImportSummary summary = import_file(copy, desk.journal, options);
    CHECK(summary.appended == 5);
    CHECK(summary.skipped == 1);
    CHECK(notes.size() == 1);
}

TEST_CASE("compare: a journal of this log has no problems") {
    Desk desk;
    write_file(desk.journal, desk.whole());
    const JournalComparison comparison = desk.compare();
    CHECK(comparison.ok());
    CHECK(comparison.events == 6);
    CHECK(comparison.results == 3);
    CHECK(comparison.notes.empty());
}

TEST_CASE("compare: rotated parts are one journal") {
    Desk desk;
    write_file(desk.directory / "journal.jsonl.000000000001-000000000001", desk.header() + desk.records(1, 4));
    write_file(desk.journal, desk.header(4, 2) + desk.records(5, 6));
    const JournalComparison comparison = desk.compare();
    CHECK(comparison.ok());
    CHECK(comparison.events == 6);
}

TEST_CASE("compare: a journal that lags or ends in a torn line is noted, not a problem") {
    Desk desk;
    const std::string text = desk.header() + desk.records(1, 3);
    write_file(desk.journal, text.substr(0, text.size() - 15));
    const JournalComparison comparison = desk.compare();
    CHECK(comparison.ok());
    REQUIRE(comparison.notes.size() == 2);
    CHECK_THAT(comparison.notes[0], Catch::Contains("middle of a record"));
    CHECK_THAT(comparison.notes[1], Catch::Contains("ends at seq 2"));
}

TEST_CASE("compare: a journal that lacks only the last results, and one without a record, are noted") {
    Desk desk;
    const std::string text = desk.whole();
    write_file(desk.journal, text.substr(0, text.rfind('\n', text.size() - 2) + 1));
    REQUIRE(desk.compare().notes.size() == 1);
    CHECK_THAT(desk.compare().notes[0], Catch::Contains("ends at result 2, 1 results before"));
    write_file(desk.journal, "");
    CHECK(desk.compare().ok());
    REQUIRE(desk.compare().notes.size() == 1);
    CHECK_THAT(desk.compare().notes[0], Catch::Contains("no record"));
}

TEST_CASE("compare: a journal ahead of the log is a problem that names the lost events") {
    Desk desk;
    std::vector<Event> events = events_of(desk.store);
    Event more = events.back();
    more.seq.value = 7;
    more.version.value = 7;
    more.id = "e7";
    write_file(desk.journal, desk.whole() + encode_journal_record(view_of(more, "{}")) + "\n");
    const JournalComparison comparison = desk.compare();
    REQUIRE(comparison.problems.size() == 1);
    CHECK(comparison.problems[0].code == "journal_ahead");
    CHECK(comparison.problems[0].seq == 7);
}

TEST_CASE("compare: another digest at a seq is a problem there") {
    Desk desk;
    std::vector<Event> events = events_of(desk.store);
    Event changed = events[2];
    changed.digest.bytes[5] ^= std::byte{1};
    write_file(desk.journal, desk.header() + desk.records(1, 2) + encode_journal_record(view_of(changed, "{}")) + "\n" +
                                 desk.records(4, 6));
    const JournalComparison comparison = desk.compare();
    REQUIRE(comparison.problems.size() == 1);
    CHECK(comparison.problems[0].code == "journal_digest");
    CHECK(comparison.problems[0].seq == 3);
}

TEST_CASE("compare: a record that was rewritten, checksum and all, differs from the log") {
    Desk desk;
    Event changed = events_of(desk.store)[2];
    changed.payload = "4711";
    write_file(desk.journal, desk.header() + desk.records(1, 2) + encode_journal_record(view_of(changed, "{}")) + "\n" +
                                 desk.records(4, 6));
    CHECK(desk.codes() == std::vector<std::string>{"journal_differs"});
}

TEST_CASE("compare: records that are missing in the journal are a gap") {
    Desk desk;
    write_file(desk.journal, desk.header() + desk.records(1, 2) + desk.records(5, 6));
    const JournalComparison comparison = desk.compare();
    REQUIRE(comparison.problems.size() == 2);
    CHECK(comparison.problems[0].code == "journal_gap");
    CHECK_THAT(comparison.problems[0].message, Catch::Contains("events 3 to 4"));
    CHECK(comparison.problems[1].code == "journal_gap");
    CHECK_THAT(comparison.problems[1].message, Catch::Contains("results 2 to 2"));
}

TEST_CASE("compare: a journal of another store is told at once") {
    Desk desk;
    JournalHeader header;
    header.store_id = desk.store.store_id();
    header.store_id.bytes[3] ^= std::byte{1};
    write_file(desk.journal, encode_journal_record(header) + "\n" + desk.records(1, 6));
    CHECK(desk.codes() == std::vector<std::string>{"journal_other_store"});
}

TEST_CASE("compare: a journal without a header, and one with a header of another history, are problems") {
    Desk desk;
    write_file(desk.journal, desk.records(1, 6));
    CHECK(desk.codes() == std::vector<std::string>{"journal_no_header"});
    JournalHeader header;
    header.store_id = desk.store.store_id();
    header.after_seq = {4};
    header.after_digest = events_of(desk.store).at(1).digest;
    header.after_result_seq = {2};
    header.after_result_digest = results_of(desk.store).at(1).digest;
    write_file(desk.journal, encode_journal_record(header) + "\n" + desk.records(5, 6));
    CHECK(desk.codes() == std::vector<std::string>{"journal_digest"});
}

TEST_CASE("compare: damage in the middle is a problem, and the rest is compared all the same") {
    Desk desk;
    std::vector<std::string> lines = split_lines(desk.whole());
    lines[1][60] = static_cast<char>(lines[1][60] ^ 1);
    std::string text;
    for (const std::string& line : lines) text += line + "\n";
    write_file(desk.journal, text);
    const JournalComparison comparison = desk.compare();
    REQUIRE_FALSE(comparison.problems.empty());
    CHECK(comparison.problems[0].code == "journal_damaged");
    CHECK_THAT(comparison.problems[0].message, Catch::Contains("journal.jsonl:2"));
    CHECK(comparison.events == 5);
}

TEST_CASE("compare: problems over the most are counted only") {
    Desk desk;
    write_file(desk.journal, desk.header() + desk.records(1, 1) + desk.records(3, 3) + desk.records(5, 6));
    const JournalComparison comparison = compare_journal(desk.store.reader(), desk.journal, {.problems_max = 1});
    CHECK(comparison.problems.size() == 1);
    CHECK(comparison.problems_total > 1);
}

}  // namespace
}  // namespace daybook
