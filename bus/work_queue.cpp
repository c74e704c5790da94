// See the header.
#include "bus/work_queue.hpp"

#include <algorithm>
#include <utility>

namespace daybook {

WorkQueue::WorkQueue(std::size_t capacity, std::size_t workers, std::function<void(const QueuedRun&)> run)
    : capacity_(capacity), run_(std::move(run)) {
    threads_.reserve(workers);
    try {
        for (std::size_t index = 0; index < workers; ++index) threads_.emplace_back([this] { work(); });
    } catch (...) {
        stop();
        throw;
    }
}

WorkQueue::~WorkQueue() {
    stop();
}

bool WorkQueue::has_room(std::size_t count) const noexcept {
    const std::size_t used = queued_ + reserved_;
    return used == 0 || used + count <= capacity_;
}

bool WorkQueue::try_reserve(std::size_t count) {
    const std::lock_guard lock(mutex_);
    if (!has_room(count)) return false;
    reserved_ += count;
    return true;
}

void WorkQueue::reserve(std::size_t count) {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [&] { return has_room(count); });
    reserved_ += count;
}

void WorkQueue::give_back(std::size_t count) noexcept {
    const std::lock_guard lock(mutex_);
    reserved_ -= count;
    room_.notify_all();
}

void WorkQueue::push(QueuedRun run) {
    const std::lock_guard lock(mutex_);
    drop_taken();
    EventRuns::Turn& turn = run.runs->turns[run.index];
    queue_.push_back(std::move(run));
    turn = EventRuns::Turn::queued;  // not before: who is not in the queue must not be taken from it
    --reserved_;
    ++queued_;
    work_.notify_one();
}

void WorkQueue::drop_taken() noexcept {
    // Runs that now() took stay behind as empty shells; they must not pile up where nobody else takes.
    if (queue_.size() <= 2 * queued_ + 64) return;
    queue_.erase(
        std::remove_if(queue_.begin(), queue_.end(),
                       [](const QueuedRun& run) { return run.runs->turns[run.index] != EventRuns::Turn::queued; }),
        queue_.end());
}

std::optional<QueuedRun> WorkQueue::take_oldest() {
    const std::lock_guard lock(mutex_);
    while (!queue_.empty()) {
        QueuedRun run = std::move(queue_.front());
        queue_.pop_front();
        EventRuns::Turn& turn = run.runs->turns[run.index];
        if (turn != EventRuns::Turn::queued) continue;
        turn = EventRuns::Turn::taken;
        --queued_;
        ++unfinished_;
        room_.notify_all();
        return run;
    }
    return std::nullopt;
}

std::optional<QueuedRun> WorkQueue::take_of(const std::shared_ptr<EventRuns>& runs) {
    const std::lock_guard lock(mutex_);
    for (std::size_t index = 0; index < runs->turns.size(); ++index) {
        if (runs->turns[index] != EventRuns::Turn::queued) continue;
        runs->turns[index] = EventRuns::Turn::taken;
        --queued_;
        ++unfinished_;
        room_.notify_all();
        return QueuedRun{runs, index};
    }
    return std::nullopt;
}

void WorkQueue::finished() noexcept {
    const std::lock_guard lock(mutex_);
    --unfinished_;
    if (unfinished_ == 0 && queued_ == 0) idle_.notify_all();
}

void WorkQueue::wait_until_idle() {
    std::unique_lock lock(mutex_);
    idle_.wait(lock, [&] { return queued_ == 0 && unfinished_ == 0; });
}

std::size_t WorkQueue::size() const {
    const std::lock_guard lock(mutex_);
    return queued_;
}

void WorkQueue::stop() noexcept {
    {
        const std::lock_guard lock(mutex_);
        stopped_ = true;
        work_.notify_all();
    }
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
}

void WorkQueue::work() {
    for (;;) {
        {
            std::unique_lock lock(mutex_);
            work_.wait(lock, [&] { return stopped_ || queued_ > 0; });
            if (stopped_) return;
        }
        if (const std::optional<QueuedRun> run = take_oldest()) {
            run_(*run);
            finished();
        }
    }
}

}  // namespace daybook
