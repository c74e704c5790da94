#include <daybook/testkit/scenario.hpp>

#include <fmt/format.h>

#include <utility>

namespace daybook::testkit {

Scenario::Scenario() {
    store_ = std::make_unique<EventStore>(
        EventStore::open(directory_ / "scenario.db",
                         {.access = Access::create, .clock = clock_, .random = std::make_shared<SeededRandom>()}));
}

Scenario& Scenario::given(std::vector<NewEvent> events) {
    for (NewEvent& event : events) store_->append(std::move(event));
    before_ = store_->head().seq;
    return *this;
}

Scenario& Scenario::when(const std::function<void(EventStore&)>& action) {
    before_ = store_->head().seq;
    action(*store_);
    return *this;
}

Scenario& Scenario::then(const std::vector<NewEvent>& expected) {
    EventCursor cursor = store_->read({.from_seq = Sequence{before_.value + 1}});
    std::size_t count = 0;
    while (const EventView* event = cursor.next()) {
        const std::size_t index = count++;
        if (index >= expected.size()) continue;  // counted, and reported below
        const NewEvent want = checked(expected[index]);
        const auto compare = [&](std::string_view field, std::string_view got, std::string_view wanted) {
            if (got != wanted)
                throw Mismatch(fmt::format("event {} of {}: {} is {} instead of {}", index + 1, expected.size(), field,
                                           got, wanted));
        };
        compare("type", event->type, want.type);
        compare("stream", event->stream, want.stream);
        compare("payload", event->payload, want.payload);
    }
    if (count != expected.size())
        throw Mismatch(fmt::format("{} events were appended instead of {}", count, expected.size()));
    return *this;
}

}  // namespace daybook::testkit
