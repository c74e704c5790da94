// Flipped bits and cuts all over the file of snapshots: it is a cache, so damage may cost time and a note, never an answer.
#include <catch2/catch.hpp>

#include <algorithm>

#include <daybook/replay/projection.hpp>
#include <daybook/replay/sql_fold.hpp>
#include <daybook/replay/state_json.hpp>
#include <daybook/store/snapshot_file.hpp>

#include "corrupt/corrupt_kit.hpp"

namespace daybook {

using namespace corrupttest;

namespace {

Projection numbers() {
    return Projection::parse(
        "-- projection: numbers\n-- version: 1\n-- @init\nCREATE TABLE number(n INTEGER NOT NULL);\n-- @on *\n"
        "INSERT INTO number VALUES(:seq);\n",
        "numbers.sql");
}

std::string json_of(StateDatabase& state) {
    std::string json;
    write_state_json(state, [&json](std::string_view piece) { json += piece; });
    return json;
}

}  // namespace

TEST_CASE("damaged snapshots: a flipped bit or a cut anywhere in their file changes no answer", "[damage]") {
    const testkit::TempDirectory directory;
    EventStore store = EventStore::open(directory / "log.db", options_for(Access::create));
    const auto fold = [&](SnapshotFile* snapshots, bool save) {
        return project(store.reader(), numbers(), {.snapshots = snapshots, .save_snapshot = save});
    };
    SnapshotFile snapshots(store.path());
    for (int seq = 1; seq <= 6; ++seq) {
        store.append({.type = "t"});
        if (seq % 2 == 0) REQUIRE(fold(&snapshots, true).report.snapshot_saved);
    }
    store.append({.type = "t"});
    const std::string whole = bytes_of(snapshots.path());
    Projected scratch = fold(nullptr, false);
    const std::string answer = json_of(scratch.state);

    Campaign campaign("file of snapshots, flips and cuts");
    const auto try_bytes = [&](const std::string& bytes, std::string what) {
        campaign.begin(what);
        INFO(what);
        lay_out({{"", bytes}}, snapshots.path());
        Projected projected = fold(&snapshots, campaign.random_below(4) == 0);
        CHECK(json_of(projected.state) == answer);
        campaign.count(!projected.report.from_snapshot                 ? "folded from scratch"
                       : projected.report.from_snapshot == Sequence{6} ? "served by the newest"
                                                                       : "served by an older one");
    };
    std::uint64_t images = 0;
    const std::uint64_t step = std::max<std::uint64_t>(1, 128 / effort());
    for (std::size_t begin = 0; begin < whole.size(); begin += begin < 120 ? 1 : step, ++images) {
        const std::size_t stretch = begin < 120 ? 1 : std::min<std::size_t>(step, whole.size() - begin);
        const std::size_t at = begin + campaign.random_below(stretch);
        std::string bytes = whole;
        bytes[at] = static_cast<char>(bytes[at] ^ (1U << campaign.random_below(8)));
        try_bytes(bytes, fmt::format("byte {}", at));
    }
    for (std::size_t length = 0; length < whole.size(); length += 1 + campaign.random_below(8 * step), ++images)
        try_bytes(whole.substr(0, length), fmt::format("cut to {} bytes", length));
    campaign.finish(images);
    CHECK(images > 200);
    CHECK(campaign.counted("served by the newest") > 0);
    CHECK(campaign.counted("folded from scratch") + campaign.counted("served by an older one") > 0);
}

}  // namespace daybook
