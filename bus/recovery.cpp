// Running again what buses that are gone left unfinished.
#include <algorithm>
#include <utility>

#include "bus/event_bus_impl.hpp"
#include "event/test_hooks.hpp"

namespace daybook {

RecoverReport EventBus::Impl::recover(const RecoverOptions& recover_options) {
    const Call call(*this, "recover");
    RecoverReport report;
    bool stopped = false;
    std::size_t ran = 0;
    // Of one event, in registration order, as the emit would have run them.
    struct Item {
        Unfinished work;
        std::shared_ptr<HandlerEntry> handler;
        std::uint64_t number = 0;
    };
    std::vector<Item> items;
    for (Unfinished& work : store.unfinished(options.name)) {
        std::shared_ptr<HandlerEntry> handler = registry.find(work.handler);
        const std::uint64_t number = handler ? handler->number : 0;
        items.push_back(Item{std::move(work), std::move(handler), number});
    }
    std::stable_sort(items.begin(), items.end(), [](const Item& left, const Item& right) {
        return std::pair(left.work.event_seq, left.number) < std::pair(right.work.event_seq, right.number);
    });
    for (auto& [work, handler, number] : items) {
        if (!work.owner_is_gone) {
            ++report.owner_lives;
            continue;
        }
        if (!work.recoverable) {
            ++report.not_recoverable;
            continue;
        }
        if (!handler) {
            report.no_handler.push_back(std::move(work));
            continue;
        }
        if (!handler->recoverable) {
            ++report.not_recoverable;
            continue;
        }
        if (stopped || ran >= recover_options.items_max ||
            (recover_options.before_each && !recover_options.before_each(work))) {
            stopped = true;
            ++report.left;
            continue;
        }
        // Read first: what is claimed and then not run would be unfinished for as long as this bus lives.
        auto runs = std::make_shared<EventRuns>();
        runs->event = store.find(work.event_seq).value();
        const std::optional<EventResult> claimed = store.claim(work, *owner);
        if (!claimed) {
            ++report.taken_by_others;
            continue;
        }
        DAYBOOK_KILL_POINT(after_claim);
        ++ran;
        runs->attempt = claimed->attempt;
        runs->handlers.push_back(std::move(handler));
        runs->pending.push_back(*claimed);
        runs->rows.push_back(*claimed);
        runs->turns.assign(1, EventRuns::Turn::not_queued);
        runs->queues.assign(1, false);
        runs->due = 1;
        // Nested in whatever calls recover(): a loop through recovery is a loop.
        if (const HandlerContext::Impl* run = current_run()) runs->chain = run->chain;
        std::vector<Outcome> outcomes;
        outcomes.push_back(run_handler(runs, 0));
        save(std::move(outcomes));
        const std::lock_guard lock(runs->mutex);
        report.results.push_back(runs->rows.front());
        if (!runs->outcome_error.empty()) report.outcome_error = runs->outcome_error;
    }
    return report;
}

}  // namespace daybook
