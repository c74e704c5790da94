// Damaged databases: a small real log whose db, -wal and lock file are patched, opened, read, verified and written to.
//
// Whatever was done to it: a log that verifies holds a prefix of what was appended, unchanged, and a log that lost its
// tail says so by its mark.
//
// Input: a byte of flags (1: the log of a killed writer; 2: -wal's checksums are made right again, so that its frames are
// used; 4: an event is appended afterwards), then patches of six bytes: file and kind, three bytes of place, two of value.
#include <array>
#include <cstring>
#include <string>
#include <vector>

#include <daybook/store/event_store.hpp>
#include <daybook/store/verify.hpp>

#include "fuzz/fuzz.hpp"
#include "fuzz/scratch.hpp"
#include "fuzz/small_log.hpp"

namespace daybook::fuzz {
namespace {

constexpr std::size_t page_bytes = 4'096;
constexpr std::size_t patches_max = 16;
constexpr std::size_t wal_header_bytes = 32;
constexpr std::size_t frame_header_bytes = 24;

// Most bytes of a database are zeros that nothing reads: a place counts among the others.
std::size_t used_place(const std::string& file, std::size_t nth) {
    std::size_t used = file.size() - static_cast<std::size_t>(std::count(file.begin(), file.end(), '\0'));
    if (used == 0) return 0;
    nth %= used;
    for (std::size_t at = 0; at < file.size(); ++at)
        if (file[at] != '\0' && nth-- == 0) return at;
    return 0;
}

void patch(SmallLog& log, Bytes bytes) {
    const unsigned what = bytes.byte();
    const auto place = static_cast<std::size_t>(bytes.number(3));
    const auto value = static_cast<std::size_t>(bytes.number(2));
    std::string& file = what % 8 < 5 ? log.database : what % 8 < 7 ? log.wal : log.lock;
    if (file.empty()) return;
    const std::size_t pages = (file.size() + page_bytes - 1) / page_bytes;
    const std::size_t at = place % file.size();
    switch (what / 8 % 8) {
        case 0:
            file[used_place(file, place)] = static_cast<char>(value);
            break;
        case 1:
            file[used_place(file, place)] ^= static_cast<char>(1U << value % 8);
            break;
        case 2:
            file[at] = static_cast<char>(value);
            break;
        case 3:
            file.resize(at);
            break;
        case 4:  // one page lies where another should, as a lost or misdirected write leaves it
            if (place % pages != value % pages)
                file.replace(place % pages * page_bytes, page_bytes,
                             file.substr(value % pages * page_bytes, page_bytes));
            break;
        case 5:
            std::fill_n(file.begin() + static_cast<std::ptrdiff_t>(at), std::min(value % 600, file.size() - at), '\0');
            break;
        case 6:
            for (std::size_t i = 0; i < 2 && at + i < file.size(); ++i)
                file[at + i] = static_cast<char>(value >> 8 * (1 - i));
            break;
        default:
            file.append(value % (2 * page_bytes), static_cast<char>(place));
            break;
    }
}

std::uint32_t word(const std::string& file, std::size_t at, bool big) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i)
        value |= std::uint32_t{static_cast<unsigned char>(file[at + i])} << 8 * (big ? 3 - i : i);
    return value;
}

// SQLite's checksum over each frame of a -wal and all before it. Source: sqlite.org/walformat.html
void make_checksums_right(std::string& wal) {
    if (wal.size() < wal_header_bytes) return;
    const bool big = (word(wal, 0, true) & 1U) != 0;
    std::array<std::uint32_t, 2> sum{};
    const auto add = [&](std::size_t from, std::size_t bytes) {
        for (std::size_t at = from; at < from + bytes; at += 8) {
            sum[0] += word(wal, at, big) + sum[1];
            sum[1] += word(wal, at + 4, big) + sum[0];
        }
    };
    const auto put = [&](std::size_t at) {
        for (std::size_t i = 0; i < 8; ++i) wal[at + i] = static_cast<char>(sum[i / 4] >> 8 * (3 - i % 4));
    };
    add(0, 24);
    put(24);
    for (std::size_t at = wal_header_bytes; at + frame_header_bytes + page_bytes <= wal.size();
         at += frame_header_bytes + page_bytes) {
        add(at, 8);
        add(at + frame_header_bytes, page_bytes);
        put(at + 16);
    }
}

struct Read {
    std::vector<Event> events;
    std::vector<EventResult> results;
    std::vector<std::string> warnings;
};

Read read_all(const std::filesystem::path& path) {
    EventStore store = EventStore::open(path, fixed_options(Access::read));
    Read read;
    read.warnings = store.warnings();
    const EventReader reader = store.reader();
    EventCursor events = reader.read();
    while (const EventView* event = events.next()) {
        read.events.push_back(event->to_event());
        require(read.events.back().seq.value == read.events.size(), "a cursor skips nothing silently");
        require(read.events.size() <= 1'000, "a cursor ends");
    }
    ResultCursor results = reader.results();
    while (const EventResult* result = results.next()) {
        read.results.push_back(*result);
        require(read.results.size() <= 1'000, "a cursor of results ends");
    }
    return read;
}

VerifyReport verified(const std::filesystem::path& path) {
    VerifyOptions options;
    options.store = fixed_options(Access::read);
    return verify(path, options);
}

// A trigger of ours that meets damaged rows refuses the append as it refuses a bug of ours.
Appended append_or_refuse(EventStore& store, AppendRequest request) {
    try {
        return store.append(std::move(request));
    } catch (const Error& error) {
        const bool by_trigger =
            std::string_view(error.what()).find("(constraint failed 1811)") != std::string_view::npos;
        if (error.code() == ErrorCode::internal && by_trigger) throw Error(ErrorCode::corrupt, error.what());
        throw;
    }
}

template <typename Row>
bool is_prefix(const std::vector<Row>& rows, const std::vector<Row>& of) {
    return rows.size() <= of.size() && std::equal(rows.begin(), rows.end(), of.begin());
}

// What is in the file now, if verify has nothing to say against it: all of it must be true.
void require_true(const std::filesystem::path& path, const SmallLog& truth, bool mark_is_whole) {
    const Outcome report{[&] { return verified(path); }};
    const Outcome read{[&] { return read_all(path); }};
    if (report)
        for (const VerifyProblem& problem : report->problems)
            require(find_invalid_utf8(problem.message) == std::string_view::npos, "a problem can be printed");
    if (!report || !report->ok()) return;
    require(read.ok(), fmt::format("a log that verifies can be read, {}", read.refusal()));
    require(is_prefix(read->events, truth.events), "a log that verifies holds the events that were appended");
    require(is_prefix(read->results, truth.results), "a log that verifies holds the results that were appended");
    require(report->events == read->events.size() && report->results == read->results.size(), "verify counts");
    if (mark_is_whole)
        require(read->events.size() == truth.events.size(), "a log that lost its tail does not verify beside its mark");
}

}  // namespace

void database(std::string_view input) {
    static Scratch scratch("database");
    Bytes bytes(input);
    const unsigned flags = bytes.byte();
    const SmallLog& base = (flags & 1U) != 0 ? killed_log() : closed_log();
    SmallLog log = base;
    for (std::size_t done = 0; done < patches_max && !bytes.empty(); ++done) patch(log, Bytes(bytes.text(6)));
    if ((flags & 2U) != 0) make_checksums_right(log.wal);
    const bool mark_is_whole = log.lock == base.lock;
    const std::filesystem::path path = scratch.fresh() / "log.db";
    log.write(path);
    require_true(path, base, mark_is_whole);
    if ((flags & 4U) == 0) return;

    // A writer takes it as it is, or refuses; what it appends stands behind what was there.
    const Outcome appended{[&] {
        EventStore store = EventStore::open(path, fixed_options(Access::read_write));
        NewEvent event;
        event.id = "after";
        event.type = "thing:happened";
        AppendRequest request;
        request.events.push_back(std::move(event));
        request.return_events = true;
        Appended answer = append_or_refuse(store, std::move(request));
        store.close();
        return answer.events.at(0);
    }};
    if (!appended) return;
    SmallLog truth = base;
    truth.events.resize(std::min<std::size_t>(truth.events.size(), static_cast<std::size_t>(appended->seq.value - 1)));
    truth.events.push_back(*appended);
    require_true(path, truth, false);
}

}  // namespace daybook::fuzz
