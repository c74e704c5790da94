// See the header.
#include "fuzz/small_log.hpp"

#include <fstream>
#include <iterator>
#include <memory>
#include <utility>

#include <daybook/store/event_store.hpp>
#include <daybook/testkit/fake_clock.hpp>
#include <daybook/testkit/seeded_random.hpp>

#include "fuzz/scratch.hpp"

namespace daybook::fuzz {
namespace {

std::string bytes_of(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

void append_some(EventStore& store, int from, int to) {
    for (int i = from; i < to; ++i) {
        NewEvent event;
        event.id = "id-" + std::to_string(i);
        event.type = i % 3 == 0 ? "order:placed" : "order:paid";
        event.stream = "order-" + std::to_string(i % 2);
        event.payload = R"({"n":)" + std::to_string(i) + R"(,"text":"some text that is long enough to be seen"})";
        if (i % 2 == 0) event.tags = {{"lane", "a"}};
        if (i > 0) event.causation_id = "id-" + std::to_string(i - 1);
        if (i % 4 == 0) event.correlation_id = "run";
        AppendRequest request;
        request.events.push_back(std::move(event));
        if (i % 2 == 1) request.pending.push_back({.bus = "bus", .handler = "mail", .owner = "owner"});
        store.append(std::move(request));
    }
    store.append_results({{.event_id = "id-" + std::to_string(from + 1),
                           .bus = "bus",
                           .handler = "mail",
                           .status = ResultStatus::completed,
                           .owner = "owner",
                           .result = "[1]"}});
}

SmallLog make(bool killed) {
    const Scratch scratch(killed ? "make-killed" : "make-closed");
    const std::filesystem::path path = scratch / "log.db";
    SmallLog log;
    EventStore store = EventStore::open(path, fixed_options(Access::create));
    append_some(store, 0, 6);
    store.save_checkpoint({.name = "reader", .head = store.head(), .updated_at = store.clock().now()}, {});
    static_cast<void>(store.checkpoint_wal());
    append_some(store, 6, 10);
    EventCursor events = store.read();
    while (const EventView* event = events.next()) log.events.push_back(event->to_event());
    ResultCursor results = store.reader().results();
    while (const EventResult* result = results.next()) log.results.push_back(*result);
    if (!killed) store.close();
    log.database = bytes_of(path);
    log.wal = bytes_of(path.string() + "-wal");
    log.lock = bytes_of(path.string() + ".lock");
    return log;
}

}  // namespace

void SmallLog::write(const std::filesystem::path& path) const {
    const auto write_one = [&path](const char* ending, const std::string& bytes) {
        if (!bytes.empty()) std::ofstream(path.string() + ending, std::ios::binary) << bytes;
    };
    write_one("", database);
    write_one("-wal", wal);
    write_one(".lock", lock);
}

const SmallLog& closed_log() {
    static const SmallLog log = make(false);
    return log;
}
const SmallLog& killed_log() {
    static const SmallLog log = make(true);
    return log;
}

StoreOptions fixed_options(Access access) {
    StoreOptions options;
    options.run_events = 3;
    options.access = access;
    options.clock = std::make_shared<testkit::FakeClock>();
    options.random = std::make_shared<testkit::SeededRandom>();
    return options;
}

}  // namespace daybook::fuzz
