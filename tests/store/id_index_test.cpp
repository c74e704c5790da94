// Whether an id is in the log, for who reads it and for who appends it again.
#include "store/id_index.hpp"

#include <catch2/catch.hpp>

#include <random>
#include <string>
#include <vector>

#include <daybook/event/uuid.hpp>
#include <daybook/store/verify.hpp>

#include "store/event_store_impl.hpp"
#include "store/test_store.hpp"

using namespace daybook;
using test::TestStore;

namespace {

NewEvent event(std::string stream, std::string id = "") {
    NewEvent made;
    made.type = "thing:happened";
    made.stream = std::move(stream);
    made.id = std::move(id);
    made.payload = "{}";
    return made;
}

void require_verified(const TestStore& test) {
    const VerifyReport report = verify(test.path);
    for (const auto& problem : report.problems) UNSCOPED_INFO(problem.code << ": " << problem.message);
    REQUIRE(report.ok());
}

}  // namespace

TEST_CASE("ids: an id is found wherever its event is, by readers and by who appends it again", "[ids]") {
    TestStore test;
    StoreOptions options = test.options();
    options.run_events = 50;
    std::vector<std::string> ids;
    std::mt19937_64 random(7);
    const auto append_some = [&](EventStore& store, int count) {
        AppendRequest asked;
        for (; count > 0; --count) {
            asked.events.push_back(event("a"));
            const std::string number = std::to_string(random());
            switch (random() % 4) {
                case 0:
                    asked.events.back().id = "z" + number;
                    break;
                case 1:
                    asked.events.back().id = "A" + number;
                    break;
                case 2:
                    asked.events.back().id = uuid_v5(Uuid{}, number).to_string();
                    break;
                default:
                    break;  // the store makes one
            }
        }
        const Appended appended = store.append(std::move(asked));
        ids.insert(ids.end(), appended.ids.begin(), appended.ids.end());
    };
    EventStore first = EventStore::open(test.path, options);
    EventStore second = EventStore::open(test.path, options);
    for (int round = 0; round < 60; ++round) append_some(round % 7 < 4 ? first : second, 1 + round % 13);
    REQUIRE(test::query(test.path, "SELECT indexed_runs FROM store_info") > 5);
    require_verified(test);
    for (std::size_t index = 0; index < ids.size(); ++index) {
        CAPTURE(index, ids[index]);
        REQUIRE(first.find(ids[index]).value().seq.value == index + 1);
        NewEvent again = event("a");
        again.id = ids[index];
        REQUIRE(second.append(again).positions.front().seq.value == index + 1);
    }
    CHECK(first.head().seq.value == ids.size());
    CHECK_FALSE(first.find("nowhere"));
    CHECK_FALSE(first.find("00000000-0000-0000-0000-000000000000"));
}

TEST_CASE("ids: a UUID in capitals is another id than the same in small letters", "[ids]") {
    TestStore test;
    StoreOptions options = test.options();
    options.run_events = 1;
    EventStore store = EventStore::open(test.path, options);
    for (const char* id : {"0190163d-8694-739b-aea5-966c26f8ad91", "0190163D-8694-739B-AEA5-966C26F8AD91"}) {
        NewEvent made = event("a");
        made.id = id;
        store.append(made);
        store.append(event("b"));  // writes the run of the one before
    }
    CHECK(store.head().seq.value == 4);
    CHECK(store.find("0190163d-8694-739b-aea5-966c26f8ad91").value().seq.value == 1);
    CHECK(store.find("0190163D-8694-739B-AEA5-966C26F8AD91").value().seq.value == 3);
    require_verified(test);
}

TEST_CASE("ids: an id is free again after the batch that had it was refused", "[ids]") {
    TestStore test;
    EventStore store = test.open();
    store.append(event("a"));
    sqlite3_limit(store.impl().file.connection->handle(), SQLITE_LIMIT_LENGTH, 3'000);
    AppendRequest asked;
    asked.events = {event("a"), event("a")};
    asked.events.front().id = "mine";
    asked.events.back().payload = "\"" + std::string(5'000, 'x') + "\"";
    CHECK_THROWS_AS(store.append(asked), Error);
    CHECK_FALSE(store.find("mine"));
    NewEvent mine = event("b");
    mine.id = "mine";
    CHECK(store.append(mine).positions.front().seq.value == 2);
    require_verified(test);
}

TEST_CASE("ids: an id that leads to another event is an error, for readers and for who appends it", "[ids]") {
    TestStore test;
    StoreOptions options = test.options();
    options.run_events = 4;
    {
        EventStore store = EventStore::open(test.path, options);
        for (const char* id : {"a", "b", "c", "d", "e", "f"}) {
            NewEvent made = event("s");
            made.id = id;
            store.append(made);
        }
    }
    Connection(test.name(), {.writable = true}).execute("UPDATE event_ids SET seq = 3 WHERE id = 'b'");
    EventStore store = test.open();
    NewEvent again = event("s");
    again.id = "b";
    for (const std::string& told :
         {test::message_of([&] { return store.find("b"); }), test::message_of([&] { return store.append(again); })})
        CHECK_THAT(told, Catch::Contains("'b'") && Catch::Contains("event 3") && Catch::Contains("run verify"));
}

TEST_CASE("ids: two events with one id behind the runs are told to who wants to write", "[ids]") {
    TestStore test;
    {
        EventStore store = test.open();
        for (int count = 0; count < 2; ++count) store.append(event("s"));
    }
    {
        Connection other(test.name(), {.writable = true});
        sqlite3_db_config(other.handle(), SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
        other.execute("UPDATE events_log SET event_id = 'twice'");
    }
    EventStore store = test.open();
    CHECK_THAT(test::message_of([&] { return store.append(event("s")); }),
               Catch::Contains("events 1 and 2 have one id, 'twice'") && Catch::Contains("run verify"));
}
