// Exporting: windows, results, files that appear whole, going on, following, readers that leave.
#include <daybook/interchange/exporter.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <sstream>

#include <sys/stat.h>
#include <unistd.h>

#include <daybook/event/error.hpp>
#include <daybook/event/event_line.hpp>
#include <daybook/interchange/importer.hpp>
#include <daybook/testkit/temp_directory.hpp>

#include "interchange_kit.hpp"

namespace daybook {
namespace {

using testkit::TempDirectory;

struct Desk {
    TempDirectory directory{};
    EventStore store = new_store(directory / "log.db");

    void append(std::string_view type, std::string_view id, std::string_view stream = "main") {
        store.append(NewEvent{.type = std::string(type), .stream = std::string(stream), .id = std::string(id)});
    }
    void append_many(int count) {
        for (int done = 0; done < count; done += 1000) {
            AppendRequest request;
            for (int i = 0; i < 1000; ++i)
                request.events.push_back({.type = "a", .id = "many" + std::to_string(done + i)});
            store.append(std::move(request));
        }
    }
    void result(std::string_view id, ResultStatus status) {
        store.append_results(
            {{.event_id = std::string(id), .bus = "b", .handler = "h", .status = status, .owner = "o"}});
    }
    ExportSummary run(std::string& text, ExportOptions options = {}) {
        std::ostringstream out;
        const auto sink = sink_to_stream(out, "text");
        const ExportSummary summary = export_events(store, *sink, std::move(options));
        text = out.str();
        return summary;
    }
    std::string text(ExportOptions options = {}) {
        std::string text;
        run(text, std::move(options));
        return text;
    }
};

// `e1 e2 r1 e3`: ids of events, and r with the seq of a result, in the order of the lines.
std::string order_of(const std::string& text) {
    std::string order;
    for (const std::string& line : split_lines(text)) {
        const Line parsed = parse_line(line);
        if (!order.empty()) order += ' ';
        if (const auto* event = std::get_if<Event>(&parsed)) {
            order += event->id;
        } else {
            order += "r" + std::to_string(std::get<EventResult>(parsed).result_seq.value);
        }
    }
    return order;
}

struct LoggedDesk : Desk {
    LoggedDesk() {
        append("a", "e1");
        append("b", "e2", "lane");
        result("e1", ResultStatus::pending);
        append("a", "e3", "lane");
        result("e1", ResultStatus::completed);
        result("e3", ResultStatus::pending);
        append("b", "e4");
    }
};

TEST_CASE("export: one line an event, exactly as to_line() has it") {
    LoggedDesk desk;
    std::string expected;
    for (const Event& event : events_of(desk.store)) expected += to_line(event) + "\n";
    std::string text;
    const ExportSummary summary = desk.run(text);
    CHECK(text == expected);
    CHECK(summary.events == 4);
    CHECK(summary.results == 0);
    CHECK(summary.end.seq == Sequence{4});
    CHECK(summary.end.digest == desk.store.head().digest);
}

TEST_CASE("export: an empty log gives nothing") {
    Desk desk;
    CHECK(desk.text({.results = true}).empty());
}

TEST_CASE("export: results stand in journal order") {
    LoggedDesk desk;
    CHECK(order_of(desk.text({.results = true})) == "e1 e2 r1 e3 r2 r3 e4");
}

TEST_CASE("export: a window by seq takes its events' results, also those committed later") {
    LoggedDesk desk;
    CHECK(order_of(desk.text({.window = {.to_seq = Sequence{1}}, .results = true})) == "e1 r1 r2");
    CHECK(order_of(desk.text({.window = {.from_seq = Sequence{2}}, .results = true})) == "e2 e3 r3 e4");
}

TEST_CASE("export: a filter takes the results of the events that it lets pass") {
    LoggedDesk desk;
    CHECK(order_of(desk.text({.window = {.stream = "lane"}, .results = true})) == "e2 e3 r3");
    CHECK(order_of(desk.text({.window = {.types = {TypePattern("a")}, .limit = 1}, .results = true})) == "e1 r1 r2");
}

TEST_CASE("export: backwards, each event is followed by its own results") {
    LoggedDesk desk;
    CHECK(order_of(desk.text({.window = {.reverse = true}, .results = true})) == "e4 e3 r3 e2 e1 r1 r2");
}

TEST_CASE("export: it goes on after the position at which it ended") {
    LoggedDesk desk;
    std::string first;
    const ExportSummary summary = desk.run(first, {.results = true});
    CHECK(desk.text({.results = true, .after = summary.end}).empty());
    desk.append("c", "e5");
    desk.result("e2", ResultStatus::pending);
    CHECK(order_of(desk.text({.results = true, .after = summary.end})) == "e5 r4");
}

TEST_CASE("export: going on inside a filter still asks whether a late result's event is in it") {
    LoggedDesk desk;
    std::string first;
    const ExportOptions lane{.window = {.stream = "lane"}, .results = true};
    const ExportSummary summary = desk.run(first, lane);
    CHECK(summary.end.seq == Sequence{4});
    desk.result("e1", ResultStatus::late);
    desk.result("e3", ResultStatus::completed);
    ExportOptions rest = lane;
    rest.after = summary.end;
    CHECK(order_of(desk.text(rest)) == "r5");
}

TEST_CASE("export: cut by a limit, the end is the last event written") {
    LoggedDesk desk;
    std::string text;
    const ExportSummary summary = desk.run(text, {.window = {.limit = 2}});
    CHECK(summary.end.seq == Sequence{2});
    CHECK(order_of(desk.text({.after = summary.end})) == "e3 e4");
}

TEST_CASE("export: a position of another history is history_diverged") {
    LoggedDesk desk;
    Head foreign = desk.store.head();
    foreign.store_id.bytes[0] ^= std::byte{1};
    CHECK(error_of([&] { desk.text({.after = foreign}); }).code() == ErrorCode::history_diverged);
    Head other = desk.store.head();
    other.digest.bytes[0] ^= std::byte{1};
    CHECK(error_of([&] { desk.text({.after = other}); }).code() == ErrorCode::history_diverged);
    Head ahead = desk.store.head();
    ahead.seq.value += 1;
    CHECK(error_of([&] { desk.text({.after = ahead}); }).code() == ErrorCode::history_diverged);
    Head result = desk.store.head();
    result.result_digest.bytes[0] ^= std::byte{1};
    CHECK(error_of([&] { desk.text({.results = true, .after = result}); }).code() == ErrorCode::history_diverged);
}

TEST_CASE("export: options that exclude each other are refused, all faults at once") {
    Desk desk;
    const Error error = error_of(
        [&] { desk.text({.window = {.to_seq = Sequence{3}, .reverse = true}, .after = Head{}, .follow = true}); });
    CHECK(error.code() == ErrorCode::invalid_argument);
    CHECK_THAT(error.what(), Catch::Contains("backwards") && Catch::Contains("no end") && Catch::Contains("reverse"));
}

TEST_CASE("export: following writes what is committed later, results too, until told to stop") {
    LoggedDesk desk;
    std::ostringstream out;
    const auto sink = sink_to_stream(out, "text");
    int asked = 0;
    ExportOptions options{.results = true, .follow = true};
    options.stop = [&] {
        ++asked;
        if (asked == 1) desk.append("c", "e5");
        if (asked == 2) desk.result("e5", ResultStatus::pending);
        return order_of(out.str()).find("e5 r4") != std::string::npos || asked > 100;
    };
    const ExportSummary summary = export_events(desk.store, *sink, options);
    CHECK(order_of(out.str()) == "e1 e2 r1 e3 r2 r3 e4 e5 r4");
    CHECK(summary.stopped);
    CHECK(summary.end == desk.store.head());
}

TEST_CASE("export: following obeys a filter and a limit") {
    LoggedDesk desk;
    std::ostringstream out;
    const auto sink = sink_to_stream(out, "text");
    int asked = 0;
    ExportOptions options{.window = {.stream = "lane", .limit = 4}, .follow = true};
    options.stop = [&] {
        ++asked;
        desk.append("x", "lane" + std::to_string(asked), "lane");
        desk.append("x", "main" + std::to_string(asked));
        return asked > 100;
    };
    const ExportSummary summary = export_events(desk.store, *sink, options);
    CHECK(summary.events == 4);
    CHECK(order_of(out.str()) == "e2 e3 lane1 lane2");
}

TEST_CASE("export: a reader that is gone ends it quietly, without a signal") {
    Desk desk;
    desk.append_many(3000);
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    ::close(ends[0]);
    const auto sink = sink_to_descriptor(ends[1], "pipe");
    const ExportSummary summary = export_events(desk.store, *sink);
    CHECK(summary.reader_gone);
    CHECK(summary.events < 3000);
    ::close(ends[1]);
}

TEST_CASE("export: to a file, plain, gzip or zstd by the name") {
    LoggedDesk desk;
    const std::string plain = desk.text({.results = true});
    for (const char* name : {"out.jsonl", "out.jsonl.gz", "out.jsonl.zst"}) {
        const std::filesystem::path target = desk.directory / name;
        CHECK(export_to_file(desk.store, target, {.content = {.results = true}}).events == 4);
        CHECK(unpacked(target) == plain);
        CHECK((read_file(target) == plain) == (target.extension() == ".jsonl"));
    }
}

std::vector<std::string> names_in(const std::filesystem::path& directory) {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(directory)) names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    return names;
}

TEST_CASE("export: an existing target stays as it is unless it is to be replaced") {
    LoggedDesk desk;
    const std::filesystem::path target = desk.directory / "out.jsonl";
    write_file(target, "precious");
    CHECK(error_of([&] { export_to_file(desk.store, target); }).code() == ErrorCode::target_exists);
    CHECK(read_file(target) == "precious");
    export_to_file(desk.store, target, {.replace = true});
    CHECK(read_file(target) == desk.text());
}

TEST_CASE("export: the log's own files are no target, under no name and not by force") {
    LoggedDesk desk;
    const std::filesystem::path db = desk.directory / "log.db";
    std::filesystem::create_hard_link(db, desk.directory / "second-name");
    for (const char* name : {"log.db", "log.db-wal", "log.db-shm", "log.db.lock", "log.db.wake", "log.db.snapshots",
                             "./log.db", "second-name"}) {
        INFO(name);
        CHECK(error_of([&] { export_to_file(desk.store, desk.directory / name, {.replace = true}); }).code() ==
              ErrorCode::unsupported_path);
    }
    CHECK(desk.store.head().seq.value == 4);
}

TEST_CASE("export: links, directories and devices are no target") {
    LoggedDesk desk;
    write_file(desk.directory / "real", "x");
    std::filesystem::create_symlink("real", desk.directory / "link");
    std::filesystem::create_symlink("nowhere", desk.directory / "dangling");
    std::filesystem::create_directory(desk.directory / "folder");
    REQUIRE(::mkfifo((desk.directory / "pipe").c_str(), 0600) == 0);
    for (const char* name : {"link", "dangling", "folder", "pipe"}) {
        INFO(name);
        CHECK(error_of([&] { export_to_file(desk.store, desk.directory / name, {.replace = true}); }).code() ==
              ErrorCode::unsupported_path);
    }
    CHECK(read_file(desk.directory / "real") == "x");
}

TEST_CASE("export: what fails or is stopped leaves no file behind") {
    LoggedDesk desk;
    const std::vector<std::string> before = names_in(desk.directory.path());
    Head foreign = desk.store.head();
    foreign.digest.bytes[0] ^= std::byte{1};
    CHECK_THROWS_AS(export_to_file(desk.store, desk.directory / "out", {.content = {.after = foreign}}), Error);
    desk.append_many(2000);
    const ExportSummary stopped =
        export_to_file(desk.store, desk.directory / "out", {.content = {.stop = [] { return true; }}});
    CHECK(stopped.stopped);
    CHECK(names_in(desk.directory.path()) == before);
}

TEST_CASE("export: into a directory that is not there is an error that names it") {
    LoggedDesk desk;
    CHECK_THAT(error_of([&] { export_to_file(desk.store, desk.directory / "no" / "out"); }).what(),
               Catch::Contains("no"));
}

TEST_CASE("export, import, export: equal but for recorded_at and digest, results included") {
    LoggedDesk desk;
    desk.store.append(NewEvent{.type = "caf\xc3\xa9:\xf0\x9f\x98\x80",
                               .payload = R"([1.0,-0,1e5,"\u0041\/",null,18446744073709551616])",
                               .stream = "lane",
                               .correlation_id = "run",
                               .causation_id = "not here",
                               .occurred_at = Timestamp{-1},
                               .tags = {{"b", "2"}, {"a", "1"}},
                               .metadata = R"({"m":1.50})"});
    export_to_file(desk.store, desk.directory / "out.jsonl.zst", {.content = {.results = true}});
    EventStore copy = new_store(desk.directory / "copy.db");
    const ImportSummary summary = import_file(copy, desk.directory / "out.jsonl.zst");
    CHECK(summary.appended == 5);
    CHECK(summary.results == 3);
    CHECK(without_commit(events_of(copy)) == without_commit(events_of(desk.store)));
    std::vector<EventResult> there = results_of(copy);
    std::vector<EventResult> here = results_of(desk.store);
    for (auto* results : {&there, &here}) {
        for (EventResult& result : *results) {
            result.recorded_at = {};
            result.digest = {};
            result.events_head = {};
            result.imported = true;
        }
    }
    CHECK(there == here);
}

}  // namespace
}  // namespace daybook
