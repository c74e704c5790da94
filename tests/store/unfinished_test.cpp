// Rows of event_results_log, unfinished handlers, claims and owners.
#include <daybook/store/unfinished.hpp>

#include <catch2/catch.hpp>

#include <atomic>
#include <thread>

#include <daybook/store/verify.hpp>

#include "store/chain.hpp"
#include "store/test_store.hpp"

namespace daybook {

namespace {

using test::code_of;
using test::message_of;
using test::query;
using test::TestStore;

// A store with one event, "id-1", and a pending row of handler "score" on bus "main".
struct OneHandler {
    TestStore test;
    EventStore store = test.open();
    std::unique_ptr<OwnerLock> owner = store.hold_owner_lock();

    OneHandler() { append("id-1"); }

    void append(const std::string& id, bool recoverable = true) {
        AppendRequest request;
        NewEvent event;
        event.type = "thing:happened";
        event.id = id;
        request.events.push_back(event);
        request.pending.push_back({.event_index = 0,
                                   .bus = "main",
                                   .handler = "score",
                                   .owner = owner ? owner->name() : "gone",
                                   .recoverable = recoverable});
        store.append(std::move(request));
    }
    [[nodiscard]] NewResult result(ResultStatus status, std::uint32_t attempt = 1) const {
        NewResult made;
        made.event_id = "id-1";
        made.bus = "main";
        made.handler = "score";
        made.attempt = attempt;
        made.status = status;
        made.owner = "owner-x";
        return made;
    }
    EventResult write(const NewResult& row) { return store.append_results({row}).at(0); }
};

}  // namespace

TEST_CASE("results: a committed row can be read back field by field", "[results]") {
    OneHandler test;
    NewResult row = test.result(ResultStatus::completed);
    row.result = R"({ "goals" : 1 })";
    row.error_type = "none";
    row.error_message = "";
    row.started_at = Timestamp{5};
    row.finished_at = Timestamp{9};
    row.emitted = {"id-2", "id-3"};
    row.note = "a re-run";
    const EventResult written = test.write(row);
    CHECK(written.result_seq == ResultSequence{2});
    CHECK(written.event_seq == Sequence{1});
    CHECK(written.result == R"({"goals":1})");
    CHECK(written.events_head == Sequence{1});
    CHECK(written.recorded_at == test.test.clock->now());
    CHECK(test.store.reader().results_of(Sequence{1}).at(1) == written);
    CHECK(test.store.head().result_digest == written.digest);
}

TEST_CASE("results: their chain is that of the stored rows", "[results]") {
    OneHandler test;
    const EventResult pending = test.store.reader().results_of(Sequence{1}).at(0);
    const EventResult written = test.write(test.result(ResultStatus::completed));
    ResultFields fields;
    fields.result_seq = ResultSequence{2};
    fields.event_seq = Sequence{1};
    fields.event_id = "id-1";
    fields.bus = "main";
    fields.handler = "score";
    fields.status = "completed";
    fields.owner = "owner-x";
    fields.emitted = "[]";
    fields.events_head = Sequence{1};
    fields.recorded_at = written.recorded_at;
    CHECK(chain_result(pending.digest, test.store.store_id(), fields) == written.digest);
}

TEST_CASE("results: a result of no such event is refused, and nothing of its call is written", "[results]") {
    OneHandler test;
    NewResult unknown = test.result(ResultStatus::completed);
    unknown.event_id = "nobody";
    CHECK(code_of([&] {
              return test.store.append_results({test.result(ResultStatus::completed), unknown});
          }) == ErrorCode::not_found);
    CHECK(test.store.head().result_seq == ResultSequence{1});
}

TEST_CASE("results: a row that is there already is refused", "[results]") {
    OneHandler test;
    test.write(test.result(ResultStatus::started));
    CHECK_THAT(message_of([&] { return test.write(test.result(ResultStatus::started)); }),
               Catch::Contains("there already") && Catch::Contains("[invalid_argument]"));
    CHECK(code_of([&] {
              return test.store.append_results({test.result(ResultStatus::error), test.result(ResultStatus::error)});
          }) == ErrorCode::invalid_argument);
}

TEST_CASE("results: an attempt ends once, and only late may follow", "[results]") {
    OneHandler test;
    test.write(test.result(ResultStatus::timeout));
    CHECK_THAT(message_of([&] { return test.write(test.result(ResultStatus::completed)); }),
               Catch::Contains("has ended already"));
    CHECK(test.write(test.result(ResultStatus::late)).status == ResultStatus::late);
    CHECK(code_of([&] {
              return test.store.append_results(
                  {test.result(ResultStatus::error, 2), test.result(ResultStatus::completed, 2)});
          }) == ErrorCode::invalid_argument);
}

TEST_CASE("results: an attempt that ends does not begin again in the same call", "[results]") {
    OneHandler test;
    for (const ResultStatus again : {ResultStatus::pending, ResultStatus::started})
        CHECK_THAT(
            message_of([&] {
                return test.store.append_results({test.result(ResultStatus::completed, 2), test.result(again, 2)});
            }),
            Catch::Contains("ends earlier in the same call") && Catch::Contains("[invalid_argument]"));
    CHECK(test.store.head().result_seq == ResultSequence{1});
}

TEST_CASE("results: an earlier attempt does not begin after a later one", "[results]") {
    OneHandler test;
    test.store.append_results({test.result(ResultStatus::pending, 3)}, true);
    CHECK_THAT(message_of([&] { return test.write(test.result(ResultStatus::pending, 2)); }),
               Catch::Contains("attempt 3 has begun already") && Catch::Contains("[invalid_argument]"));
}

TEST_CASE("results: what verify would refuse in an attempt is refused before it is written", "[results]") {
    OneHandler test;
    const auto refusal = [&](std::vector<NewResult> rows) {
        return message_of([&] { return test.store.append_results(rows); });
    };
    NewResult other = test.result(ResultStatus::completed);
    other.handler = "never-begun";
    CHECK_THAT(refusal({other}), Catch::Contains("has not begun") && Catch::Contains("[invalid_argument]"));
    CHECK_THAT(refusal({test.result(ResultStatus::started, 2)}), Catch::Contains("has not begun"));
    CHECK_THAT(refusal({test.result(ResultStatus::late)}), Catch::Contains("has no outcome yet"));
    CHECK_THAT(refusal({test.result(ResultStatus::pending, 3)}), Catch::Contains("there is no attempt 2"));
    CHECK(test.store.head().result_seq == ResultSequence{1});

    NewResult begun = other;
    begun.status = ResultStatus::pending;
    NewResult late = other;
    late.status = ResultStatus::late;
    NewResult again = begun;
    again.attempt = 2;
    test.store.append_results({begun, other, late, again});
    CHECK(verify(test.test.path).problems == std::vector<VerifyProblem>{});
}

TEST_CASE("results: bad values are refused", "[results]") {
    OneHandler test;
    const auto refused = [&](auto change) {
        NewResult row = test.result(ResultStatus::completed);
        change(row);
        return code_of([&] { return test.write(row); });
    };
    CHECK(refused([](NewResult& row) { row.result = "{"; }) == ErrorCode::invalid_json);
    CHECK(refused([](NewResult& row) { row.error_message = "\xff"; }) == ErrorCode::invalid_utf8);
    CHECK(refused([](NewResult& row) { row.note = std::string((1 << 20) + 1, 'x'); }) == ErrorCode::too_large);
    CHECK(refused([](NewResult& row) { row.attempt = 0; }) == ErrorCode::invalid_argument);
    CHECK(refused([](NewResult& row) { row.handler = ""; }) == ErrorCode::invalid_name);
    CHECK(refused([](NewResult& row) { row.bus = "a\nb"; }) == ErrorCode::invalid_name);
    CHECK(refused([](NewResult& row) { row.owner = ""; }) == ErrorCode::invalid_name);
}

TEST_CASE("results: imported rows that are there already are passed over, the others are marked", "[results]") {
    OneHandler test;
    const std::vector<EventResult> written =
        test.store.append_results({test.result(ResultStatus::pending), test.result(ResultStatus::completed)}, true);
    REQUIRE(written.size() == 1);
    CHECK(written[0].status == ResultStatus::completed);
    CHECK(written[0].imported);
}

TEST_CASE("results: imported pending rows never become unfinished work", "[results]") {
    OneHandler test;
    NewResult row = test.result(ResultStatus::pending);
    row.handler = "elsewhere";
    CHECK(test.store.append_results({row}, true).size() == 1);
    REQUIRE(test.store.unfinished().size() == 1);
    CHECK(test.store.unfinished()[0].handler == "score");
}

TEST_CASE("results: an imported row of a later attempt ends the unfinished work of an earlier one", "[results]") {
    OneHandler test;
    REQUIRE(test.store.unfinished().size() == 1);
    const Unfinished stale = test.store.unfinished()[0];
    test.owner.reset();
    const auto status = GENERATE(ResultStatus::pending, ResultStatus::completed);
    test.store.append_results({test.result(status, 2)}, true);
    CHECK(test.store.unfinished().empty());
    const auto other = test.store.hold_owner_lock();
    CHECK_FALSE(test.store.claim(stale, *other));  // attempt 2 was begun elsewhere
    for (const auto& problem : verify(test.test.path).problems) CHECK(problem.code != "derived_unfinished_handlers");
}

TEST_CASE("results: events_head is the last event at the row's commit", "[results]") {
    OneHandler test;
    NewEvent event;
    event.type = "thing:happened";
    test.store.append(event);
    CHECK(test.write(test.result(ResultStatus::completed)).events_head == Sequence{2});
}

TEST_CASE("results: many threads that write results make one dense log of them", "[results]") {
    OneHandler test;
    std::vector<std::thread> running;
    for (int thread = 0; thread < 6; ++thread)
        running.emplace_back([&, thread] {
            for (std::uint32_t attempt = 1; attempt <= 30; ++attempt) {
                NewResult begun = test.result(ResultStatus::pending, attempt);
                begun.handler = "handler-" + std::to_string(thread);
                NewResult ended = begun;
                ended.status = ResultStatus::completed;
                test.store.append_results({begun, ended});
            }
        });
    for (std::thread& thread : running) thread.join();
    CHECK(test.store.head().result_seq == ResultSequence{361});
    CHECK(query(test.test.path, "SELECT count(*) FROM event_results_log") == 361);
}

TEST_CASE("unfinished: a handler is listed from its event's commit until it ends", "[unfinished]") {
    OneHandler test;
    const std::vector<Unfinished> listed = test.store.unfinished();
    REQUIRE(listed.size() == 1);
    CHECK(listed[0].event_seq == Sequence{1});
    CHECK(listed[0].event_id == "id-1");
    CHECK(listed[0].event_type == "thing:happened");
    CHECK(listed[0].bus == "main");
    CHECK(listed[0].handler == "score");
    CHECK(listed[0].attempt == 1);
    CHECK(listed[0].owner == test.owner->name());
    CHECK_FALSE(listed[0].owner_is_gone);
    CHECK_FALSE(listed[0].started);
    CHECK(listed[0].since == test.test.clock->now());
    test.write(test.result(ResultStatus::started));
    CHECK(test.store.unfinished()[0].started);
    test.write(test.result(ResultStatus::error));
    CHECK(test.store.unfinished().empty());
}

TEST_CASE("unfinished: every terminal status ends it, late does not begin it again", "[unfinished]") {
    for (const ResultStatus status : {ResultStatus::completed, ResultStatus::error, ResultStatus::timeout,
                                      ResultStatus::cancelled, ResultStatus::aborted}) {
        OneHandler test;
        test.write(test.result(status));
        CHECK(test.store.unfinished().empty());
        test.write(test.result(ResultStatus::late));
        CHECK(test.store.unfinished().empty());
    }
}

TEST_CASE("unfinished: it can be asked for one bus, oldest first", "[unfinished]") {
    OneHandler test;
    test.append("id-2");
    REQUIRE(test.store.unfinished("main").size() == 2);
    CHECK(test.store.unfinished("main")[0].event_id == "id-1");
    CHECK(test.store.unfinished("other").empty());
}

TEST_CASE("unfinished: a store that is open for reading sees whether the owner lives", "[unfinished]") {
    OneHandler test;
    EventStore reading = test.test.open(Access::read);
    CHECK_FALSE(reading.unfinished().at(0).owner_is_gone);
    test.owner.reset();
    CHECK(reading.unfinished().at(0).owner_is_gone);
}

TEST_CASE("claim: work of an owner that is gone is taken over as the next attempt", "[unfinished]") {
    OneHandler test;
    test.owner.reset();
    const auto mine = test.store.hold_owner_lock();
    const Unfinished work = test.store.unfinished().at(0);
    CHECK(work.owner_is_gone);
    const std::optional<EventResult> claimed = test.store.claim(work, *mine);
    REQUIRE(claimed);
    CHECK(claimed->status == ResultStatus::pending);
    CHECK(claimed->attempt == 2);
    CHECK(claimed->owner == mine->name());
    CHECK(claimed->event_id == "id-1");
    const Unfinished now = test.store.unfinished().at(0);
    CHECK(now.attempt == 2);
    CHECK(now.owner == mine->name());
    CHECK_FALSE(now.owner_is_gone);
}

TEST_CASE("claim: work of a living owner is left alone", "[unfinished]") {
    OneHandler test;
    const auto mine = test.store.hold_owner_lock();
    CHECK_FALSE(test.store.claim(test.store.unfinished().at(0), *mine));
    CHECK(test.store.head().result_seq == ResultSequence{1});
}

TEST_CASE("claim: work that was finished or claimed meanwhile is left alone", "[unfinished]") {
    OneHandler test;
    test.owner.reset();
    const Unfinished work = test.store.unfinished().at(0);
    const auto one = test.store.hold_owner_lock();
    const auto two = test.store.hold_owner_lock();
    REQUIRE(test.store.claim(work, *one));
    CHECK_FALSE(test.store.claim(work, *two));
    test.write(test.result(ResultStatus::completed, 2));
    CHECK_FALSE(test.store.claim(work, *two));
}

TEST_CASE("claim: of many threads that claim the same work one gets it", "[unfinished]") {
    OneHandler test;
    test.owner.reset();
    const Unfinished work = test.store.unfinished().at(0);
    std::atomic<int> got{0};
    std::vector<std::thread> running;
    for (int thread = 0; thread < 6; ++thread)
        running.emplace_back([&] {
            const auto mine = test.store.hold_owner_lock();
            if (test.store.claim(work, *mine)) {
                ++got;
                while (got < 100) std::this_thread::yield();  // lives until the others have tried
            } else {
                got += 20;
            }
        });
    for (std::thread& thread : running) thread.join();
    CHECK(got == 101);
}

TEST_CASE("claim: the end of an attempt that was taken over finishes nothing", "[unfinished]") {
    OneHandler test;
    test.owner.reset();
    const auto mine = test.store.hold_owner_lock();
    REQUIRE(test.store.claim(test.store.unfinished().at(0), *mine));
    test.write(test.result(ResultStatus::completed, 1));
    REQUIRE(test.store.unfinished().size() == 1);
    CHECK(test.store.unfinished()[0].attempt == 2);
    test.write(test.result(ResultStatus::completed, 2));
    CHECK(test.store.unfinished().empty());
}

TEST_CASE("claim: a handler that is not recoverable is listed, but cannot be claimed", "[unfinished]") {
    OneHandler test;
    test.write(test.result(ResultStatus::completed));
    test.append("id-2", false);
    test.owner.reset();
    const Unfinished work = test.store.unfinished().at(0);
    CHECK_FALSE(work.recoverable);
    const auto mine = test.store.hold_owner_lock();
    CHECK(code_of([&] { return test.store.claim(work, *mine); }) == ErrorCode::invalid_argument);
}

TEST_CASE("claim: work of a process that was killed can be taken over by another", "[unfinished]") {
    TestStore test;
    test::Child child([&] {
        EventStore store = test.open();
        const auto owner = store.hold_owner_lock();
        AppendRequest request;
        request.events.push_back({.type = "thing:happened"});
        request.pending.push_back({.event_index = 0, .bus = "main", .handler = "score", .owner = owner->name()});
        store.append(std::move(request));
        ::kill(::getpid(), SIGKILL);
        return 0;
    });
    CHECK(child.wait() == -SIGKILL);
    EventStore store = test.open();
    const Unfinished work = store.unfinished().at(0);
    CHECK(work.owner_is_gone);
    const auto mine = store.hold_owner_lock();
    CHECK(store.claim(work, *mine).has_value());
}

TEST_CASE("owner lock: each has a name of its own", "[unfinished]") {
    OneHandler test;
    const auto other = test.store.hold_owner_lock();
    CHECK(other->name() != test.owner->name());
    CHECK(Uuid::parse(other->name()).has_value());
}

}  // namespace daybook
