// An append that was queued and not waited for.
#pragma once

#include <memory>

#include <daybook/store/append.hpp>
#include <daybook/store/event_store.hpp>

namespace daybook {

class AppendWork;

/// What EventStore::append_later() returns. Dropping it changes nothing: the append is committed all the same, by the latest
/// when the store is closed.
/// Thread-safety: one thread at a time, each ticket its own. It keeps the store's memory, and may be asked after close().
class AppendTicket {
  public:
    AppendTicket(std::shared_ptr<EventStore::Impl> store, std::shared_ptr<AppendWork> work) noexcept;

    /// Whether get() would return at once.
    [[nodiscard]] bool is_done() const noexcept;
    /// Waits until the append is durable or refused; whoever waits may lead the commit for all that is queued. Once.
    /// Blocks, returns, throws: as EventStore::try_append(); closed - the store was closed while the append was queued.
    [[nodiscard]] AppendOutcome get();

  private:
    std::shared_ptr<EventStore::Impl> store_;
    std::shared_ptr<AppendWork> work_;
};

}  // namespace daybook
