// The handlers of one bus, in registration order.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <daybook/bus/handler.hpp>
#include <daybook/event/type_pattern.hpp>

namespace daybook {

/// One registered handler. Lives on in queued runs after its registration has ended.
/// Thread-safety: safe from any thread.
class HandlerEntry {
  public:
    HandlerEntry(std::string_view handler_pattern, HandlerOptions options, HandlerFunction handler_function,
                 bool for_one_event, bool is_named, std::uint64_t registration_number);

    const TypePattern pattern;
    const std::string name;
    const HandlerMode mode;
    const bool recoverable;
    const bool once;
    const HandlerFunction function;
    const std::uint64_t number;  ///< counts registrations on the bus from 1

    /// Before a run; false when the registration has ended: the run is cancelled.
    [[nodiscard]] bool enter();
    /// After a run.
    void leave() noexcept;
    /// Lets no further run begin.
    void end() noexcept;
    /// Waits until no run is under way.
    void wait_until_idle();

  private:
    friend class HandlerRegistry;
    bool claimed_ = false;  // by an emit, for `once`; guarded by the registry's mutex
    std::mutex mutex_;
    std::condition_variable idle_;
    std::size_t running_ = 0;  // guarded by mutex_
    bool ended_ = false;       // guarded by mutex_
};

using HandlerList = std::vector<std::shared_ptr<HandlerEntry>>;

/// Thread-safety: safe from any thread.
class HandlerRegistry {
  public:
    /// Throws Error: name_taken, invalid_name, invalid_pattern.
    [[nodiscard]] std::shared_ptr<HandlerEntry> add(std::string_view bus, std::string_view pattern,
                                                    HandlerOptions options, HandlerFunction function, bool once,
                                                    std::size_t name_bytes_max);
    /// Null when there was none.
    std::shared_ptr<HandlerEntry> remove(std::string_view name);
    void remove(const HandlerEntry& entry) noexcept;
    void clear() noexcept;

    /// The handlers of an event of this type, in registration order; those registered for one event are claimed.
    [[nodiscard]] HandlerList claim(std::string_view type);
    /// The event they were claimed for was not written: they wait for the next.
    void give_back(const HandlerList& claimed) noexcept;
    /// It was: those registered for one event are taken out.
    void spend(const HandlerList& claimed) noexcept;

    [[nodiscard]] std::shared_ptr<HandlerEntry> find(std::string_view name) const;
    [[nodiscard]] std::vector<std::string> names() const;

  private:
    mutable std::mutex mutex_;
    HandlerList entries_;              // guarded by mutex_
    std::uint64_t registrations_ = 0;  // guarded by mutex_
};

}  // namespace daybook
