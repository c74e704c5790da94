// Two git histories as events: the listing of files at every release, computed in C++ and in SQL, from scratch and
// from snapshots. The answers come from the repositories themselves.

#include <catch2/catch.hpp>

#include <nlohmann/json.hpp>

#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <daybook/event/sha256.hpp>
#include <daybook/replay/fold.hpp>
#include <daybook/replay/moment.hpp>
#include <daybook/replay/sql_fold.hpp>
#include <daybook/store/event_store.hpp>
#include <daybook/testkit/temp_directory.hpp>

#include "known_answers/data_dir.hpp"
#include "known_answers/source_lines.hpp"

using namespace daybook;

namespace {

std::string text_file(const std::filesystem::path& path) {
    std::string text;
    for (const std::string& line : source_lines(path)) text += line + "\n";
    return text;
}

struct File {
    std::string mode;
    std::string blob;
};
using Listing = std::map<std::string, File>;  // std::string compares bytes

struct History {
    testkit::TempDirectory directory;
    std::optional<EventStore> store;
    std::map<std::string, Sequence> last_of_commit;
    std::size_t file_events = 0;
};

struct KnownPoint {
    std::string name;
    Sequence seq;
    std::size_t files = 0;
    std::string sha256;
};

// One append for each commit: its own event and those of its files, each with the version its stream must have.
void record(History& history, const std::vector<std::string>& lines) {
    history.store.emplace(
        EventStore::open(history.directory / "log.db", {.access = Access::create, .durability = Durability::normal}));
    std::map<std::string, std::uint64_t> versions;
    AppendRequest request;
    std::string commit;
    const auto flush = [&] {
        if (request.events.empty()) return;
        const Appended appended = history.store->append(std::exchange(request, {}));
        history.last_of_commit[commit] = appended.last_seq;
    };
    for (const std::string& line : lines) {
        auto json = nlohmann::ordered_json::parse(line);
        NewEvent event{.type = json["type"], .occurred_at = Timestamp::parse(json["time"].get<std::string>())};
        event.correlation_id = json["commit"].get<std::string>();
        const bool is_commit = event.type == "CommitLanded";
        if (is_commit) {
            flush();
            commit = *event.correlation_id;
            event.id = commit;
            event.stream = "commits";
            if (!json["parents"].empty()) event.causation_id = json["parents"][0].get<std::string>();
        } else {
            event.stream = json["path"];
            event.causation_id = commit;
            ++history.file_events;
        }
        for (const char* taken : {"type", "time", "commit", "path"}) json.erase(taken);
        event.payload = json.dump();
        request.expectations.push_back({event.stream, ExpectedVersion::exactly(Version{versions[event.stream]++})});
        request.events.push_back(std::move(event));
    }
    flush();
}

std::vector<KnownPoint> known_points(const History& history, const nlohmann::json& expected) {
    std::vector<KnownPoint> points;
    for (const auto& [name, point] : expected.items())
        points.push_back({name, history.last_of_commit.at(point["commit"]), point["files"], point["listing_sha256"]});
    return points;
}

void apply(Listing& listing, const EventView& event) {
    if (event.type == "CommitLanded") return;
    const auto payload = nlohmann::json::parse(event.payload);
    const std::string path(event.stream);
    if (const auto there = listing.find(path); there != listing.end()) {
        if (there->second.mode != payload.at("old_mode") || there->second.blob != payload.at("old_blob"))
            throw std::runtime_error("the state of " + path + " is not what its event says it was");
    } else if (payload.contains("old_mode")) {
        throw std::runtime_error("an event changes " + path + ", which is not there");
    }
    if (event.type == "FileDeleted") {
        listing.erase(path);
    } else {
        listing[path] = {payload.at("new_mode"), payload.at("new_blob")};
    }
}

std::string text_of(const Listing& listing) {
    std::string text;
    for (const auto& [path, file] : listing) text += file.mode + " " + file.blob + "\t" + path + "\n";
    return text;
}

SnapshotCodec<Listing> codec() {
    return {
        .projection = "listing",
        .version = "1",
        .encode = [](const Listing& listing) { return text_of(listing); },
        .decode =
            [](std::string_view bytes) {
                Listing listing;
                std::istringstream lines{std::string(bytes)};
                for (std::string line; std::getline(lines, line);) {
                    const std::size_t space = line.find(' ');
                    const std::size_t tab = line.find('\t');
                    listing[line.substr(tab + 1)] = {line.substr(0, space), line.substr(space + 1, tab - space - 1)};
                }
                return listing;
            }};
}

const Projection& projection() {
    static const Projection parsed = Projection::parse(
        "-- projection: listing\n"
        "-- version: 1\n"
        "-- @init\n"
        "CREATE TABLE file(path TEXT PRIMARY KEY, mode TEXT NOT NULL, blob TEXT NOT NULL) WITHOUT ROWID;\n"
        "-- @on FileAdded, FileModified\n"
        "INSERT INTO file VALUES(:stream, :payload ->> '$.new_mode', :payload ->> '$.new_blob')\n"
        "ON CONFLICT DO UPDATE SET mode = excluded.mode, blob = excluded.blob;\n"
        "-- @on FileDeleted\n"
        "DELETE FROM file WHERE path = :stream;\n",
        "listing.sql");
    return parsed;
}

std::string sql_listing(StateDatabase& state) {
    std::string text;
    StateRows rows = state.query("SELECT mode || ' ' || blob || char(9) || path || char(10) FROM file ORDER BY path");
    while (const auto* row = rows.next()) text += std::get<std::string>(row->at(0));
    return text;
}

void check_history(const std::string& name, std::size_t commits, std::size_t file_events, std::size_t points_expected) {
    const auto folder = data_folder("git-history");
    if (!folder) return;
    History history;
    record(history, source_lines(*folder / (name + ".jsonl.gz")));
    CHECK(history.last_of_commit.size() == commits);
    CHECK(history.file_events == file_events);
    const EventReader reader = history.store->reader();
    CHECK(reader.head().seq.value == commits + file_events);
    CHECK(reader.stream_version("commits").value == commits);
    const auto points = known_points(history, nlohmann::json::parse(text_file(*folder / (name + ".expected.json"))));
    REQUIRE(points.size() == points_expected);

    for (const KnownPoint& point : points) {
        CAPTURE(point.name, point.seq.value);
        const auto folded = fold(reader, window_at(reader, point.seq), Listing(), apply);
        CHECK(folded.state.size() == point.files);
        CHECK(sha256(text_of(folded.state)).to_hex() == point.sha256);
        Projected projected = project(reader, projection(), {.window = window_at(reader, point.seq)});
        CHECK_FALSE(projected.report.from_snapshot);
        CHECK(sha256(sql_listing(projected.state)).to_hex() == point.sha256);
    }

    // Snapshots every 200 events, in C++ and in SQL; then each point again, from the one before it.
    SnapshotFile snapshots(history.store->path());
    FoldOptions<Listing> kept{.snapshots = &snapshots, .codec = codec(), .save_snapshot = true};
    for (std::uint64_t seq = 200; seq <= reader.head().seq.value; seq += 200) {
        REQUIRE(fold(reader, window_at(reader, Sequence{seq}), Listing(), apply, kept).snapshot_saved);
        REQUIRE(project(reader, projection(),
                        {.window = window_at(reader, Sequence{seq}), .snapshots = &snapshots, .save_snapshot = true})
                    .report.snapshot_saved);
    }
    kept.save_snapshot = false;
    for (const KnownPoint& point : points) {
        CAPTURE(point.name, point.seq.value);
        const std::uint64_t snapshot = point.seq.value / 200 * 200;
        const std::optional<Sequence> expected = snapshot == 0 ? std::nullopt : std::optional(Sequence{snapshot});
        const auto folded = fold(reader, window_at(reader, point.seq), Listing(), apply, kept);
        CHECK(folded.from_snapshot == expected);
        CHECK(folded.events == point.seq.value - snapshot);
        CHECK(sha256(text_of(folded.state)).to_hex() == point.sha256);
        Projected projected =
            project(reader, projection(), {.window = window_at(reader, point.seq), .snapshots = &snapshots});
        CHECK(projected.report.from_snapshot == expected);
        CHECK(sha256(sql_listing(projected.state)).to_hex() == point.sha256);
    }

    Projected at_head = project(reader, projection());
    CHECK(sql_listing(at_head.state) == text_file(*folder / (name + ".HEAD.listing.txt")));
}

}  // namespace

TEST_CASE("git history: SQLiteCpp has the recorded listing at 27 points, from scratch and from snapshots",
          "[git-history]") {
    check_history("SQLiteCpp", 639, 1'967, 27);
}

TEST_CASE("git history: commanded/eventstore has the recorded listing at 46 points, from scratch and from snapshots",
          "[git-history]") {
    check_history("commanded-eventstore", 504, 2'777, 46);
}

TEST_CASE("git history: a file event with the version its path's stream had before is refused", "[git-history]") {
    const auto folder = data_folder("git-history");
    if (!folder) return;
    History history;
    record(history, source_lines(*folder / "SQLiteCpp.jsonl.gz"));
    const Version now = history.store->stream_version("README.md");
    REQUIRE(now.value > 1);
    const auto outcome =
        history.store->try_append({.events = {{.type = "FileModified", .stream = "README.md"}},
                                   .expectations = {{"README.md", ExpectedVersion::exactly(Version{now.value - 1})}}});
    REQUIRE(std::holds_alternative<VersionConflict>(outcome));
    CHECK(std::get<VersionConflict>(outcome).failed.at(0).actual == now);
    CHECK(history.store->stream_version("README.md") == now);
}
