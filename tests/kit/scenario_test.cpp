#include <catch2/catch.hpp>

#include <daybook/store/decider.hpp>
#include <daybook/testkit/scenario.hpp>

using namespace daybook;
using testkit::Mismatch;
using testkit::Scenario;

namespace {

void withdraw(EventStore& store, int amount) {
    (void)decide(
        store, "account-1", 0,
        [](int& balance, const EventView& event) { balance += event.type == "money:deposited" ? 10 : -10; },
        [amount](int balance) -> std::vector<NewEvent> {
            if (balance < amount) return {{.type = "withdrawal:refused"}};
            return {{.type = "money:withdrawn"}};
        });
}

}  // namespace

TEST_CASE("scenario: what a decider appended is compared with what was expected") {
    Scenario scenario;
    scenario.given({{.type = "money:deposited", .stream = "account-1"}})
        .when([](EventStore& store) { withdraw(store, 10); })
        .then({{.type = "money:withdrawn", .stream = "account-1"}});
    scenario.when([](EventStore& store) { withdraw(store, 10); })
        .then({{.type = "withdrawal:refused", .stream = "account-1"}});
}

TEST_CASE("scenario: another type, another payload, a missing and a surplus event are each named") {
    Scenario scenario;
    scenario.when([](EventStore& store) { store.append({.type = "a:b", .payload = R"({"n": 1})"}); });
    CHECK_NOTHROW(scenario.then({{.type = "a:b", .payload = R"({"n":1})"}}));
    CHECK_THROWS_WITH(scenario.then({{.type = "a:c"}}), "event 1 of 1: type is a:b instead of a:c");
    CHECK_THROWS_WITH(scenario.then({{.type = "a:b", .payload = "2"}}),
                      Catch::Contains("payload is {\"n\":1} instead of 2"));
    CHECK_THROWS_WITH(scenario.then_nothing(), "1 events were appended instead of 0");
    CHECK_THROWS_AS(scenario.then({{.type = "a:b", .payload = R"({"n":1})"}, {.type = "a:b"}}), Mismatch);
}
