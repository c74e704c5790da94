// See the header.
#include "bus/handler_registry.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include <daybook/event/error.hpp>
#include <daybook/event/event.hpp>

namespace daybook {

HandlerEntry::HandlerEntry(std::string_view handler_pattern, HandlerOptions options, HandlerFunction handler_function,
                           bool for_one_event, bool is_named, std::uint64_t registration_number)
    : pattern(handler_pattern),
      name(std::move(options.name)),
      mode(options.mode),
      recoverable(options.recoverable && is_named),
      once(for_one_event),
      function(std::move(handler_function)),
      number(registration_number) {}

bool HandlerEntry::enter() {
    const std::lock_guard lock(mutex_);
    if (ended_) return false;
    ++running_;
    return true;
}

void HandlerEntry::leave() noexcept {
    const std::lock_guard lock(mutex_);
    // Notified under the lock: whoever waits may destroy what this handler uses as soon as it wakes.
    if (--running_ == 0) idle_.notify_all();
}

void HandlerEntry::end() noexcept {
    const std::lock_guard lock(mutex_);
    ended_ = true;
}

void HandlerEntry::wait_until_idle() {
    std::unique_lock lock(mutex_);
    idle_.wait(lock, [&] { return running_ == 0; });
}

std::shared_ptr<HandlerEntry> HandlerRegistry::add(std::string_view bus, std::string_view pattern,
                                                   HandlerOptions options, HandlerFunction function, bool once,
                                                   std::size_t name_bytes_max) {
    const bool named = !options.name.empty();
    if (named) check_name(options.name, "handler name", name_bytes_max);
    const std::lock_guard lock(mutex_);
    const std::uint64_t number = ++registrations_;
    if (!named) {
        options.name = fmt::format("{}#{}", pattern, number);
        // A long pattern leaves no room for the number.
        if (options.name.size() > name_bytes_max) options.name = fmt::format("handler#{}", number);
    }
    const auto same =
        std::find_if(entries_.begin(), entries_.end(), [&](const auto& entry) { return entry->name == options.name; });
    if (same != entries_.end()) {
        throw Error(
            ErrorCode::name_taken,
            fmt::format("register handler '{}' for '{}' on bus '{}': a handler of that name is registered there "
                        "for '{}'; results and recovery go by the name, so give it another",
                        options.name, pattern, bus, (*same)->pattern.text()));
    }
    auto entry = std::make_shared<HandlerEntry>(pattern, std::move(options), std::move(function), once, named, number);
    entries_.push_back(entry);
    return entry;
}

std::shared_ptr<HandlerEntry> HandlerRegistry::remove(std::string_view name) {
    const std::lock_guard lock(mutex_);
    const auto found =
        std::find_if(entries_.begin(), entries_.end(), [&](const auto& entry) { return entry->name == name; });
    if (found == entries_.end()) return nullptr;
    std::shared_ptr<HandlerEntry> entry = std::move(*found);
    entries_.erase(found);
    entry->end();
    return entry;
}

void HandlerRegistry::remove(const HandlerEntry& entry) noexcept {
    std::shared_ptr<HandlerEntry> removed;  // destroyed after the lock is gone: a destructor may call back
    const std::lock_guard lock(mutex_);
    const auto found =
        std::find_if(entries_.begin(), entries_.end(), [&](const auto& other) { return other.get() == &entry; });
    if (found == entries_.end()) return;
    removed = std::move(*found);
    entries_.erase(found);
}

void HandlerRegistry::clear() noexcept {
    HandlerList removed;
    const std::lock_guard lock(mutex_);
    removed.swap(entries_);
}

HandlerList HandlerRegistry::claim(std::string_view type) {
    HandlerList matching;
    const std::lock_guard lock(mutex_);
    for (const std::shared_ptr<HandlerEntry>& entry : entries_) {
        if (entry->claimed_ || !entry->pattern.matches(type)) continue;
        matching.push_back(entry);
    }
    for (const std::shared_ptr<HandlerEntry>& entry : matching) entry->claimed_ = entry->once;
    return matching;
}

void HandlerRegistry::give_back(const HandlerList& claimed) noexcept {
    const std::lock_guard lock(mutex_);
    for (const std::shared_ptr<HandlerEntry>& entry : claimed) entry->claimed_ = false;
}

void HandlerRegistry::spend(const HandlerList& claimed) noexcept {
    const std::lock_guard lock(mutex_);
    for (const std::shared_ptr<HandlerEntry>& entry : claimed) {
        if (!entry->once) continue;
        const auto found = std::find(entries_.begin(), entries_.end(), entry);
        if (found != entries_.end()) entries_.erase(found);
    }
}

std::shared_ptr<HandlerEntry> HandlerRegistry::find(std::string_view name) const {
    const std::lock_guard lock(mutex_);
    for (const std::shared_ptr<HandlerEntry>& entry : entries_) {
        if (entry->name == name) return entry;
    }
    return nullptr;
}

std::vector<std::string> HandlerRegistry::names() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> names;
    names.reserve(entries_.size());
    for (const std::shared_ptr<HandlerEntry>& entry : entries_) names.push_back(entry->name);
    return names;
}

}  // namespace daybook
