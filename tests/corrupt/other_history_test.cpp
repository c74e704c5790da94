// What was kept outside a log that then lost its end (NORMAL and a power cut) or was replaced by a backup: each keeper is
// told `history_diverged`, none goes on with a silently wrong answer, and there is no alarm where nothing is wrong.
#include <catch2/catch.hpp>

#include <algorithm>
#include <fstream>

#include <daybook/bus/event_bus.hpp>
#include <daybook/interchange/journal_reader.hpp>
#include <daybook/middleware/journal.hpp>
#include <daybook/replay/projection.hpp>
#include <daybook/replay/sql_fold.hpp>
#include <daybook/replay/state_json.hpp>
#include <daybook/store/backup.hpp>
#include <daybook/store/diagnosis.hpp>
#include <daybook/store/snapshot_file.hpp>
#include <daybook/testkit/seeded_random.hpp>

#include "corrupt/corrupt_kit.hpp"

namespace daybook {

using namespace corrupttest;

namespace {

Projection sum() {
    return Projection::parse(
        "-- projection: sum\n-- version: 1\n-- @init\nCREATE TABLE total(n INTEGER NOT NULL);\nINSERT INTO total "
        "VALUES(0);\n"
        "-- @on *\nUPDATE total SET n = n + (:payload->>'$.n');\n",
        "sum.sql");
}

std::string json_of(StateDatabase& state) {
    std::string json;
    write_state_json(state, [&json](std::string_view piece) { json += piece; });
    return json;
}

template <typename Call>
std::optional<ErrorCode> code_of(Call call) {
    try {
        call();
    } catch (const Error& error) {
        return error.code();
    }
    return std::nullopt;
}

std::uint64_t seed = 100;  // other bytes for each store that is opened: salts and ids of another history are others

StoreOptions opened_as(Access access, Durability durability) {
    StoreOptions options = options_for(access, durability);
    options.random = std::make_shared<testkit::SeededRandom>(++seed);
    return options;
}

// A log of which much was kept elsewhere when it was at event 6.
struct Story {
    testkit::TempDirectory directory{};
    std::filesystem::path path = directory / "log.db";
    std::filesystem::path journal = directory / "app.jsonl";
    std::filesystem::path state = directory / "state.sqlite";
    Durability durability;
    Image at_four{};
    Image at_six{};
    Head head{};

    explicit Story(Durability given) : durability(given) {
        EventStore store = open();
        append(store, 1, 4);
        store.checkpoint_wal();
        at_four = image_of(path);
        REQUIRE(backup(path, directory / "backup.db", {.store = opened_as(Access::read, durability)}) == store.head());
        append(store, 5, 6);
        head = store.head();
        keep_elsewhere(store);
        at_six = image_of(path);
        store.close();
    }

    [[nodiscard]] EventStore open() const { return EventStore::open(path, opened_as(Access::create, durability)); }
    void append(EventStore& store, int first, int last, const char* text = "mine") const {
        for (int n = first; n <= last; ++n)
            store.append(NewEvent{.type = "t", .payload = fmt::format(R"({{"n":{},"by":"{}"}})", n, text)});
    }
    [[nodiscard]] EventBus open_bus(EventStore& store, std::vector<std::string>& warnings) const {
        JournalOptions options;
        options.path = journal.native();
        options.on_warning = [&warnings](std::string_view text) { warnings.emplace_back(text); };
        BusOptions bus;
        bus.middleware.push_back(std::make_shared<JournalMiddleware>(options));
        bus.on_failure = [&warnings](const FailureReport& report) { warnings.emplace_back(report.message); };
        return EventBus(store, std::move(bus));
    }
    void keep_elsewhere(EventStore& store) {
        std::vector<std::string> warnings;
        open_bus(store, warnings).close();
        REQUIRE(warnings.empty());
        head = store.head();  // with the journal's own checkpoint, which is none of the chains'
        SnapshotFile snapshots(path);
        REQUIRE(project(store.reader(), sum(), {.snapshots = &snapshots, .save_snapshot = true}).report.snapshot_saved);
        project_into(store.reader(), sum(), state);
    }

    // Whatever was kept at event 6 is no part of this log, and everybody is told.
    void check_keepers(EventStore& store) {
        INFO("the log is at event " << store.head().seq.value);
        CHECK(code_of([&] {
                  Subscription subscription = store.subscribe({.after = head.position()});
                  static_cast<void>(subscription.next(std::chrono::milliseconds(0)));
              }) == ErrorCode::history_diverged);
        const auto saved = code_of([&] { store.save_checkpoint({"other", head, {}}, std::nullopt); });
        CHECK(saved == ErrorCode::history_diverged);
        CHECK(code_of([&] { project_into(store.reader(), sum(), state); }) == ErrorCode::history_diverged);

        std::vector<std::string> notes;
        SnapshotFile snapshots(path, {.note = [&notes](const std::string& note) { notes.push_back(note); }});
        SqlFoldOptions options{.snapshots = &snapshots};
        options.hooks.note = [&notes](const std::string& note) { notes.push_back(note); };
        Projected with = project(store.reader(), sum(), options);
        Projected without = project(store.reader(), sum());
        CHECK_FALSE(with.report.from_snapshot);
        CHECK(json_of(with.state) == json_of(without.state));
        const bool reaches_it = store.head().seq >= head.seq;  // else it is past what was asked, and not looked at
        CHECK(notes.size() == (reaches_it ? 1U : 0U));

        VerifyOptions verifying;
        verifying.store = opened_as(Access::read, durability);
        CHECK(verify(path, verifying).ok());
        verifying.head = head;
        const VerifyReport report = verify(path, verifying);
        REQUIRE_FALSE(report.ok());
        CHECK(report.problems[0].code == (reaches_it ? "head_mismatch" : "head_missing"));

        const JournalComparison comparison = compare_journal(store.reader(), journal);
        REQUIRE_FALSE(comparison.ok());
        const bool is_cut = store.head().seq == Sequence{4};
        CHECK(comparison.problems[0].code == (is_cut ? "journal_ahead" : "journal_digest"));
    }

    // The bus sets the journal aside, loudly, and writes that of this history.
    void check_journal(EventStore& store) {
        const std::string before = bytes_of(journal);
        std::vector<std::string> warnings;
        EventBus bus = open_bus(store, warnings);
        CHECK_FALSE(warnings.empty());
        const JournalComparison comparison = compare_journal(store.reader(), journal);
        CHECK(comparison.ok());
        CHECK(comparison.notes.empty());
        CHECK(comparison.events == store.head().seq.value);
        bool is_kept = false;
        for (const auto& entry : std::filesystem::directory_iterator(directory.path()))
            if (entry.path().filename().native().find(".diverged-") != std::string::npos)
                is_kept = is_kept || bytes_of(entry.path()) == before;
        CHECK(is_kept);
        bus.close();
    }
};

// db and -wal as the power cut left them, beside the lock file as it was in the page cache, or as it was on the disk.
Image after_power_cut(const Story& story, bool lock_file_is_new) {
    Image image = story.at_four;
    image.erase("-shm");
    if (lock_file_is_new) image[".lock"] = story.at_six.at(".lock");
    return image;
}

}  // namespace

TEST_CASE("other history: with NORMAL a power cut is no alarm, and whatever was kept of the lost events has diverged",
          "[history]") {
    const bool lock_file_is_new = GENERATE(true, false);
    Story story(Durability::normal);
    lay_out(after_power_cut(story, lock_file_is_new), story.path);
    EventStore store = story.open();
    CHECK(store.warnings().empty());
    REQUIRE(store.head().seq == Sequence{4});
    story.check_keepers(store);
    story.append(store, 5, 5, "other");
    story.check_keepers(store);
    story.append(store, 6, 7, "other");  // now other events have the lost ones' seqs
    story.check_keepers(store);
    story.check_journal(store);
    store.close();
    CHECK(story.open().warnings().empty());
}

TEST_CASE("other history: with NORMAL a tail that was lost before the last checkpoint is an alarm", "[history]") {
    Story story(Durability::normal);
    {
        EventStore store = story.open();  // its close moved all six into the file and marked them
        CHECK(store.warnings().empty());
        store.close();
    }
    const std::string lock = bytes_of(story.path.native() + ".lock");
    Image image = after_power_cut(story, false);
    image[".lock"] = lock;
    lay_out(image, story.path);
    EventStore store = story.open();
    REQUIRE(store.warnings().size() == 1);
    CHECK(code_of([&] { story.append(store, 5, 5); }) == ErrorCode::log_behind_mark);
}

TEST_CASE(
    "other history: a backup restored over the log is found by the mark; once accepted, all keepers have diverged",
    "[history]") {
    const Durability durability = GENERATE(Durability::full, Durability::normal);
    Story story(durability);
    const std::string lock = bytes_of(story.path.native() + ".lock");
    lay_out({{"", bytes_of(story.directory / "backup.db")}, {".lock", lock}}, story.path);
    {
        EventStore store = story.open();
        CHECK(store.warnings().size() == 1);
        CHECK(store.head().seq == Sequence{4});
        CHECK(code_of([&] { story.append(store, 5, 5, "other"); }) == ErrorCode::log_behind_mark);
        store.close();
    }
    static_cast<void>(accept_loss(story.path, opened_as(Access::read_write, durability)));
    EventStore store = story.open();
    CHECK(store.warnings().empty());
    story.check_keepers(store);
    story.append(store, 5, 7, "other");
    story.check_keepers(store);
    story.check_journal(store);
}

TEST_CASE("other history: a backup in a place of its own is no alarm, and goes on as the same store", "[history]") {
    Story story(Durability::full);
    const std::filesystem::path restored = story.directory / "restored.db";
    std::filesystem::copy_file(story.directory / "backup.db", restored);
    story.path = restored;
    EventStore store = story.open();
    CHECK(store.warnings().empty());
    CHECK(store.store_id() == story.head.store_id);
    story.append(store, 5, 6, "other");
    CHECK(code_of([&] {
              Subscription subscription = store.subscribe({.after = story.head.position()});
              static_cast<void>(subscription.next(std::chrono::milliseconds(0)));
          }) == ErrorCode::history_diverged);
    CHECK(code_of([&] { project_into(store.reader(), sum(), story.state); }) == ErrorCode::history_diverged);
}

TEST_CASE("other history: a log made anew beside what an older one left is no alarm, and takes nothing of it",
          "[history]") {
    Story story(Durability::full);
    std::filesystem::remove(story.path);
    EventStore store = story.open();
    CHECK(store.warnings().empty());
    CHECK(store.head().seq == Sequence{0});
    CHECK(store.store_id() != story.head.store_id);
    story.append(store, 1, 7);
    CHECK(code_of([&] { project_into(store.reader(), sum(), story.state); }) == ErrorCode::target_exists);
    SnapshotFile snapshots(story.path);
    CHECK_FALSE(project(store.reader(), sum(), {.snapshots = &snapshots}).report.from_snapshot);
    CHECK(code_of([&] {
              Subscription subscription = store.subscribe({.after = story.head.position()});
              static_cast<void>(subscription.next(std::chrono::milliseconds(0)));
          }) == ErrorCode::history_diverged);
    const JournalComparison comparison = compare_journal(store.reader(), story.journal);
    REQUIRE_FALSE(comparison.ok());
    CHECK(comparison.problems[0].code == "journal_other_store");
    story.check_journal(store);
    store.close();
    CHECK(story.open().warnings().empty());
}

}  // namespace daybook
