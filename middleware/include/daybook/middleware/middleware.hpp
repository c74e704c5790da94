// Middleware: observers of the life of events and results. They see committed values only and can veto nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <daybook/event/event.hpp>
#include <daybook/event/event_result.hpp>
#include <daybook/event/position.hpp>

namespace daybook {

/// Where a positioned middleware stands: what it has kept, of which history.
struct FeedPosition {
    Head head;               ///< of the last event and the last result that it holds
    bool from_head = false;  ///< new, and wants to begin at the log's head rather than at its start
    bool is_new = false;     ///< holds nothing yet: head is to be ignored
    bool stands_by = false;  ///< somebody else writes it: feed nothing now, ask again later
};

/// The handler in whose run an event was emitted.
struct EmittedBy {
    std::string event_id;     ///< the event that it was handling
    std::string correlation;  ///< that event's correlation, or its id if it has none
    std::string bus;
    std::string handler;
    std::uint32_t attempt = 1;
};

/// An event of this bus that has become durable. References live as long as the call.
struct Committed {
    const Event& event;
    std::span<const EventResult> pending;  ///< the handlers that will get it, in registration order
    std::string_view bus;
    Timestamp emitted_at;         ///< when emit() or post() was entered
    Timestamp commit_started_at;  ///< when it was handed to the store
    Timestamp durable_at;         ///< when the store answered that it is durable
    const EmittedBy* emitted_by;  ///< null outside of a handler, and for a detached emit
};

/// A handler is about to run.
struct HandlerStart {
    const Event& event;
    std::string_view bus;
    std::string_view handler;
    std::uint32_t attempt;
    Timestamp started_at;
};

/// Every hook: the event is already durable · no store lock is held · called one at a time a bus,
/// on_committed in seq order, on the thread that emitted (or that leads the delivery for a crowd) · may
/// block, but holds up this bus's emitters · keeps copies only · what it throws is counted and reported at
/// most once a second, and changes nothing else · emitting from it is the error reentrant_emit.
/// Thread-safety: one object in several buses is called by them at the same time and must lock for itself.
class Middleware {
  public:
    virtual ~Middleware() = default;
    /// For reports.
    [[nodiscard]] virtual std::string_view name() const noexcept = 0;

    /// Not fed by position: the events of its own bus, in seq order, with the pending rows of that commit.
    virtual void on_committed(const Committed& /*committed*/) {}
    virtual void on_handler_start(const HandlerStart& /*start*/) {}
    /// A row that its own bus has committed, other than `pending`.
    virtual void on_result(const Event& /*event*/, const EventResult& /*result*/) {}

    /// Asked before each round of feeding. Fed by position: every event and result of the file from its
    /// position on, gapless, in journal order (an event at seq n comes before the results whose events_head
    /// is n), whichever process wrote them. Empty: it has none. A record that could not be kept must leave
    /// the position where it was: it is fed again.
    [[nodiscard]] virtual std::optional<FeedPosition> position() { return std::nullopt; }
    /// Answers position() for a new journal or a diverged one: begin after `head`. `diverged`: what it holds
    /// is of another history and must be set aside.
    virtual void begin_at(const Head& /*head*/, bool /*diverged*/) {}
    virtual void feed(const Event& /*event*/) {}
    virtual void feed(const EventResult& /*result*/) {}
    /// After a batch of feed(), and when the bus is pumped or closed: write out what is buffered.
    virtual void flush() {}

    /// The bus is closing; nothing is called after it.
    virtual void close() {}
};

}  // namespace daybook
