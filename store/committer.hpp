// Group commit, led by the callers themselves: who finds nobody leading leads, takes in whoever else waits, commits once
// for all, and hands the lead on. A thread of its own only if it is told to. See docs/internals/group_commit.md.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <daybook/event/error.hpp>
#include <daybook/store/store_options.hpp>

#include "store/lock_file.hpp"
#include "store/log_writer.hpp"
#include "store/yielding.hpp"

namespace daybook {

/// What one caller wants written, in two steps: all reads and refusals, then the writes. A batch that has to be rolled
/// back is done again one by one, so both may be called more than once: each call starts from nothing.
/// Called by the leader's thread, inside the transaction; the caller that owns it waits meanwhile.
class Work {
  public:
    virtual ~Work() = default;
    Work() = default;
    Work(const Work&) = delete;
    Work& operator=(const Work&) = delete;

    /// How much it will write: bounds the batch.
    [[nodiscard]] virtual std::size_t rows() const { return 1; }
    [[nodiscard]] virtual std::size_t bytes() const { return 0; }
    /// Reads only. What it throws refuses this work alone.
    virtual void check(LogWriter& writer) = 0;
    virtual void write(LogWriter& writer) = 0;
    /// After the commit is durable, in the order of seq, one at a time. Must not throw.
    virtual void durable() noexcept {}

  private:
    friend class Committer;
    /// Its caller waits in submit(), and is likely to come again.
    [[nodiscard]] bool is_callers() const noexcept { return itself_ == nullptr; }

    std::exception_ptr error_;
    std::chrono::nanoseconds deadline_{};
    std::chrono::nanoseconds due_at_{};  // when its caller should go on, by the machine's clock
    std::function<void()>* alone_ = nullptr;
    std::uint32_t group_ = 0;           // whom it is woken with
    bool is_awaited_ = true;            // somebody waits who can lead; guarded by the committer's mutex_
    std::shared_ptr<Work> itself_;      // of a work that was submitted without waiting: until it is over
    std::atomic<bool> is_over_{false};  // set last: the caller that sees it may destroy the work
};

/// Thread-safety: safe from any thread.
class Committer {
  public:
    /// `wake` may be null. All references must outlive it.
    Committer(std::string path, const StoreOptions& options, LockFile& lock, LogWriter& writer, File* wake);
    ~Committer();
    Committer(const Committer&) = delete;
    Committer& operator=(const Committer&) = delete;

    /// Blocks until `work` is durable or refused. Throws Error: what its check() threw; busy, disk_full, io_error, …: nothing
    /// of it was stored; commit_in_doubt; writes_refused - after such an error, until the store is reopened.
    void submit(Work& work);
    /// Queues `work` and returns. It is committed with a full batch, when somebody waits for it, or by the commit thread.
    /// Blocks: while the caller leads a full batch (without a commit thread), or while too many rows are queued (with one).
    void submit_later(std::shared_ptr<Work> work);
    /// Blocks until a work of submit_later() is durable or refused. Throws Error: as submit(). One thread at a time.
    void await(Work& work);
    [[nodiscard]] static bool is_over(const Work& work) noexcept;
    /// Leads whenever works are queued and nobody else does; at most once. Throws std::system_error.
    void start_thread();
    void end_thread() noexcept;
    /// Runs `action` while nobody else of this store writes: with the lead, without the writer lock, outside any transaction;
    /// on the thread of whoever leads when its turn comes.
    void run_alone(std::function<void()> action);
    /// Checkpoints -wal under the writer lock. True when all of it was moved. Throws Error.
    [[nodiscard]] bool checkpoint_wal();
    /// Later work is refused with `reason`. To be called from run_alone(), or before anybody else can call.
    void stop(Error reason);
    [[nodiscard]] bool is_stopped() const;
    /// For tests.
    [[nodiscard]] Yielding& yielding() noexcept { return yielding_; }

  private:
    class NoWork;
    struct Batch {
        std::vector<Work*> works;
        std::size_t callers = 0;  // of the works, those whose callers wait and come again
        std::size_t rows = 0;
        std::size_t bytes = 0;
        std::uint32_t groups = 0;
    };
    // Whether a caller that has just looked leads, and else the word that it sleeps on.
    struct Look {
        bool leads = false;
        std::uint32_t word = 0;
    };

    void enqueue(Work& work);
    std::deque<Work*>::iterator dequeue(const std::deque<Work*>::iterator& place);
    [[nodiscard]] Look look(const Work& work);
    void wait_or_lead(Work& work, Look now);
    void yield_until_news(const Work& work, std::uint32_t word, std::chrono::nanoseconds end);
    [[nodiscard]] std::chrono::nanoseconds due_time();
    void lead(Work* own);
    [[nodiscard]] std::uint32_t lead_batch(Work* own);
    [[nodiscard]] std::uint32_t run_first_alone();
    void lead_in_thread();
    void take_batch(Batch& batch);
    [[nodiscard]] bool take_arrived(Batch& batch, std::size_t rows_max);
    [[nodiscard]] bool await_arrivals(std::size_t missing);
    [[nodiscard]] bool sleep_until_arrivals(std::size_t missing, std::chrono::nanoseconds longest);
    void serve(Work& work);
    [[nodiscard]] bool write_one_by_one(Batch& batch);
    [[nodiscard]] std::uint32_t finish_commit(Batch& batch, bool wrote, std::optional<WriterLock>& writer_lock,
                                              const Work* own);
    void publish();
    void checkpoint_if_due();
    bool checkpoint_now();
    [[nodiscard]] std::uint32_t refuse_waiting(const std::exception_ptr& error, bool only_timed_out, const Work* own);
    void refuse_if_stopped() const;
    void stop_after(const Error& error) noexcept;
    void stop_without_memory() noexcept;
    static void complete(Work& work, std::chrono::nanoseconds due_at);
    void wake(std::uint32_t groups) noexcept;
    void hand_over(std::uint32_t groups);

    const std::string path_;
    const StoreOptions& options_;
    LockFile& lock_;
    LogWriter& writer_;
    File* const wake_;
    SystemClock machine_clock_;  // of short waits: futex(2) knows no other
    Yielding yielding_;
    // By that clock: when those who were told that nobody leads should go on, and when the last checkpoint ended.
    std::atomic<std::chrono::nanoseconds> lead_due_at_{};
    std::atomic<std::chrono::nanoseconds> checkpointed_at_{};

    std::mutex mutex_;
    std::deque<Work*> queue_;      // guarded by mutex_
    std::size_t queued_rows_ = 0;  // guarded by mutex_
    bool led_ = false;             // guarded by mutex_
    std::uint32_t group_ = 1;      // guarded by mutex_; one bit: of the works that come now
    bool thread_ends_ = false;     // guarded by mutex_
    std::condition_variable thread_wakes_;
    std::condition_variable has_room_;
    std::thread thread_;
    std::size_t awaited_arrivals_ = 0;  // guarded by mutex_; the leader sleeps until the queue is so long, unless 0
    std::atomic<std::uint32_t> arrivals_{0};      // what it sleeps on
    std::atomic<std::size_t> queued_works_{0};    // the length of queue_, for a look without the mutex
    std::atomic<std::size_t> queued_callers_{0};  // of them, those that submit() has queued
    // Changes when works are over, and when nobody leads any more. Callers sleep on it, each with the bit of its group: those
    // of one batch are woken together, and by one call.
    std::atomic<std::uint32_t> word_{0};

    // The leader's:
    std::size_t expected_callers_ = 1;  // in a batch
    std::chrono::nanoseconds last_commit_{};
    int checkpoint_at_pages_ = 0;
    int wal_pages_before_ = 0;
    mutable std::mutex stop_mutex_;
    std::exception_ptr stopped_;  // guarded by stop_mutex_
    // Made beforehand, for when there is no memory to say more.
    const std::exception_ptr refused_;
    const std::exception_ptr in_doubt_;
};

}  // namespace daybook
