// The walls between a bus and its middleware; see the header.
#include "daybook/middleware/middleware_chain.hpp"

#include <utility>

#include <daybook/event/error.hpp>

namespace daybook {

namespace {

// A hook may call code that knows nothing of the bus it came from, so the mark belongs to the thread.
thread_local int hook_depth = 0;

}  // namespace

struct MiddlewareChain::Member {
    Member(std::shared_ptr<Middleware> observer, Clock& clock, FailureMeter::Callback callback)
        : middleware(std::move(observer)), meter(std::string(middleware->name()), clock, std::move(callback)) {}

    std::shared_ptr<Middleware> middleware;
    FailureMeter meter;
    bool positioned = false;
};

MiddlewareChain::HookScope::HookScope() noexcept {
    ++hook_depth;
}
MiddlewareChain::HookScope::~HookScope() {
    --hook_depth;
}

bool MiddlewareChain::inside_hook() noexcept {
    return hook_depth > 0;
}

MiddlewareChain::MiddlewareChain(std::vector<std::shared_ptr<Middleware>> middleware, Clock& clock,
                                 const FailureMeter::Callback& on_failure) {
    members_.reserve(middleware.size());
    for (std::shared_ptr<Middleware>& observer : middleware) {
        if (!observer) throw Error(ErrorCode::invalid_argument, "set up middleware: one of them is null");
        members_.push_back(std::make_unique<Member>(std::move(observer), clock, on_failure));
    }
    for (std::size_t index = 0; index < members_.size(); ++index) {
        bool positioned = false;
        // One that cannot say now where it stands has a position all the same: it is asked again before each
        // feeding.
        const bool answered =
            guarded(index, "position", [&](Middleware& member) { positioned = member.position().has_value(); });
        members_[index]->positioned = positioned || !answered;
        if (!members_[index]->positioned) ++watchers_;
    }
}

MiddlewareChain::~MiddlewareChain() = default;

bool MiddlewareChain::is_positioned(std::size_t index) const noexcept {
    return members_[index]->positioned;
}

Middleware& MiddlewareChain::at(std::size_t index) const noexcept {
    return *members_[index]->middleware;
}

FailureMeter& MiddlewareChain::meter(std::size_t index) noexcept {
    return members_[index]->meter;
}

void MiddlewareChain::on_committed(const Committed& committed) noexcept {
    for (std::size_t index = 0; index < members_.size(); ++index) {
        if (is_positioned(index)) continue;
        guarded(index, "on_committed", [&](Middleware& member) { member.on_committed(committed); });
    }
}

void MiddlewareChain::on_handler_start(const HandlerStart& start) noexcept {
    for (std::size_t index = 0; index < members_.size(); ++index) {
        if (is_positioned(index)) continue;
        guarded(index, "on_handler_start", [&](Middleware& member) { member.on_handler_start(start); });
    }
}

void MiddlewareChain::on_result(const Event& event, const EventResult& result) noexcept {
    for (std::size_t index = 0; index < members_.size(); ++index) {
        if (is_positioned(index)) continue;
        guarded(index, "on_result", [&](Middleware& member) { member.on_result(event, result); });
    }
}

void MiddlewareChain::flush() noexcept {
    for (std::size_t index = 0; index < members_.size(); ++index) {
        guarded(index, "flush", [](Middleware& member) { member.flush(); });
        meter(index).report_rest();
    }
}

void MiddlewareChain::close() noexcept {
    for (std::size_t index = 0; index < members_.size(); ++index) {
        guarded(index, "close", [](Middleware& member) { member.close(); });
        meter(index).report_rest();
    }
}

void MiddlewareChain::report(std::size_t index, std::string_view what, std::string_view message) noexcept {
    meter(index).failed(what, message);
}

std::vector<FailureCount> MiddlewareChain::failures() const {
    std::vector<FailureCount> counts;
    counts.reserve(members_.size());
    for (const std::unique_ptr<Member>& member : members_) counts.push_back(member->meter.count());
    return counts;
}

}  // namespace daybook
