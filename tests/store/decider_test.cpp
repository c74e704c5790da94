// decide(): load, fold, decide, append with the version that was read; again on conflict, a bounded number of times.
#include <daybook/store/decider.hpp>

#include <catch2/catch.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include <daybook/testkit/temp_directory.hpp>

namespace {

using namespace daybook;

struct Account {
    int balance = 0;
    int events = 0;
};

void fold(Account& account, const EventView& event) {
    account.balance += std::stoi(std::string(event.payload));
    ++account.events;
}

class DeciderFixture {
  public:
    EventStore& store() { return store_; }
    void deposit(int amount) {
        store_.append(NewEvent{.type = "account:changed", .payload = std::to_string(amount), .stream = "a"});
    }

  private:
    testkit::TempDirectory directory_;
    EventStore store_ = EventStore::open(directory_ / "log.daybook", {.access = Access::create});
};

NewEvent change(int amount) {
    return {.type = "account:changed", .payload = std::to_string(amount)};
}

}  // namespace

TEST_CASE("decide: the decision sees the stream's folded state and its events are appended to the stream",
          "[decider]") {
    DeciderFixture fixture;
    fixture.deposit(5);
    fixture.deposit(7);
    const auto decided = decide(fixture.store(), "a", Account{}, fold,
                                [](const Account& account) { return std::vector<NewEvent>{change(-account.balance)}; });
    CHECK(decided.state.balance == 12);
    CHECK(decided.state.events == 2);
    CHECK(decided.version == Version{3});
    CHECK(decided.attempts == 1);
    CHECK(fixture.store().find(Sequence{3})->stream == "a");
    CHECK(fixture.store().find(Sequence{3})->payload == "-12");
}

TEST_CASE("decide: events of other streams are not folded", "[decider]") {
    DeciderFixture fixture;
    fixture.store().append(NewEvent{.type = "account:changed", .payload = "100", .stream = "b"});
    const auto decided =
        decide(fixture.store(), "a", Account{}, fold, [](const Account&) { return std::vector<NewEvent>{change(1)}; });
    CHECK(decided.state.balance == 0);
    CHECK(decided.version == Version{1});
}

TEST_CASE("decide: a decision to do nothing appends nothing", "[decider]") {
    DeciderFixture fixture;
    fixture.deposit(5);
    const auto decided =
        decide(fixture.store(), "a", Account{}, fold, [](const Account&) { return std::vector<NewEvent>{}; });
    CHECK(decided.events.empty());
    CHECK(decided.version == Version{1});
    CHECK(fixture.store().head().seq == Sequence{1});
}

TEST_CASE("decide: when somebody appended meanwhile, it decides again on the new state", "[decider]") {
    DeciderFixture fixture;
    fixture.deposit(5);
    int calls = 0;
    const auto decided = decide(fixture.store(), "a", Account{}, fold, [&](const Account& account) {
        if (++calls == 1) fixture.deposit(10);
        return std::vector<NewEvent>{change(-account.balance)};
    });
    CHECK(decided.attempts == 2);
    CHECK(decided.state.balance == 15);
    CHECK(fixture.store().find(Sequence{3})->payload == "-15");
    CHECK(fixture.store().head().seq == Sequence{3});
}

TEST_CASE("decide: it gives up after attempts_max and names both versions", "[decider]") {
    DeciderFixture fixture;
    int calls = 0;
    const auto meddle = [&](const Account&) {
        ++calls;
        fixture.deposit(1);
        return std::vector<NewEvent>{change(1)};
    };
    CHECK_THROWS_WITH(decide(fixture.store(), "a", Account{}, fold, meddle, {.attempts_max = 3}),
                      Catch::Contains("[version_conflict]") && Catch::Contains("2") && Catch::Contains("3"));
    CHECK(calls == 3);
    CHECK(fixture.store().head().seq == Sequence{3});
}

TEST_CASE("decide: a number of attempts outside its limits is refused before anything is decided", "[decider]") {
    DeciderFixture fixture;
    bool decided = false;
    const auto decision = [&](const Account&) {
        decided = true;
        return std::vector<NewEvent>{};
    };
    const std::size_t attempts = GENERATE(0U, 1'001U);
    CHECK_THROWS_WITH(decide(fixture.store(), "a", Account{}, fold, decision, {.attempts_max = attempts}),
                      Catch::Contains("[invalid_argument]"));
    CHECK_FALSE(decided);
}

TEST_CASE("decide: an id that is in the log with other content is thrown, not retried", "[decider]") {
    DeciderFixture fixture;
    fixture.store().append(NewEvent{.type = "x:y", .payload = "1", .stream = "b", .id = "taken"});
    int calls = 0;
    const auto decision = [&](const Account&) {
        ++calls;
        NewEvent event = change(1);
        event.id = "taken";
        return std::vector<NewEvent>{event};
    };
    CHECK_THROWS_WITH(decide(fixture.store(), "a", Account{}, fold, decision),
                      Catch::Contains("[idempotency_conflict]"));
    CHECK(calls == 1);
}

TEST_CASE("decide: events that were appended before are not counted twice", "[decider]") {
    DeciderFixture fixture;
    const auto decision = [](const Account&) {
        NewEvent event = change(1);
        event.id = "once";
        return std::vector<NewEvent>{event};
    };
    CHECK(decide(fixture.store(), "a", Account{}, fold, decision).version == Version{1});
    fixture.deposit(1);
    CHECK(decide(fixture.store(), "a", Account{}, fold, decision).version == Version{2});
    CHECK(fixture.store().head().seq == Sequence{2});
}

TEST_CASE("decide: what the decision throws passes through, and nothing is written", "[decider]") {
    DeciderFixture fixture;
    const auto decision = [](const Account&) -> std::vector<NewEvent> { throw std::runtime_error("no money"); };
    CHECK_THROWS_WITH(decide(fixture.store(), "a", Account{}, fold, decision), "no money");
    CHECK(fixture.store().head().seq == Sequence{0});
}
