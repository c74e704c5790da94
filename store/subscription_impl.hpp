// What a subscription needs from its store; it does not know EventStore itself.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <daybook/event/clock.hpp>
#include <daybook/event/file_system.hpp>
#include <daybook/store/checkpoint.hpp>
#include <daybook/store/subscription.hpp>

#include "store/reader_pool.hpp"

namespace daybook {

struct SubscriptionSource {
    std::shared_ptr<ReaderPool> pool;
    Uuid store_id;
    std::size_t page_events = 1'000;
    std::shared_ptr<FileSystem> files;
    std::shared_ptr<Clock> clock;
    std::string wake_path;  ///< `<db>.wake`
    bool writable = false;  ///< whether the wake file may be created when it is missing
    std::function<std::optional<Checkpoint>(std::string_view name)> load_checkpoint;
    /// EventStore::save_checkpoint.
    std::function<void(const Checkpoint&, const std::optional<Checkpoint>& expected)> save_checkpoint;
};

/// Checks the options and where to begin. Throws Error: invalid_argument, history_diverged.
[[nodiscard]] Subscription make_subscription(SubscriptionSource source, SubscriptionOptions options);

}  // namespace daybook
