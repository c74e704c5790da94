// Given these events, when this is done, then these events were appended: tests of deciders and handlers on a real,
// temporary store with a clock that stands still. Works with any test framework.
#pragma once

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <daybook/store/event_store.hpp>
#include <daybook/testkit/fake_clock.hpp>
#include <daybook/testkit/seeded_random.hpp>
#include <daybook/testkit/temp_directory.hpp>

namespace daybook::testkit {

/// What then() throws: says which event differs, in which field, and both values.
class Mismatch : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

/// Thread-safety: one thread at a time.
class Scenario {
  public:
    Scenario();

    /// Appends events as history, in order.
    Scenario& given(std::vector<NewEvent> events);
    /// Does something with the store; what it appends is what then() looks at. Errors pass through.
    Scenario& when(const std::function<void(EventStore&)>& action);
    /// The events that when() appended are exactly these, compared by type, stream and payload (as JSON text, minified).
    /// Throws Mismatch.
    Scenario& then(const std::vector<NewEvent>& expected);
    /// when() appended nothing. Throws Mismatch.
    Scenario& then_nothing() { return then({}); }

    [[nodiscard]] EventStore& store() noexcept { return *store_; }
    [[nodiscard]] FakeClock& clock() noexcept { return *clock_; }

  private:
    TempDirectory directory_;
    std::shared_ptr<FakeClock> clock_ = std::make_shared<FakeClock>();
    std::unique_ptr<EventStore> store_;
    Sequence before_;
};

}  // namespace daybook::testkit
