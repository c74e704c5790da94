// Queued handler runs, first in, first out, and the threads that run them if there are any.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "bus/event_runs.hpp"

namespace daybook {

struct QueuedRun {
    std::shared_ptr<EventRuns> runs;
    std::size_t index = 0;
};

/// Thread-safety: safe from any thread, except stop().
class WorkQueue {
  public:
    /// `run` is called on the workers for each queued run; it must not throw.
    WorkQueue(std::size_t capacity, std::size_t workers, std::function<void(const QueuedRun&)> run);
    ~WorkQueue();
    WorkQueue(const WorkQueue&) = delete;
    WorkQueue& operator=(const WorkQueue&) = delete;

    /// Sets room aside for `count` runs; false when there is not enough. More than the whole capacity fits when the queue is
    /// empty.
    [[nodiscard]] bool try_reserve(std::size_t count);
    /// As try_reserve(), waiting for room.
    void reserve(std::size_t count);
    void give_back(std::size_t count) noexcept;
    /// Puts a run into room that was reserved.
    void push(QueuedRun run);

    /// Takes the oldest run off; the taker runs it and calls finished().
    [[nodiscard]] std::optional<QueuedRun> take_oldest();
    /// Takes the oldest run of one event off.
    [[nodiscard]] std::optional<QueuedRun> take_of(const std::shared_ptr<EventRuns>& runs);
    void finished() noexcept;

    /// Waits until nothing is queued and nothing taken is unfinished.
    void wait_until_idle();
    [[nodiscard]] std::size_t size() const;
    [[nodiscard]] std::size_t workers() const noexcept { return threads_.size(); }
    /// Ends the workers after the runs that they are in. Queued runs stay queued.
    void stop() noexcept;

  private:
    void work();
    [[nodiscard]] bool has_room(std::size_t count) const noexcept;
    void drop_taken() noexcept;

    const std::size_t capacity_;
    const std::function<void(const QueuedRun&)> run_;
    mutable std::mutex mutex_;
    std::condition_variable work_;
    std::condition_variable room_;
    std::condition_variable idle_;
    std::deque<QueuedRun> queue_;  // guarded by mutex_; may hold runs that take_of() has taken
    std::size_t queued_ = 0;       // guarded by mutex_; without those
    std::size_t reserved_ = 0;     // guarded by mutex_
    std::size_t unfinished_ = 0;   // guarded by mutex_; taken and not finished
    bool stopped_ = false;         // guarded by mutex_
    std::vector<std::thread> threads_;
};

}  // namespace daybook
