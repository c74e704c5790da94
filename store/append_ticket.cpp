#include <daybook/store/append_ticket.hpp>

#include <utility>

#include "store/append_work.hpp"
#include "store/event_store_impl.hpp"

namespace daybook {

AppendTicket::AppendTicket(std::shared_ptr<EventStore::Impl> store, std::shared_ptr<AppendWork> work) noexcept
    : store_(std::move(store)), work_(std::move(work)) {}

bool AppendTicket::is_done() const noexcept {
    return Committer::is_over(*work_);
}

AppendOutcome AppendTicket::get() {
    if (!is_done()) store_->require_open();
    store_->committer->await(*work_);
    return work_->take_outcome();
}

}  // namespace daybook
