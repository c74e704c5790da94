// Where the processes of the kill tests work and what they write: the same in every life of a writer, so that an id in
// doubt is appended again with equal content, and whoever examines the log knows what must be in it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include <daybook/bus/event_bus.hpp>
#include <daybook/middleware/journal.hpp>
#include <daybook/store/event_store.hpp>

#include "event/test_hooks.hpp"
#include "processes/child_process.hpp"

namespace daybook::processes {

struct Place {
    std::filesystem::path database;
    std::uint64_t seed = 1;
    bool with_bus = false;         ///< writers have a bus with handlers and a journal
    bool in_pool = false;          ///< its handler runs on a thread of its own
    bool record_started = false;   ///< a `started` row in a commit of its own
    bool each_outcome = false;     ///< each outcome in a commit of its own
    bool told_as_durable = false;  ///< without a bus: the commit's own callback acknowledges, before append() returns
    std::size_t threads = 1;       ///< of each writer; they share commits
    WaitStrategy wait_strategy = WaitStrategy::blocking;
    std::size_t checkpoint_pages = 40;
    unsigned normal_percent = 0;  ///< of the writers: synchronous=NORMAL, which a kill must not hurt either
    JournalSync journal_sync = JournalSync::every_flush;
    std::uint64_t journal_rotates_at = 4'096;
    test_hooks::Bug bug = test_hooks::Bug::none;

    [[nodiscard]] std::filesystem::path journal() const { return database.string() + ".jsonl"; }
};

[[nodiscard]] StoreOptions store_options(const Place& place, std::uint32_t writer, Access access);

/// The events that `writer` appends together when `first_number` is the next: 1 to 3, ids `w<writer>-<number>`.
[[nodiscard]] std::vector<NewEvent> batch_at(const Place& place, std::uint32_t writer, std::uint64_t first_number);
/// What the handler `effect` emits for the event `id`: one event, or two.
[[nodiscard]] std::vector<NewEvent> effects_of(std::string_view id, std::string_view stream);

/// Handler `who` of seq, as attempt.
using Run = std::tuple<std::uint64_t, std::uint32_t, std::uint64_t>;

/// The bus of one life: handler 0 `effect` may be run again and emits; handler 1 `mail` must not be run again.
class WorkBus {
  public:
    WorkBus(EventStore& store, const Place& place, const Reporter& reporter);

    [[nodiscard]] EventBus& bus() noexcept { return bus_; }
    [[nodiscard]] const JournalMiddleware& journal() const noexcept { return *journal_; }
    [[nodiscard]] std::set<Run> runs() const;
    /// Closes the bus, and demands that nothing failed.
    void close();

    static constexpr std::uint32_t effect = 0;
    static constexpr std::uint32_t mail = 1;

  private:
    void begin(const Event& event, std::uint32_t handler, std::uint64_t attempt);

    Reporter reporter_;
    mutable std::mutex mutex_;
    std::set<Run> runs_;  // guarded by mutex_
    std::shared_ptr<JournalMiddleware> journal_;
    EventBus bus_;
    Registration effect_;
    Registration mail_;
};

[[noreturn]] inline void fail(const std::string& what) {
    throw std::runtime_error("FOUND: " + what);
}

/// `what` is called only when it does not hold.
template <typename Text>
void require(bool holds, Text what) {
    if (!holds) fail(what());
}

}  // namespace daybook::processes
