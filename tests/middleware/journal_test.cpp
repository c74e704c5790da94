#include <catch2/catch.hpp>

#include <daybook/event/error.hpp>
#include <daybook/event/journal_record.hpp>
#include <daybook/middleware/journal.hpp>
#include <daybook/testkit/fake_clock.hpp>
#include <daybook/testkit/temp_directory.hpp>

#include "middleware/samples.hpp"

namespace daybook {

using testkit::contents;
using testkit::event_at;
using testkit::FakeClock;
using testkit::FaultyFiles;
using testkit::head_at;
using testkit::lines_of;
using testkit::result_at;
using testkit::write_contents;

namespace {

struct World {
    testkit::TempDirectory directory;
    std::string path = (directory / "app.jsonl").string();
    std::shared_ptr<FaultyFiles> files = std::make_shared<FaultyFiles>();
    std::shared_ptr<FakeClock> clock = std::make_shared<FakeClock>();
    std::vector<std::string> warnings;

    [[nodiscard]] JournalOptions options() {
        JournalOptions options;
        options.path = path;
        options.files = files;
        options.clock = clock;
        options.on_warning = [this](std::string_view warning) { warnings.emplace_back(warning); };
        return options;
    }
    /// A journal that holds events 1..n.
    void write(std::uint64_t events) {
        JournalMiddleware journal(options());
        journal.begin_at(head_at(0, 0), false);
        for (std::uint64_t seq = 1; seq <= events; ++seq) journal.feed(event_at(seq));
        journal.flush();
    }
};

}  // namespace

TEST_CASE("journal: a new one begins with a header, then one sealed line for each record in the order it was fed") {
    World world;
    JournalMiddleware journal(world.options());
    REQUIRE(journal.position());
    CHECK(journal.position()->is_new);
    CHECK(journal.name() == "journal:" + world.path);
    journal.begin_at(head_at(0, 0), false);
    journal.feed(event_at(1));
    journal.feed(result_at(1, 1, ResultStatus::pending));
    journal.feed(event_at(2));
    journal.flush();
    const std::vector<std::string> lines = lines_of(world.path);
    REQUIRE(lines.size() == 4);
    const JournalRecord header = decode_journal_record(lines[0]);
    CHECK(std::get<JournalHeader>(header).store_id == head_at(0, 0).store_id);
    CHECK(std::get<Event>(decode_journal_record(lines[1])) == event_at(1));
    CHECK(std::get<EventResult>(decode_journal_record(lines[2])) == result_at(1, 1, ResultStatus::pending));
    CHECK(std::get<Event>(decode_journal_record(lines[3])).seq == Sequence{2});
    CHECK(journal.position()->head == head_at(2, 1));
}

TEST_CASE("journal: opened again it goes on where it ended") {
    World world;
    world.write(3);
    JournalMiddleware journal(world.options());
    CHECK_FALSE(journal.position()->is_new);
    CHECK(journal.position()->head == head_at(3, 0));
    journal.feed(event_at(4));
    journal.flush();
    CHECK(lines_of(world.path).size() == 5);
    CHECK(world.warnings.empty());
}

TEST_CASE("journal: a last line that stops short is cut off at every length, loudly") {
    World world;
    world.write(2);
    const std::string whole = contents(world.path);
    const std::size_t last = whole.rfind('\n', whole.size() - 2) + 1;
    for (std::size_t bytes = last + 1; bytes < whole.size(); bytes += 37) {
        write_contents(world.path, whole.substr(0, bytes));
        world.warnings.clear();
        const JournalMiddleware journal(world.options());
        CHECK(contents(world.path) == whole.substr(0, last));
        CHECK(journal.status().head == head_at(1, 0));
        CHECK(journal.status().torn_bytes == bytes - last);
        REQUIRE(world.warnings.size() == 1);
        CHECK(world.warnings[0].find(world.path) != std::string::npos);
    }
}

TEST_CASE("journal: a damaged record in the middle is an error that names file, line and byte, and changes nothing") {
    World world;
    world.write(3);
    std::string text = contents(world.path);
    const std::size_t second = text.find('\n') + 1;
    const std::size_t third = text.find('\n', second) + 1;
    text[third + 60] = text[third + 60] == 'x' ? 'y' : 'x';
    write_contents(world.path, text);
    try {
        const JournalMiddleware journal(world.options());
        FAIL("accepted");
    } catch (const Error& error) {
        CHECK(error.code() == ErrorCode::corrupt);
        const std::string what = error.what();
        CHECK(what.find(world.path) != std::string::npos);
        CHECK(what.find("line 3 at byte " + std::to_string(third)) != std::string::npos);
    }
    CHECK(contents(world.path) == text);
}

TEST_CASE("journal: a whole last line that is damaged is damage, not a torn tail") {
    World world;
    world.write(2);
    std::string text = contents(world.path);
    text[text.size() - 5] = text[text.size() - 5] == '0' ? '1' : '0';
    write_contents(world.path, text);
    CHECK_THROWS_AS(JournalMiddleware(world.options()), Error);
    CHECK(contents(world.path) == text);
}

// Found by crash images: a power loss may keep a later line of an unsynced batch and lose an earlier one.
TEST_CASE("journal: damage behind the last sync is a tail that a power loss has left, whatever lies behind it") {
    World world;
    world.write(2);
    const std::size_t synced = contents(world.path).size();
    JournalOptions options = world.options();
    options.sync = JournalSync::never;
    {
        JournalMiddleware journal(options);
        journal.feed(event_at(3));
        journal.feed(event_at(4));
        journal.feed(event_at(5));
        journal.flush();
    }
    std::string text = contents(world.path);
    text[synced + 60] = text[synced + 60] == 'x' ? 'y' : 'x';
    write_contents(world.path, text);
    JournalMiddleware journal(options);
    CHECK(journal.position()->head.seq == Sequence{2});
    CHECK(journal.status().torn_bytes == text.size() - synced);
    CHECK(contents(world.path).size() == synced);
}

TEST_CASE("journal: the longest record that a log takes is read back") {
    World world;
    EventResult result = result_at(1, 1);
    result.error_type = result.error_message = result.note = std::string(Limits{}.payload_bytes_max, '\x01');
    {
        JournalMiddleware journal(world.options());
        journal.begin_at(head_at(0, 0), false);
        journal.feed(event_at(1));
        journal.feed(result);
        journal.flush();
    }
    CHECK(contents(world.path).size() > 18 * Limits{}.payload_bytes_max);
    CHECK(JournalMiddleware(world.options()).position()->head == head_at(1, 1));
}

TEST_CASE("journal: a record that is missing in the middle is damage") {
    World world;
    world.write(3);
    const std::vector<std::string> lines = lines_of(world.path);
    write_contents(world.path, lines[0] + "\n" + lines[1] + "\n" + lines[3] + "\n");
    try {
        const JournalMiddleware journal(world.options());
        FAIL("accepted");
    } catch (const Error& error) {
        CHECK(std::string(error.what()).find("event seq 3 follows seq 1") != std::string::npos);
    }
}

TEST_CASE("journal: a kill while the first file was begun leaves a new journal") {
    World world;
    for (const std::string& left : {std::string(), std::string("{\"journal\":\"hea")}) {
        write_contents(world.path, left);
        JournalMiddleware journal(world.options());
        CHECK(journal.position()->is_new);
        journal.begin_at(head_at(0, 0), false);
        journal.feed(event_at(1));
        journal.flush();
        CHECK(lines_of(world.path).size() == 2);
        journal.close();
        std::filesystem::remove(world.path);
    }
}

TEST_CASE("journal: a file that is not a journal is left alone") {
    World world;
    for (const std::string& other :
         {std::string("my diary"), std::string("SQLite format 3\0", 16), std::string("line\n")}) {
        write_contents(world.path, other);
        CHECK_THROWS_AS(JournalMiddleware(world.options()), Error);
        CHECK(contents(world.path) == other);
    }
}

TEST_CASE("journal: at its size it goes on in a new file, and each file says where it continues") {
    World world;
    JournalOptions options = world.options();
    options.rotate_bytes = 4096;
    JournalMiddleware journal(options);
    journal.begin_at(head_at(0, 0), false);
    for (std::uint64_t seq = 1; seq <= 40; ++seq) {
        journal.feed(event_at(seq));
        journal.feed(result_at(seq, seq));
        journal.flush();
    }
    const std::vector<std::string> names = JournalMiddleware::files_of(*world.files, world.path);
    REQUIRE(names.size() > 2);
    CHECK(names.back() == world.path);
    CHECK(names[0] == world.path + ".000000000001-000000000001");
    CHECK(journal.status().rotations == names.size() - 1);
    std::uint64_t seq = 0;
    std::uint64_t result_seq = 0;
    for (const std::string& name : names) {
        CHECK(contents(name).size() <= 4096);
        const std::vector<std::string> lines = lines_of(name);
        const JournalRecord first = decode_journal_record(lines[0]);
        CHECK(std::get<JournalHeader>(first).after_seq == Sequence{seq});
        CHECK(std::get<JournalHeader>(first).after_digest == head_at(seq, 0).digest);
        CHECK(std::get<JournalHeader>(first).after_result_seq == ResultSequence{result_seq});
        for (std::size_t line = 1; line < lines.size(); ++line) {
            const JournalRecord record = decode_journal_record(lines[line]);
            if (const auto* event = std::get_if<Event>(&record)) REQUIRE(event->seq.value == ++seq);
            if (const auto* result = std::get_if<EventResult>(&record))
                REQUIRE(result->result_seq.value == ++result_seq);
        }
    }
    CHECK(seq == 40);
    CHECK(result_seq == 40);
    journal.close();

    // Killed after the rename and before the new file: the last closed file says where to go on.
    std::filesystem::remove(world.path);
    const std::string newest = names[names.size() - 2];
    JournalMiddleware again(options);
    CHECK_FALSE(again.position()->is_new);
    const std::uint64_t at = again.position()->head.seq.value;
    CHECK(at > 0);
    CHECK(at < 40);
    again.feed(event_at(at + 1));
    again.flush();
    const std::vector<std::string> lines = lines_of(world.path);
    CHECK(std::get<JournalHeader>(decode_journal_record(lines[0])).after_seq == Sequence{at});
}

TEST_CASE("journal: a full disk loses nothing and leaves nothing half written") {
    World world;
    JournalMiddleware journal(world.options());
    journal.begin_at(head_at(0, 0), false);
    journal.feed(event_at(1));
    journal.flush();
    const std::string before = contents(world.path);
    world.files->full = true;
    world.files->bytes_before_full = 25;
    journal.feed(event_at(2));
    CHECK_THROWS_AS(journal.flush(), Error);
    CHECK(contents(world.path) == before);
    CHECK(journal.position()->head == head_at(1, 0));
    CHECK(journal.status().failures == 1);
    world.files->full = false;
    // Fed again from its position.
    journal.feed(event_at(2));
    journal.feed(event_at(3));
    journal.flush();
    CHECK(lines_of(world.path).size() == 4);
    CHECK(journal.position()->head == head_at(3, 0));
}

TEST_CASE("journal: what a failed sync covered is cut off and fed again") {
    World world;
    JournalMiddleware journal(world.options());
    journal.begin_at(head_at(0, 0), false);
    world.files->sync_fails = true;
    journal.feed(event_at(1));
    CHECK_THROWS_AS(journal.flush(), Error);
    CHECK(lines_of(world.path).size() == 1);
    CHECK(journal.position()->head == head_at(0, 0));
    world.files->sync_fails = false;
    journal.feed(event_at(1));
    journal.flush();
    CHECK(lines_of(world.path).size() == 2);
}

TEST_CASE("journal: one whose first sync failed is begun again when the disk is well") {
    World world;
    JournalMiddleware journal(world.options());
    world.files->sync_fails = true;
    CHECK_THROWS_AS(journal.begin_at(head_at(0, 0), false), Error);
    CHECK(journal.position()->is_new);
    world.files->sync_fails = false;
    journal.begin_at(head_at(0, 0), false);
    journal.feed(event_at(1));
    journal.flush();
    CHECK(lines_of(world.path).size() == 2);
}

TEST_CASE("journal: when the sync of a new file fails at a rotation, it goes on there when the disk is well") {
    World world;
    JournalOptions options = world.options();
    options.rotate_bytes = 4096;
    options.sync = JournalSync::on_close;
    JournalMiddleware journal(options);
    journal.begin_at(head_at(0, 0), false);
    Event large = event_at(1);
    large.payload = '"' + std::string(4096, 'x') + '"';
    journal.feed(large);
    journal.flush();
    // The old file is synced before it is renamed; the new one's header is what fails.
    world.files->syncs_before_failure = 1;
    world.files->sync_fails = true;
    journal.feed(event_at(2));
    CHECK_THROWS_AS(journal.flush(), Error);
    CHECK(journal.status().rotations == 1);
    CHECK(journal.position()->head == head_at(1, 0));
    world.files->sync_fails = false;
    journal.feed(event_at(2));
    journal.flush();
    CHECK(journal.position()->head == head_at(2, 0));
    CHECK(lines_of(world.path).size() == 2);
}

TEST_CASE("journal: begun by one of two buses that share it, it is not begun again by the other") {
    World world;
    JournalMiddleware journal(world.options());
    journal.begin_at(head_at(0, 0), false);
    journal.feed(event_at(1));
    journal.flush();
    journal.begin_at(head_at(0, 0), false);
    CHECK(journal.status().set_aside.empty());
    CHECK(journal.position()->head == head_at(1, 0));
    CHECK(lines_of(world.path).size() == 2);
}

TEST_CASE("journal: it syncs when its policy says so, and the directory when a file is made") {
    World world;
    JournalOptions options = world.options();
    const auto syncs_of = [&](JournalSync sync, int& at_flush, int& at_close) {
        options.sync = sync;
        JournalMiddleware journal(options);
        journal.begin_at(head_at(0, 0), false);
        world.files->syncs = 0;
        journal.feed(event_at(1));
        journal.flush();
        journal.feed(event_at(2));
        journal.flush();
        at_flush = world.files->syncs;
        journal.close();
        at_close = world.files->syncs - at_flush;
        std::filesystem::remove(world.path);
    };
    int at_flush = 0;
    int at_close = 0;
    syncs_of(JournalSync::every_flush, at_flush, at_close);
    CHECK(at_flush == 2);
    CHECK(at_close == 0);
    CHECK(world.files->directory_syncs == 1);
    syncs_of(JournalSync::on_close, at_flush, at_close);
    CHECK(at_flush == 0);
    CHECK(at_close == 1);
    syncs_of(JournalSync::never, at_flush, at_close);
    CHECK(at_flush == 0);
    CHECK(at_close == 0);
    CHECK(world.files->directory_syncs == 3);
}

TEST_CASE("journal: a second writer stands by, says so, and takes over when the first is gone") {
    World world;
    auto first = std::make_unique<JournalMiddleware>(world.options());
    first->begin_at(head_at(0, 0), false);
    first->feed(event_at(1));
    first->flush();
    JournalMiddleware second(world.options());
    CHECK(second.status().stands_by);
    REQUIRE(second.position());
    CHECK(second.position()->stands_by);
    CHECK_THROWS_AS(second.feed(event_at(2)), Error);
    REQUIRE(world.warnings.size() == 1);
    CHECK(world.warnings[0].find("standing by") != std::string::npos);
    first.reset();
    CHECK(second.position()->stands_by);  // not before lock_retry has passed
    world.clock->advance(std::chrono::seconds(1));
    CHECK_FALSE(second.position()->stands_by);
    CHECK(second.position()->head == head_at(1, 0));
    second.feed(event_at(2));
    second.flush();
    CHECK(lines_of(world.path).size() == 3);
}

TEST_CASE("journal: one that has diverged is set aside whole and begun anew, loudly") {
    World world;
    JournalOptions options = world.options();
    options.rotate_bytes = 4096;
    JournalMiddleware journal(options);
    journal.begin_at(head_at(0, 0), false);
    for (std::uint64_t seq = 1; seq <= 20; ++seq) {
        journal.feed(event_at(seq));
        journal.flush();
    }
    const std::vector<std::string> before = JournalMiddleware::files_of(*world.files, world.path);
    REQUIRE(before.size() > 1);
    const std::string newest = contents(world.path);
    journal.begin_at(head_at(0, 0), true);
    CHECK(JournalMiddleware::files_of(*world.files, world.path) == std::vector<std::string>{world.path});
    CHECK(lines_of(world.path).size() == 1);
    const std::vector<std::string> aside = journal.status().set_aside;
    REQUIRE(aside.size() == before.size());
    CHECK(aside.back() == world.path + ".diverged-20260131T120000.000000000Z");
    CHECK(contents(aside.back()) == newest);
    CHECK(world.warnings.size() == before.size());
    CHECK(world.warnings[0].find("set aside") != std::string::npos);
    journal.feed(event_at(1));
    journal.flush();
    CHECK(journal.position()->head == head_at(1, 0));
}

TEST_CASE("journal: a record fed twice is kept once, one out of turn is refused") {
    World world;
    JournalMiddleware journal(world.options());
    journal.begin_at(head_at(0, 0), false);
    journal.feed(event_at(1));
    journal.feed(event_at(1));
    CHECK_THROWS_AS(journal.feed(event_at(3)), Error);
    CHECK_THROWS_AS(journal.feed(result_at(2, 1)), Error);
    journal.flush();
    CHECK(lines_of(world.path).size() == 2);
}

TEST_CASE("journal: after close nothing is written, and the lock is free") {
    World world;
    world.write(1);
    JournalMiddleware journal(world.options());
    journal.close();
    CHECK_NOTHROW(journal.close());
    CHECK_THROWS_AS(journal.feed(event_at(2)), Error);
    const JournalMiddleware other(world.options());
    CHECK_FALSE(other.status().stands_by);
    CHECK(lines_of(world.path).size() == 2);
}

TEST_CASE("journal: memory is bounded: a full buffer is written without waiting for flush") {
    World world;
    JournalOptions options = world.options();
    options.buffer_bytes_max = 4096;
    JournalMiddleware journal(options);
    journal.begin_at(head_at(0, 0), false);
    for (std::uint64_t seq = 1; seq <= 50; ++seq) journal.feed(event_at(seq));
    CHECK(lines_of(world.path).size() > 30);
}

TEST_CASE("journal: options out of bounds are named together") {
    JournalOptions options;
    options.rotate_bytes = 1;
    options.buffer_bytes_max = 1;
    options.lock_retry = std::chrono::milliseconds(-1);
    try {
        options.validate();
        FAIL("accepted");
    } catch (const Error& error) {
        const std::string what = error.what();
        for (const char* fault : {"path", "rotate_bytes", "buffer_bytes_max", "lock_retry"}) {
            INFO(fault);
            CHECK(what.find(fault) != std::string::npos);
        }
    }
}

}  // namespace daybook
