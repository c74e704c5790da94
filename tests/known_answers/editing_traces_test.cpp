// Every keystroke of four recorded editing sessions, replayed to three points of each, in C++ and in SQL. The answers
// are the SHA-256 values published with the data.

#include <catch2/catch.hpp>

#include <nlohmann/json.hpp>

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

struct Point {
    std::uint64_t transactions;
    std::size_t code_points;
    const char* sha256;
};

struct Trace {
    const char* file;
    std::vector<Point> points;
};

const std::vector<Trace>& traces() {
    static const std::vector<Trace> all{
        {"sveltecomponent",
         {{1'000, 1'386, "77ea7c4b1fea7beef17eed55e2f038cd7dddc68cd1ca2bb06f8224c874ced28e"},
          {9'167, 8'107, "aa743be59fa45b49566276dcafd06eef9d11fcde5c557a07e82dbe9a3108ae7a"},
          {18'335, 18'451, "d8bb93b7cf87b4c3a0394fddc028284a093d90d5794a213d1ccb0794eb4ede8f"}}},
        {"rustcode",
         {{1'000, 43'337, "189789851d9d42c6782062e7d324a8df210f3264cfc5591035c10b1ebac5ef0a"},
          {18'490, 59'323, "16883e24fab26cb89469d5382f20918afcad41b07e675d73ae71a508913731b5"},
          {36'981, 65'218, "2cde7bd1dedbcd198e3f5a66a4135f120571a4349d48d057009f311622a0894c"}}},
        {"seph-blog1",
         {{1'000, 4'831, "48bdc54b017c457c150f0f7330f68182b5f97bc61deae61a18db04118c9b656d"},
          {68'577, 35'217, "5cd2d1782a39cc6e23ec3546137936d9e54dbdac5f16e61dd7b51ef888de537f"},
          {137'154, 56'769, "fd42bef4fbb237f8cd748d2c1c628c51b489ea9b98992e6eb815d04a090a70ba"}}},
        {"clownschool_flat",
         {{1'000, 916, "c16d3cc5ee9320c73332bae90b1ac27935df1433e24fd8bd83b3529da5da4718"},
          {11'568, 10'337, "b9d04ad76664997018a1ab2d743ea570168cf316ead1102d9ce1fdbaa1ec31a3"},
          {23'136, 21'148, "d0812d3d6bfd59eab997e16187c9f1f575c65c84b4b539b033ab499c2edc79d5"}}}};
    return all;
}

// One event for each transaction, in the order of the file.
EventStore recorded(const std::filesystem::path& path, const std::string& stream, const nlohmann::json& trace) {
    EventStore store = EventStore::open(path, {.access = Access::create, .durability = Durability::normal});
    std::vector<NewEvent> batch;
    const auto flush = [&] {
        if (!batch.empty()) store.append({.events = std::exchange(batch, {})});
    };
    for (const auto& transaction : trace["txns"]) {
        batch.push_back({.type = "text.edited",
                         .payload = R"({"patches":)" + transaction["patches"].dump() + "}",
                         .stream = stream,
                         .occurred_at = Timestamp::parse(transaction["time"].get_ref<const std::string&>())});
        if (batch.size() == 1000) flush();
    }
    flush();
    return store;
}

std::u32string to_code_points(std::string_view utf8) {
    std::u32string text;
    for (std::size_t i = 0; i < utf8.size();) {
        const auto first = static_cast<unsigned char>(utf8[i]);
        const std::size_t bytes = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
        char32_t code = bytes == 1 ? first : first & (0xFFU >> (bytes + 1));
        for (std::size_t k = 1; k < bytes; ++k) code = (code << 6U) | (static_cast<unsigned char>(utf8[i + k]) & 0x3FU);
        text += code;
        i += bytes;
    }
    return text;
}

std::string to_utf8(const std::u32string& text) {
    std::string utf8;
    const auto add = [&utf8](char32_t byte) { utf8 += static_cast<char>(static_cast<unsigned char>(byte)); };
    for (const char32_t code : text) {
        if (code < 0x80) {
            add(code);
        } else if (code < 0x800) {
            add(0xC0 | (code >> 6U));
            add(0x80 | (code & 0x3FU));
        } else if (code < 0x10000) {
            add(0xE0 | (code >> 12U));
            add(0x80 | ((code >> 6U) & 0x3FU));
            add(0x80 | (code & 0x3FU));
        } else {
            add(0xF0 | (code >> 18U));
            add(0x80 | ((code >> 12U) & 0x3FU));
            add(0x80 | ((code >> 6U) & 0x3FU));
            add(0x80 | (code & 0x3FU));
        }
    }
    return utf8;
}

void edit(std::u32string& text, const EventView& event) {
    const auto payload = nlohmann::json::parse(event.payload);
    for (const auto& patch : payload["patches"]) {
        text.replace(patch[0].get<std::size_t>(), patch[1].get<std::size_t>(),
                     to_code_points(patch[2].get_ref<const std::string&>()));
    }
}

// SQLite's substr() counts code points, as the patches do.
constexpr const char* projection_source = R"(-- projection: text
-- version: 1
-- @init
CREATE TABLE document(text TEXT NOT NULL);
INSERT INTO document VALUES('');
-- @on text.edited
UPDATE document SET text = (
    WITH RECURSIVE edited(patch, text) AS (
        SELECT 0, document.text
        UNION ALL
        SELECT patch + 1,
               substr(text, 1, :payload ->> ('$.patches[' || patch || '][0]'))
               || (:payload ->> ('$.patches[' || patch || '][2]'))
               || substr(text, 1 + (:payload ->> ('$.patches[' || patch || '][0]'))
                                 + (:payload ->> ('$.patches[' || patch || '][1]')))
          FROM edited WHERE patch < json_array_length(:payload, '$.patches'))
    SELECT text FROM edited WHERE patch = json_array_length(:payload, '$.patches'));
)";

void check_trace(const Trace& trace) {
    const auto folder = data_folder("editing-traces");
    if (!folder) return;
    const testkit::TempDirectory directory;
    const auto json = nlohmann::json::parse(source_lines(*folder / (std::string(trace.file) + ".json.gz")).at(0));
    const EventStore store = recorded(directory / "log.db", trace.file, json);
    const EventReader reader = store.reader();
    REQUIRE(reader.head().seq.value == trace.points.back().transactions);
    const Projection projection = Projection::parse(projection_source, "text.sql");
    SnapshotFile snapshots(store.path());
    std::optional<Sequence> before;
    for (const Point& point : trace.points) {
        CAPTURE(trace.file, point.transactions);
        const Window window = window_at(reader, Sequence{point.transactions});
        const auto folded = fold(reader, window, std::u32string(), edit);
        CHECK(folded.events == point.transactions);
        CHECK(folded.state.size() == point.code_points);
        CHECK(sha256(to_utf8(folded.state)).to_hex() == point.sha256);

        // In SQL the first point is computed from scratch, each later one from the snapshot of the one before.
        Projected projected =
            project(reader, projection, {.window = window, .snapshots = &snapshots, .save_snapshot = true});
        CHECK(projected.report.from_snapshot == before);
        CHECK(projected.report.snapshot_saved);
        before = Sequence{point.transactions};
        StateRows rows = projected.state.query("SELECT text FROM document");
        const std::string text = std::get<std::string>(rows.next()->at(0));
        CHECK(sha256(text).to_hex() == point.sha256);
        if (&point == &trace.points.back()) CHECK(text == json["endContent"].get_ref<const std::string&>());
    }
}

}  // namespace

TEST_CASE("editing traces: sveltecomponent gives the recorded text at 3 points, in C++ and in SQL",
          "[editing-traces]") {
    check_trace(traces()[0]);
}

TEST_CASE("editing traces: rustcode gives the recorded text at 3 points, in C++ and in SQL", "[editing-traces]") {
    check_trace(traces()[1]);
}

TEST_CASE("editing traces: seph-blog1 gives the recorded text at 3 points, in C++ and in SQL", "[editing-traces]") {
    check_trace(traces()[2]);
}

TEST_CASE("editing traces: clownschool_flat gives the recorded text at 3 points, in C++ and in SQL",
          "[editing-traces]") {
    check_trace(traces()[3]);
}
