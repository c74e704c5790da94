// Every rule of importing: formats, ids, repeats, bad lines, interruption.
#include <daybook/interchange/importer.hpp>

#include <catch2/catch.hpp>

#include <sstream>
#include <stdexcept>

#include <daybook/event/error.hpp>
#include <daybook/event/event_line.hpp>
#include <daybook/testkit/temp_directory.hpp>

#include "interchange_kit.hpp"

namespace daybook {
namespace {

using testkit::TempDirectory;

ImportOptions typed(std::string_view type = "/kind") {
    return {.mapping = {.type = FieldSource::parse(type)}};
}

ImportOptions with_id(ImportOptions options) {
    options.mapping.id = FieldSource::parse("/id");
    return options;
}

// A store in a directory of its own, and text to import into it under the name `lines.jsonl`.
struct Desk {
    TempDirectory directory{};
    EventStore store = new_store(directory / "log.db");
    std::filesystem::path file = directory / "lines.jsonl";

    ImportSummary import(std::string_view text, ImportOptions options) {
        write_file(file, text);
        return import_file(store, file, std::move(options));
    }
    Error refused(std::string_view text, ImportOptions options) {
        return error_of([&] { import(text, options); });
    }
};

std::string numbered_lines(int count, std::string_view extra = "") {
    std::string text;
    for (int i = 1; i <= count; ++i) text += "{\"kind\":\"k\",\"n\":" + std::to_string(i) + std::string(extra) + "}\n";
    return text;
}

TEST_CASE("import: the summary says what was read, appended and without time or id, and where it is") {
    Desk desk;
    const ImportSummary summary = desk.import(numbered_lines(3), typed());
    CHECK(
        to_json(summary) ==
        R"({"read":3,"appended":3,"already_there":0,"skipped":0,"without_time":3,"without_id":3,"first_seq":1,"last_seq":3})");
    CHECK(events_of(desk.store).size() == 3);
}

TEST_CASE("import: the payload is the line, minified and otherwise as it was") {
    Desk desk;
    desk.import("{ \"kind\": \"k\", \"x\": 1.6562140000000003, \"big\": 18446744073709551616 }\n", typed());
    CHECK(events_of(desk.store).at(0).payload == R"({"kind":"k","x":1.6562140000000003,"big":18446744073709551616})");
}

TEST_CASE("import: running it again adds nothing, and says so") {
    Desk desk;
    desk.import(numbered_lines(5), typed());
    const ImportSummary again = desk.import(numbered_lines(5), typed());
    CHECK(again.read == 5);
    CHECK(again.appended == 0);
    CHECK(again.already_there == 5);
    CHECK(to_json(again).find(R"("first_seq":null,"last_seq":null)") != std::string::npos);
    CHECK(desk.store.head().seq.value == 5);
}

TEST_CASE("import: lines added at the end of the file are what a second run adds") {
    Desk desk;
    desk.import(numbered_lines(5), typed());
    const ImportSummary again = desk.import(numbered_lines(8), typed());
    CHECK(again.appended == 3);
    CHECK(again.first_seq == Sequence{6});
    CHECK(again.last_seq == Sequence{8});
}

TEST_CASE("import: two equal lines without an id stay two events") {
    Desk desk;
    const ImportSummary summary = desk.import("{\"kind\":\"k\"}\n{\"kind\":\"k\"}\n", typed());
    CHECK(summary.appended == 2);
    CHECK(summary.without_id == 2);
}

TEST_CASE("import: two equal lines with one id are one event") {
    Desk desk;
    const ImportSummary summary =
        desk.import("{\"kind\":\"k\",\"id\":\"a\"}\n{\"kind\":\"k\",\"id\":\"a\"}\n", with_id(typed()));
    CHECK(summary.read == 2);
    CHECK(summary.appended == 1);
    CHECK(summary.already_there == 1);
    CHECK(summary.without_id == 0);
}

TEST_CASE("import: a derived id is UUIDv5 of import name, line number and line") {
    Desk desk;
    desk.import("\n{\"kind\":\"k\"}\r\n", typed());
    CHECK(events_of(desk.store).at(0).id == derived_event_id("lines.jsonl", 2, "{\"kind\":\"k\"}"));
    CHECK(derived_event_id("a", 1, "x") == uuid_v5(*Uuid::parse(import_namespace), "a\n1\nx").to_string());
}

TEST_CASE("import: the import name is the file's name without .gz and .zst, so that packing changes no id") {
    CHECK(import_name_of("/x/y.jsonl.gz") == "y.jsonl");
    CHECK(import_name_of("y.zst") == "y");
    CHECK(import_name_of(".gz") == ".gz");
    CHECK(import_name_of("y.gz.jsonl") == "y.gz.jsonl");
}

TEST_CASE("import: the same name from another path is refused until another name is given") {
    Desk desk;
    desk.import(numbered_lines(2), typed());
    std::filesystem::create_directory(desk.directory / "other");
    const std::filesystem::path other = desk.directory / "other" / "lines.jsonl";
    write_file(other, numbered_lines(2));
    const Error error = error_of([&] { import_file(desk.store, other, typed()); });
    CHECK(error.code() == ErrorCode::name_taken);
    CHECK_THAT(error.what(), Catch::Contains("--import-name"));
    CHECK(desk.store.head().seq.value == 2);
    ImportOptions named = typed();
    named.name = "second";
    CHECK(import_file(desk.store, other, named).appended == 2);
}

TEST_CASE("import: a name is not claimed when the lines have ids") {
    Desk desk;
    desk.import("{\"kind\":\"k\",\"id\":\"a\"}\n", with_id(typed()));
    std::filesystem::create_directory(desk.directory / "other");
    const std::filesystem::path other = desk.directory / "other" / "lines.jsonl";
    write_file(other, "{\"kind\":\"k\",\"id\":\"b\"}\n");
    CHECK(import_file(desk.store, other, with_id(typed())).appended == 1);
}

TEST_CASE("import: a stream of lines without ids needs an import name") {
    Desk desk;
    std::istringstream text(numbered_lines(1));
    LineSource source = LineSource::from_stream(text, "stdin");
    const Error error = error_of([&] { import_events(desk.store, source, typed()); });
    CHECK(error.code() == ErrorCode::invalid_argument);
    CHECK_THAT(error.what(), Catch::Contains("stdin") && Catch::Contains("--import-name"));
    std::istringstream again(numbered_lines(1));
    LineSource named = LineSource::from_stream(again, "stdin");
    ImportOptions options = typed();
    options.name = "from a pipe";
    CHECK(import_events(desk.store, named, options).appended == 1);
}

TEST_CASE("import: without a mapping, lines that are not Daybook's are refused and a type is asked for") {
    Desk desk;
    for (const char* text : {"{\"id\":\"1\",\"type\":\"x\",\"payload\":{}}\n", "oops\n", "[1]\n"}) {
        const Error error = desk.refused(text, {});
        CHECK(error.code() == ErrorCode::unknown_format);
        CHECK_THAT(error.what(), Catch::Contains("--type"));
    }
    CHECK(desk.store.head().seq.value == 0);
}

TEST_CASE("import: json needs a type, and daybook takes no mapping") {
    Desk desk;
    CHECK(desk.refused("{}\n", {.format = ImportFormat::json}).code() == ErrorCode::invalid_argument);
    ImportOptions both = typed();
    both.format = ImportFormat::daybook;
    CHECK(desk.refused("{}\n", both).code() == ErrorCode::invalid_argument);
}

TEST_CASE("import: an empty file imports nothing, whatever the format") {
    Desk desk;
    CHECK(desk.import("\n\n", {}) == ImportSummary{});
    CHECK(desk.import("", typed()) == ImportSummary{});
}

TEST_CASE("import: Daybook's own lines keep id, times, nulls, tags and metadata, and get new seqs") {
    Desk desk;
    EventStore other = new_store(desk.directory / "other.db");
    NewEvent event{.type = "a:b",
                   .payload = R"({"x":1.0,"s":"\u0041"})",
                   .stream = "lane",
                   .id = "the-id",
                   .event_version = "7",
                   .source = "sensor",
                   .occurred_at = Timestamp::parse("2001-02-03T04:05:06.789012345Z"),
                   .tags = {{"k", "v"}},
                   .metadata = R"({"m":null})"};
    other.append(event);
    desk.store.append(NewEvent{.type = "before"});
    const Event original = events_of(other).at(0);
    desk.import(to_line(original) + "\n", {});
    Event copy = events_of(desk.store).at(1);
    CHECK(copy.seq == Sequence{2});
    CHECK_FALSE(copy.correlation_id.has_value());
    copy.seq = original.seq;
    CHECK(without_commit({copy}) == without_commit({original}));
}

TEST_CASE("import: results come after their events, marked as imported, and a second run adds none") {
    Desk desk;
    EventStore other = new_store(desk.directory / "other.db");
    other.append(NewEvent{.type = "a", .id = "e1"});
    other.append_results({{.event_id = "e1", .bus = "b", .handler = "h", .owner = "o"},
                          {.event_id = "e1",
                           .bus = "b",
                           .handler = "h",
                           .status = ResultStatus::completed,
                           .owner = "o",
                           .result = R"({"n":1.0})",
                           .emitted = {"x", "y"},
                           .note = "why"}});
    std::string text = to_line(events_of(other).at(0)) + "\n";
    for (const EventResult& result : results_of(other)) text += to_line(result) + "\n";
    const ImportSummary summary = desk.import(text, {});
    CHECK(summary.read == 1);
    CHECK(summary.results == 2);
    CHECK(to_json(summary).find(R"("results":2)") != std::string::npos);
    const std::vector<EventResult> results = results_of(desk.store);
    REQUIRE(results.size() == 2);
    CHECK(results[0].imported);
    CHECK(results[1].imported);
    CHECK(results[1].status == ResultStatus::completed);
    CHECK(results[1].result == R"({"n":1.0})");
    CHECK(results[1].emitted == std::vector<std::string>{"x", "y"});
    CHECK(results[1].note == "why");
    CHECK(desk.store.unfinished().empty());
    desk.import(text, {});
    CHECK(results_of(desk.store).size() == 2);
}

TEST_CASE("import: a result whose event is nowhere is a bad line, named") {
    Desk desk;
    EventStore other = new_store(desk.directory / "other.db");
    other.append(NewEvent{.type = "a", .id = "e1"});
    other.append_results({{.event_id = "e1", .bus = "b", .handler = "h", .owner = "o"}});
    const std::string text = to_line(results_of(other).at(0)) + "\n";
    const Error error = desk.refused(text, {});
    CHECK(error.code() == ErrorCode::not_found);
    CHECK_THAT(error.what(), Catch::Contains("lines.jsonl:1"));
    CHECK(desk.import(text, {.on_bad_line = OnBadLine::skip}).skipped == 1);
}

TEST_CASE("import: bad lines stop it with file and line, each with the code of its fault") {
    const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
    const std::vector<std::pair<std::string, ErrorCode>> faults{
        {"not json", ErrorCode::invalid_json},
        {"{\"kind\":\"\xff\"}", ErrorCode::invalid_utf8},
        {deep, ErrorCode::too_deep},
        {R"({"kind":"k","a":1,"a":2})", ErrorCode::duplicate_key},
        {"{\"kind\":\"k\",\"x\":\"" + std::string(std::size_t{1} << 20, 'x') + "\"}", ErrorCode::too_large},
        {"{\"kind\":\"k\",\"x\":\"" + std::string(std::size_t{17} << 20, 'x') + "\"}", ErrorCode::too_large},
        {R"({"other":1})", ErrorCode::invalid_pointer},
        {R"({"kind":""})", ErrorCode::invalid_name},
        {R"({"kind":"k","x":1e400})", ErrorCode::number_out_of_range},
    };
    for (const auto& [line, code] : faults) {
        Desk desk;
        const Error error = desk.refused("{\"kind\":\"k\"}\n\n" + line + "\n{\"kind\":\"k\"}\n", typed());
        INFO(line.substr(0, 60));
        CHECK(error.code() == code);
        CHECK_THAT(error.what(), Catch::Contains("lines.jsonl:3") && Catch::Contains("nothing was committed"));
        CHECK(desk.store.head().seq.value == 0);
    }
}

TEST_CASE("import: a time that cannot be read is a bad line") {
    Desk desk;
    ImportOptions options = typed();
    options.mapping.time = FieldSource::parse("/t");
    const Error error = desk.refused("{\"kind\":\"k\",\"t\":\"noon\"}\n", options);
    CHECK(error.code() == ErrorCode::invalid_time);
    CHECK_THAT(error.what(), Catch::Contains("lines.jsonl:1"));
}

TEST_CASE(
    "import: with stop, the batch with the bad line is not written, earlier ones are, and the last line is named") {
    Desk desk;
    const Error error = desk.refused(numbered_lines(2500) + "oops\n" + numbered_lines(10), typed());
    CHECK(error.code() == ErrorCode::invalid_json);
    CHECK_THAT(error.what(), Catch::Contains("lines.jsonl:2501") && Catch::Contains("lines.jsonl:2000 was the last"));
    CHECK(desk.store.head().seq.value == 2000);
}

TEST_CASE("import: with skip, bad lines are left out, counted and each named") {
    Desk desk;
    ImportOptions options = typed();
    options.on_bad_line = OnBadLine::skip;
    std::vector<std::string> skipped;
    options.on_skipped = [&](std::string_view message) { skipped.emplace_back(message); };
    options.line_bytes_max = 1000;
    const ImportSummary summary = desk.import(
        "{\"kind\":\"k\"}\noops\n{\"kind\":\"\"}\n" + std::string(2000, 'x') + "\n{\"kind\":\"k\"}\n", options);
    CHECK(summary.read == 5);
    CHECK(summary.appended == 2);
    CHECK(summary.skipped == 3);
    REQUIRE(skipped.size() == 3);
    CHECK_THAT(skipped[0], Catch::Contains("lines.jsonl:2: skipped"));
    CHECK_THAT(skipped[1], Catch::Contains("lines.jsonl:3: skipped"));
    CHECK_THAT(skipped[2], Catch::Contains("lines.jsonl:4: skipped"));
}

TEST_CASE("import: an id with other content stops it as a conflict that names the line") {
    Desk desk;
    desk.import("{\"kind\":\"k\",\"id\":\"a\",\"x\":1}\n", with_id(typed()));
    const Error error =
        desk.refused("{\"kind\":\"k\",\"id\":\"b\"}\n{\"kind\":\"k\",\"id\":\"a\",\"x\":2}\n", with_id(typed()));
    CHECK(error.code() == ErrorCode::idempotency_conflict);
    CHECK_THAT(error.what(), Catch::Contains("lines.jsonl:2") && Catch::Contains("a"));
    CHECK(desk.store.head().seq.value == 1);
}

TEST_CASE("import: with skip, an id with other content is left out and the rest goes in") {
    Desk desk;
    desk.import("{\"kind\":\"k\",\"id\":\"a\",\"x\":1}\n", with_id(typed()));
    ImportOptions options = with_id(typed());
    options.on_bad_line = OnBadLine::skip;
    std::vector<std::string> skipped;
    options.on_skipped = [&](std::string_view message) { skipped.emplace_back(message); };
    const ImportSummary summary = desk.import(
        "{\"kind\":\"k\",\"id\":\"b\"}\n{\"kind\":\"k\",\"id\":\"a\",\"x\":2}\n{\"kind\":\"k\",\"id\":\"a\",\"x\":1}\n",
        options);
    CHECK(summary.read == 3);
    CHECK(summary.appended == 1);
    CHECK(summary.already_there == 1);
    CHECK(summary.skipped == 1);
    REQUIRE(skipped.size() == 1);
    CHECK_THAT(skipped[0], Catch::Contains("lines.jsonl:2"));
}

TEST_CASE("import: an id that comes twice in one file with other content is a conflict too") {
    Desk desk;
    const Error error = desk.refused("{\"kind\":\"k\",\"id\":\"a\",\"x\":1}\n{\"kind\":\"k\",\"id\":\"a\",\"x\":2}\n",
                                     with_id(typed()));
    CHECK(error.code() == ErrorCode::idempotency_conflict);
    CHECK_THAT(error.what(), Catch::Contains("lines.jsonl:2"));
}

// Says no to payloads that hold the word.
class WordGuard final : public Guard {
  public:
    [[nodiscard]] std::string_view name() const noexcept override { return "word"; }
    void check(const NewEvent& event) override {
        if (event.payload.find("forbidden") != std::string::npos)
            throw Error(ErrorCode::guard_refused, "the payload holds a forbidden word");
    }
};

struct GuardedDesk : Desk {
    GuardedDesk() {
        store = EventStore::open(
            directory / "guarded.db",
            {.access = Access::create, .durability = Durability::normal, .guards = {std::make_shared<WordGuard>()}});
    }
};

TEST_CASE("import: a guard that refuses stops it at that line") {
    GuardedDesk desk;
    const Error error = desk.refused(numbered_lines(3) + "{\"kind\":\"k\",\"x\":\"forbidden\"}\n", typed());
    CHECK(error.code() == ErrorCode::guard_refused);
    CHECK_THAT(error.what(), Catch::Contains("lines.jsonl:4"));
    CHECK(desk.store.head().seq.value == 0);
}

TEST_CASE("import: with skip, what a guard refuses is left out and the rest goes in, in order") {
    GuardedDesk desk;
    ImportOptions options = typed();
    options.on_bad_line = OnBadLine::skip;
    const ImportSummary summary = desk.import(
        numbered_lines(3) + "{\"kind\":\"k\",\"x\":\"forbidden\"}\n" + numbered_lines(3, ",\"b\":1"), options);
    CHECK(summary.read == 7);
    CHECK(summary.appended == 6);
    CHECK(summary.skipped == 1);
    const std::vector<Event> events = events_of(desk.store);
    REQUIRE(events.size() == 6);
    CHECK(events[2].payload == R"({"kind":"k","n":3})");
    CHECK(events[3].payload == R"({"kind":"k","n":1,"b":1})");
}

TEST_CASE("import: progress comes after each durable batch, with lines and bytes") {
    Desk desk;
    std::vector<std::uint64_t> lines;
    std::vector<std::uint64_t> durable;
    ImportOptions options = typed();
    options.progress = [&](const ImportProgress& progress) {
        lines.push_back(progress.lines);
        durable.push_back(progress.summary.appended);
        CHECK(desk.store.head().seq.value == progress.summary.appended);
        CHECK(progress.bytes_total.has_value());
        CHECK(progress.bytes <= *progress.bytes_total);
    };
    desk.import(numbered_lines(2300), options);
    CHECK(lines == std::vector<std::uint64_t>{1000, 2000, 2300});
    CHECK(durable == lines);
}

TEST_CASE("import: broken off half-way and run again, it adds the rest only, and the log is that of one run") {
    Desk undisturbed;
    undisturbed.import(numbered_lines(3500), typed());
    Desk desk;
    ImportOptions breaking = typed();
    breaking.progress = [](const ImportProgress& progress) {
        if (progress.summary.appended == 2000) throw std::runtime_error("pulled the plug");
    };
    CHECK_THROWS_AS(desk.import(numbered_lines(3500), breaking), std::runtime_error);
    CHECK(desk.store.head().seq.value == 2000);
    const ImportSummary rest = desk.import(numbered_lines(3500), typed());
    CHECK(rest.already_there == 2000);
    CHECK(rest.appended == 1500);
    std::vector<Event> one = without_commit(events_of(undisturbed.store));
    std::vector<Event> two = without_commit(events_of(desk.store));
    for (auto* events : {&one, &two}) {
        for (Event& event : *events) event.occurred_at = {};  // the commit's, as the lines have none
    }
    CHECK(one == two);
}

TEST_CASE("import: cancelled, it keeps what was committed and says how to go on") {
    Desk desk;
    ImportOptions options = typed();
    options.cancelled = [&] { return desk.store.head().seq.value >= 1000; };
    const Error error = desk.refused(numbered_lines(3000), options);
    CHECK(error.code() == ErrorCode::cancelled);
    CHECK_THAT(error.what(), Catch::Contains("lines.jsonl:1000"));
    CHECK(desk.store.head().seq.value == 1000);
}

TEST_CASE("import: large events are batched by their bytes") {
    Desk desk;
    std::string text;
    for (int i = 0; i < 12; ++i)
        text += "{\"kind\":\"k\",\"x\":\"" + std::string(1'000'000, static_cast<char>('a' + i)) + "\"}\n";
    std::vector<std::uint64_t> batches;
    ImportOptions options = typed();
    options.progress = [&](const ImportProgress& progress) { batches.push_back(progress.summary.appended); };
    CHECK(desk.import(text, options).appended == 12);
    CHECK(batches == std::vector<std::uint64_t>{8, 12});
}

TEST_CASE("import: gzip and zstd give the same events as the plain file") {
    for (const char* name : {"lines.jsonl", "lines.jsonl.gz", "lines.jsonl.zst"}) {
        Desk desk;
        desk.file = desk.directory / name;
        const std::string text = numbered_lines(50);
        const std::string ending = desk.file.extension().string();
        write_file(desk.file, ending == ".gz" ? gzipped(text) : ending == ".zst" ? zstd_compressed(text) : text);
        CHECK(import_file(desk.store, desk.file, typed()).appended == 50);
        CHECK(events_of(desk.store).at(49).id == derived_event_id("lines.jsonl", 50, R"({"kind":"k","n":50})"));
    }
}

TEST_CASE("import: gzip that is cut short stops it, with skip too, and says what is committed") {
    for (const OnBadLine on_bad_line : {OnBadLine::stop, OnBadLine::skip}) {
        Desk desk;
        const std::string packed = gzipped(numbered_lines(5000));
        ImportOptions options = typed();
        options.on_bad_line = on_bad_line;
        const Error error = desk.refused(packed.substr(0, packed.size() - 100), options);
        CHECK(error.code() == ErrorCode::invalid_line);
        CHECK_THAT(error.what(), Catch::Contains("cut short") && Catch::Contains("was the last line to be committed"));
        CHECK(desk.store.head().seq.value % 1000 == 0);
        CHECK(desk.store.head().seq.value > 0);
    }
}

}  // namespace
}  // namespace daybook
