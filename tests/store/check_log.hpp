// Whether a store's log is what every log must be, by reading all of it again.
#pragma once

#include <catch2/catch.hpp>

#include <cstdint>
#include <map>
#include <string>

#include <daybook/store/event_store.hpp>

#include "store/chain.hpp"
#include "store/connection.hpp"

namespace daybook::test {

// Dense seqs and versions, times that never decrease, a chain that holds: by reading everything again.
inline void check_log(EventStore& store, std::uint64_t events) {
    EventCursor cursor = store.read();
    std::uint64_t seq = 0;
    Timestamp recorded_at{INT64_MIN};
    std::map<std::string, std::uint64_t> versions;
    while (const EventView* read = cursor.next()) {
        REQUIRE(read->seq.value == ++seq);
        REQUIRE(read->recorded_at >= recorded_at);
        recorded_at = read->recorded_at;
        REQUIRE(read->version.value == ++versions[std::string(read->stream)]);
    }
    CHECK(seq == events);
    CHECK(store.head().seq.value == events);
    Connection connection(store.path().string(), {});
    Statement rows = connection.prepare(
        "SELECT seq, event_id, type, event_version, stream, version, source, correlation_id, causation_id, occurred_at,"
        " recorded_at, tags, payload, metadata, salt, digest FROM events_log ORDER BY seq");
    Digest previous;
    while (rows.step()) {
        EventView view;
        view.seq = Sequence{rows.unsigned_integer(0)};
        view.id = rows.text(1);
        view.type = rows.text(2);
        view.event_version = rows.text(3);
        view.stream = rows.text(4);
        view.version = Version{rows.unsigned_integer(5)};
        view.source = rows.text(6);
        view.correlation_id = rows.optional_text(7);
        view.causation_id = rows.optional_text(8);
        view.occurred_at = Timestamp{rows.integer(9)};
        view.recorded_at = Timestamp{rows.integer(10)};
        view.tags = rows.text(11);
        view.metadata = rows.text(13);
        previous = chain_event(previous, store.store_id(), view, hash_payload(rows.blob(14), rows.text(12)));
        REQUIRE(previous == rows.digest(15));
    }
    CHECK(previous == store.head().digest);
}

/// Options with the machine's own clock and random bytes.
inline StoreOptions on_real_clock(Access access = Access::create) {
    StoreOptions options;
    options.access = access;
    return options;
}

}  // namespace daybook::test
