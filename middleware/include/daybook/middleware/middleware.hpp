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
    Head head;                 ///< of the last event and the last result that it holds
    bool from_head = false;    ///< new, and wants to begin at the log's head rather than at its start
    bool is_new = false;       ///< holds nothing yet: head is to be ignored
};

/// A handler is about to run.
struct HandlerStart {
    const Event& event;
    std::string_view bus;
    std::string_view handler;
    std::uint32_t attempt;
    Timestamp started_at;
};

/// Every hook: the event is already durable · no store lock is held · called one at a time a bus, on_committed in
/// seq order, on the thread that emitted (or that leads the delivery for a crowd) · may block, but holds up this bus's
/// emitters · keeps copies only · what it throws is counted and reported at most once a second, and changes nothing
/// else · emitting from it is the error reentrant_emit.
class Middleware {
  public:
    virtual ~Middleware() = default;
    /// For reports.
    [[nodiscard]] virtual std::string_view name() const noexcept = 0;

    /// Not fed by position: the events of its own bus, in seq order, with the pending rows of that commit.
    virtual void on_committed(const Event& /*event*/, std::span<const EventResult> /*pending*/) {}
    virtual void on_handler_start(const HandlerStart& /*start*/) {}
    /// A row that its own bus has committed, other than `pending`.
    virtual void on_result(const Event& /*event*/, const EventResult& /*result*/) {}

    /// Fed by position: every event and result of the file from its position on, gapless, in journal order (an event at
    /// seq n comes before the results whose events_head is n), whichever process wrote them. Empty: it has none.
    [[nodiscard]] virtual std::optional<FeedPosition> position() { return std::nullopt; }
    /// Answers position() for a new journal or a diverged one: begin after `head`. `diverged`: what it holds is of
    /// another history and must be set aside.
    virtual void begin_at(const Head& /*head*/, bool /*diverged*/) {}
    virtual void feed(const Event& /*event*/) {}
    virtual void feed(const EventResult& /*result*/) {}
    /// After a batch of feed(): write it out.
    virtual void flush() {}

    virtual void close() {}
};

}  // namespace daybook
