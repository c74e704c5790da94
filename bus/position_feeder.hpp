// Feeds one positioned middleware from the log: every event and result after its position, in journal order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>

#include <daybook/middleware/middleware_chain.hpp>
#include <daybook/store/event_store.hpp>

namespace daybook {

/// Thread-safety: one thread at a time, under the bus's delivery lock.
class PositionFeeder {
  public:
    /// `index` names the middleware in `chain`. Both must outlive the feeder.
    PositionFeeder(EventStore& store, MiddlewareChain& chain, std::size_t index);

    struct Round {
        std::uint64_t fed = 0;   ///< records (events and results)
        std::uint64_t left = 0;  ///< records to the head that this round saw
        bool failed = false;     ///< counted by the chain; the position stayed where it was
        bool stands_by = false;
    };
    /// Feeds at most `records_max` records and flushes. A failure is counted, never thrown.
    Round feed(std::uint64_t records_max) noexcept;
    /// Keeps the position as the checkpoint that bears the middleware's name, when it has moved. A failure is counted.
    void save_checkpoint() noexcept;
    [[nodiscard]] std::string_view name() const noexcept { return chain_.at(index_).name(); }

  private:
    /// The position to go on from; begins new and diverged journals.
    [[nodiscard]] Head place(Middleware& middleware, const FeedPosition& position, const EventReader& reader);
    [[nodiscard]] bool belongs(const Head& position, const EventReader& reader) const;

    EventStore& store_;
    MiddlewareChain& chain_;
    std::size_t index_;
    std::optional<Head> known_{};  // where the last round left it: known to be of this history
    std::optional<Head> saved_{};
    std::uint64_t fed_since_saved_ = 0;
};

}  // namespace daybook
