#include "store/committer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <utility>

#include "event/test_hooks.hpp"
#include "store/futex.hpp"
#include "store/wal_checkpoint.hpp"

namespace daybook {

namespace {

// A leader whose queue is dry waits for the callers of the last batch, and those who were waiting while it was committed: if it
// committed at once, a few busy threads would fall into two halves that take turns. For each arrival it waits at most this
// part of what the last commit took, and never longer than a good disk's sync takes.
constexpr int patience_part = 4;
constexpr std::chrono::nanoseconds patience_max = std::chrono::milliseconds(1);
constexpr std::size_t few_missing = 4;

// A caller that yields sleeps after this: then the disk is slow, and the processors are better left to others.
constexpr std::chrono::nanoseconds yields_for = std::chrono::milliseconds(1);

// The other callers of its batch may all be before a caller on its processor, with so much to do each. With more than some twenty
// of them a time slice given away does not stand out any more: then it is the leader who notices.
constexpr std::chrono::nanoseconds turn_of_a_caller = std::chrono::microseconds(100);

// Batches of several callers together; pages of an open transaction stay in memory, because spilling is off.
constexpr std::size_t batches_together_max = 4;

// Rows that may wait for the commit thread: so many batches.
constexpr std::size_t queued_batches_max = 16;

// After these nothing that this connection believes can be trusted: reopening finds out the truth.
bool ends_writing(ErrorCode code) {
    switch (code) {
        case ErrorCode::io_error:
        case ErrorCode::corrupt:
        case ErrorCode::not_a_daybook:
        case ErrorCode::out_of_memory:
        case ErrorCode::commit_in_doubt:
            return true;
        default:
            return false;
    }
}

// These are about the file, not about one request: doing each alone would fail the same way.
bool concerns_all(ErrorCode code) {
    return ends_writing(code) || code == ErrorCode::busy || code == ErrorCode::disk_full ||
           code == ErrorCode::read_only || code == ErrorCode::permission_denied;
}

// Several callers are told of one failure, each by an exception of its own: what threads share must be freed by the
// last that lets go, which is legal, and nothing that a checker of races can follow.
std::exception_ptr copy_of(const std::exception_ptr& error) noexcept {
    try {
        std::rethrow_exception(error);
    } catch (const Error& original) {
        try {
            // Not std::make_exception_ptr(): without memory that gives std::bad_alloc, which would tell of a commit in doubt
            // that nothing was stored.
            throw Error(original);
        } catch (const Error&) {
            return std::current_exception();
        } catch (...) {
            return error;
        }
    } catch (...) {
        return error;
    }
}

}  // namespace

class Committer::NoWork final : public Work {
  public:
    [[nodiscard]] std::size_t rows() const override { return 0; }
    void check(LogWriter&) override {}
    void write(LogWriter&) override {}
};

Committer::Committer(std::string path, const StoreOptions& options, LockFile& lock, LogWriter& writer, File* wake)
    : path_(std::move(path)),
      options_(options),
      lock_(lock),
      writer_(writer),
      wake_(wake),
      checkpoint_at_pages_(static_cast<int>(options.checkpoint_pages)),
      refused_(std::make_exception_ptr(
          Error(ErrorCode::writes_refused,
                fmt::format("write to {}: an earlier write met an error; close the store and open it again", path_)))),
      in_doubt_(std::make_exception_ptr(Error(
          ErrorCode::commit_in_doubt,
          fmt::format("commit to {}: there was no memory left to tell what became of it; reopen the store, then append "
                      "again with the same ids",
                      path_)))) {}

Committer::~Committer() {
    end_thread();
    // What was queued while the store was being closed. Nobody else is here any more.
    for (Work* const work : queue_) {
        work->error_ = refused_;
        complete(*work, {});
    }
}

void Committer::submit(Work& work) {
    work.is_over_.store(false, std::memory_order_relaxed);
    work.error_ = nullptr;
    work.deadline_ = options_.clock->steady() + options_.busy_timeout;
    Look now;
    {
        const std::lock_guard lock(mutex_);
        enqueue(work);
        now = look(work);
    }
    wait_or_lead(work, now);
}

// With mutex_.
void Committer::enqueue(Work& work) {
    queue_.push_back(&work);
    queued_rows_ += work.rows();
    queued_works_.store(queue_.size(), std::memory_order_relaxed);
    if (work.is_callers()) queued_callers_.fetch_add(1, std::memory_order_relaxed);
    work.group_ = group_;
    if (awaited_arrivals_ == 0 || queue_.size() < awaited_arrivals_) return;
    awaited_arrivals_ = 0;
    arrivals_.fetch_add(1, std::memory_order_release);
    futex_wake_one(arrivals_, ~std::uint32_t{0});
}

// With mutex_. Returns the place behind it.
std::deque<Work*>::iterator Committer::dequeue(const std::deque<Work*>::iterator& place) {
    queued_rows_ -= (*place)->rows();
    if ((*place)->is_callers()) queued_callers_.fetch_sub(1, std::memory_order_relaxed);
    const auto next = queue_.erase(place);
    queued_works_.store(queue_.size(), std::memory_order_relaxed);
    return next;
}

// With mutex_: who gives up the lead changes the word under it, so that nobody falls asleep over the news. A work is over before
// its leader gives up the lead.
Committer::Look Committer::look(const Work& work) {
    Look now{.word = word_.load(std::memory_order_acquire)};
    now.leads = !is_over(work) && !std::exchange(led_, true);
    return now;
}

void Committer::run_alone(std::function<void()> action) {
    NoWork work;
    work.alone_ = &action;
    submit(work);
}

void Committer::submit_later(std::shared_ptr<Work> work) {
    work->deadline_ = std::chrono::nanoseconds::max();  // until somebody waits
    work->is_awaited_ = false;
    Work* const queued = work.get();
    const std::size_t batch_rows = options_.limits.batch_events_max;
    bool leads = false;
    {
        std::unique_lock lock(mutex_);
        const bool has_thread = thread_.joinable();
        if (has_thread) has_room_.wait(lock, [&] { return queued_rows_ <= batch_rows * queued_batches_max; });
        queued->itself_ = std::move(work);
        try {
            enqueue(*queued);
        } catch (...) {
            queued->itself_.reset();  // no memory: it is the caller's again
            throw;
        }
        if (has_thread) {
            if (!led_) thread_wakes_.notify_one();
        } else if (queued_rows_ >= batch_rows) {
            leads = !std::exchange(led_, true);
        }
    }
    if (leads) lead(nullptr);
}

void Committer::await(Work& work) {
    if (!is_over(work)) {
        Look now;
        {
            const std::lock_guard lock(mutex_);
            work.deadline_ = options_.clock->steady() + options_.busy_timeout;
            work.is_awaited_ = true;
            now = look(work);
        }
        return wait_or_lead(work, now);
    }
    if (work.error_) std::rethrow_exception(work.error_);
}

bool Committer::is_over(const Work& work) noexcept {
    return work.is_over_.load(std::memory_order_acquire);
}

void Committer::start_thread() {
    thread_ = std::thread([this] { lead_in_thread(); });
}

void Committer::end_thread() noexcept {
    if (!thread_.joinable()) return;
    {
        const std::lock_guard lock(mutex_);
        thread_ends_ = true;
    }
    thread_wakes_.notify_one();
    thread_.join();
}

// Callers that find nobody leading lead all the same: that is the shortest way for a few. The thread takes over what
// nobody waits for, and crowds.
void Committer::lead_in_thread() {
    for (;;) {
        {
            std::unique_lock lock(mutex_);
            thread_wakes_.wait(lock, [&] { return thread_ends_ || (!queue_.empty() && !led_); });
            if (queue_.empty() || led_) return;  // it ends
            led_ = true;
        }
        lead(nullptr);
    }
}

bool Committer::checkpoint_wal() {
    bool complete = false;
    run_alone([&] {
        refuse_if_stopped();
        std::optional<WriterLock> writer_lock;
        if (!DAYBOOK_PLANTED(passive_checkpoint)) writer_lock.emplace(lock_, *options_.clock, options_.busy_timeout);
        complete = checkpoint_now();
    });
    return complete;
}

void Committer::stop(Error reason) {
    const std::lock_guard lock(stop_mutex_);
    if (!stopped_) stopped_ = std::make_exception_ptr(std::move(reason));
}

void Committer::refuse_if_stopped() const {
    std::exception_ptr reason;
    {
        const std::lock_guard lock(stop_mutex_);
        reason = stopped_;
    }
    if (reason) std::rethrow_exception(reason);
}

bool Committer::is_stopped() const {
    const std::lock_guard lock(stop_mutex_);
    return stopped_ != nullptr;
}

// It ends when the work is over. Whoever wakes and finds nobody leading leads: the one that was meant may be late.
void Committer::wait_or_lead(Work& work, Look now) {
    std::chrono::nanoseconds end{};
    if (!now.leads && options_.wait_strategy == WaitStrategy::yielding) end = machine_clock_.steady() + yields_for;
    while (!now.leads && !is_over(work)) {
        if (end.count() != 0) yield_until_news(work, now.word, end);
        if (is_over(work)) break;
        if (word_.load(std::memory_order_relaxed) == now.word) futex_wait(word_, now.word, work.group_);
        if (is_over(work)) break;
        const std::lock_guard lock(mutex_);
        now = look(work);
    }
    if (now.leads) lead(&work);
    if (work.error_) std::rethrow_exception(work.error_);
}

// Until the work is over or nobody leads, or it is better to sleep. Who goes on late judges; but the time that the leader spent in
// a checkpoint, perhaps on this processor, was not given away.
void Committer::yield_until_news(const Work& work, std::uint32_t word, std::chrono::nanoseconds end) {
    std::chrono::nanoseconds now = machine_clock_.steady();
    bool yielded = false;
    bool has_news = false;
    while (!(has_news = is_over(work) || word_.load(std::memory_order_acquire) != word) && now < end) {
        if (!yielding_.yield(now)) return;
        yielded = true;
        now = machine_clock_.steady();
    }
    if (!yielded || !has_news) return;
    const auto due = is_over(work) ? work.due_at_ : lead_due_at_.load(std::memory_order_relaxed);
    yielding_.judge(std::max(due, checkpointed_at_.load(std::memory_order_relaxed)), now);
}

// When those who are told now should go on, if only callers of this store are before them.
std::chrono::nanoseconds Committer::due_time() {
    return machine_clock_.steady() + expected_callers_ * turn_of_a_caller;
}

// Until the caller's own work is over: others may stand before it. Without one, a batch.
void Committer::lead(Work* own) {
    Work* const to_be_written = own != nullptr && own->alone_ == nullptr ? own : nullptr;
    std::uint32_t groups = 0;
    do {
        wake(groups);
        groups = lead_batch(to_be_written);
    } while (own != nullptr && !is_over(*own));
    hand_over(groups);
}

void Committer::wake(std::uint32_t groups) noexcept {
    if (groups == 0) return;
    word_.fetch_add(1, std::memory_order_release);
    futex_wake_all(word_, groups);
}

// The lead first, then the news: who is woken first can lead the next batch while the others are still being woken. Callers that
// yield have seen that their works are over, and may come again before this.
void Committer::hand_over(std::uint32_t groups) {
    std::uint32_t next = 0;
    if (options_.wait_strategy == WaitStrategy::yielding) lead_due_at_.store(due_time(), std::memory_order_relaxed);
    {
        const std::lock_guard lock(mutex_);
        led_ = false;
        word_.fetch_add(1, std::memory_order_release);
        const auto awaited =
            std::find_if(queue_.begin(), queue_.end(), [](const Work* work) { return work->is_awaited_; });
        if (awaited != queue_.end()) {
            next = (*awaited)->group_;
        } else if (!queue_.empty()) {
            thread_wakes_.notify_one();
        }
        has_room_.notify_all();
    }
    if ((next & ~groups) != 0) futex_wake_one(word_, next);
    if (groups != 0) futex_wake_all(word_, groups);
}

// What is to be run alone is run by whoever leads when it has become the first. Returns whom to wake.
std::uint32_t Committer::run_first_alone() {
    Work* work = nullptr;
    {
        const std::lock_guard lock(mutex_);
        if (queue_.empty() || queue_.front()->alone_ == nullptr) return 0;
        work = queue_.front();
        dequeue(queue_.begin());
    }
    try {
        (*work->alone_)();
    } catch (...) {
        work->error_ = std::current_exception();
    }
    const std::uint32_t group = work->group_;
    complete(*work, due_time());
    return group;
}

// One batch, by named steps: lock, begin, write, commit, mark, wake, deliver. Returns whom to wake.
std::uint32_t Committer::lead_batch(Work* own) {
    if (const std::uint32_t group = run_first_alone(); group != 0) return group;
    std::optional<WriterLock> writer_lock;
    Batch batch;
    try {
        batch.works.reserve(8);  // room for the leader's own work at least: it must not be left in the queue
        refuse_if_stopped();
        const std::chrono::nanoseconds left =
            own == nullptr ? options_.busy_timeout
                           : std::max(own->deadline_ - options_.clock->steady(), std::chrono::nanoseconds(0));
        if (!DAYBOOK_PLANTED(autocheckpoint_on)) writer_lock.emplace(lock_, *options_.clock, left);  // step: lock
        DAYBOOK_KILL_POINT(before_begin);
        writer_.begin();  // step: begin
    } catch (const Error& error) {
        if (ends_writing(error.code())) stop_after(error);
        return refuse_waiting(std::current_exception(), error.code() == ErrorCode::busy, own);
    } catch (...) {
        return refuse_waiting(std::current_exception(), false, own);
    }

    bool wrote = false;
    bool committing = false;
    try {
        take_batch(batch);  // step: write
        writer_.complete();
        committing = true;
        if (DAYBOOK_PLANTED(ack_before_commit))
            for (Work* work : batch.works)
                if (!work->error_) work->durable();
        DAYBOOK_KILL_POINT(before_commit);
        const std::chrono::nanoseconds begun = options_.clock->steady();
        wrote = writer_.commit();  // step: commit
        last_commit_ = options_.clock->steady() - begun;
        DAYBOOK_KILL_POINT(after_commit);
    } catch (const Error& error) {
        writer_.rollback();
        if (ends_writing(error.code())) stop_after(error);
        if (!concerns_all(error.code()) && batch.works.size() > 1) {
            wrote = write_one_by_one(batch);
        } else {
            // Also for who was refused by its own check: that may have seen what is rolled back now.
            for (Work* work : batch.works) work->error_ = copy_of(std::current_exception());
        }
    } catch (...) {  // std::bad_alloc and the like
        writer_.rollback();
        if (committing) stop_without_memory();
        for (Work* work : batch.works) work->error_ = committing ? in_doubt_ : std::current_exception();
    }
    return finish_commit(batch, wrote, writer_lock, own);
}

void Committer::take_batch(Batch& batch) {
    const std::size_t rows_max = options_.limits.batch_events_max * batches_together_max;
    std::size_t served = 0;
    while (take_arrived(batch, rows_max)) {
        if (served < batch.works.size()) {
            while (served < batch.works.size()) serve(*batch.works[served++]);
            continue;
        }
        const bool is_full = batch.rows >= rows_max || batch.bytes >= options_.limits.batch_bytes_max;
        if (is_full || batch.callers >= expected_callers_ || !await_arrivals(expected_callers_ - batch.callers)) break;
    }
    while (served < batch.works.size()) serve(*batch.works[served++]);
    const std::lock_guard lock(mutex_);
    group_ = std::rotl(group_, 1);  // who comes from now on is woken with the next batch
}

// Until somebody has come; false when nobody has in time. The leader must not spin: callers that were put on its processor
// could not run.
bool Committer::await_arrivals(std::size_t missing) {
    const std::chrono::nanoseconds patience = std::min(last_commit_ / patience_part, patience_max);
    std::chrono::nanoseconds now = machine_clock_.steady();
    const std::chrono::nanoseconds end = now + patience;
    while (queued_works_.load(std::memory_order_relaxed) == 0) {
        if (now >= end) return false;
        if (!yielding_.yield(now)) return sleep_until_arrivals(missing, end - now);
        const std::chrono::nanoseconds begun = std::exchange(now, machine_clock_.steady());
        yielding_.judge(begun, now);
    }
    return true;
}

// Until half of those who are missing have come, or the last few.
bool Committer::sleep_until_arrivals(std::size_t missing, std::chrono::nanoseconds longest) {
    std::uint32_t word = 0;
    {
        const std::lock_guard lock(mutex_);
        awaited_arrivals_ = missing > few_missing ? missing / 2 : missing;
        if (queue_.size() >= awaited_arrivals_) {
            awaited_arrivals_ = 0;
            return true;
        }
        word = arrivals_.load(std::memory_order_relaxed);
    }
    futex_wait_for(arrivals_, word, longest);
    const std::lock_guard lock(mutex_);
    awaited_arrivals_ = 0;
    return !queue_.empty();
}

// Takes what has come into the batch. False when the next has to wait for another one.
bool Committer::take_arrived(Batch& batch, std::size_t rows_max) {
    if (queued_works_.load(std::memory_order_relaxed) == 0) return true;
    const std::size_t bytes_max = options_.limits.batch_bytes_max;
    bool fits = true;
    const std::lock_guard lock(mutex_);
    while (!queue_.empty()) {
        Work* const next = queue_.front();
        fits = next->alone_ == nullptr && (batch.works.empty() || (batch.rows + next->rows() <= rows_max &&
                                                                   batch.bytes + next->bytes() <= bytes_max));
        if (!fits) break;
        batch.works.push_back(next);  // may throw: then it is still in the queue
        dequeue(queue_.begin());
        if (next->is_callers()) ++batch.callers;
        batch.rows += next->rows();
        batch.bytes += next->bytes();
        batch.groups |= next->group_;
    }
    return fits;
}

void Committer::serve(Work& work) {
    work.error_ = nullptr;
    if (DAYBOOK_PLANTED(spill_with_savepoints)) {
        writer_.connection().execute("SAVEPOINT caller");
        try {
            work.check(writer_);
            work.write(writer_);
            writer_.insert_kept_back();
        } catch (const Error&) {
            work.error_ = std::current_exception();
            writer_.connection().execute("ROLLBACK TO caller");
        }
        writer_.connection().execute("RELEASE caller");
        return;
    }
    try {
        work.check(writer_);
    } catch (const Error& error) {
        if (concerns_all(error.code()) || writer_.is_broken()) throw;
        work.error_ = std::current_exception();
        return;
    }
    work.write(writer_);
}

// Something went wrong while one of several was written, for example a value too large for SQLite: each gets a
// transaction of its own, so that only the culprit is refused.
bool Committer::write_one_by_one(Batch& batch) {
    bool wrote = false;
    for (Work* work : batch.works) {
        bool committing = false;
        try {
            refuse_if_stopped();
            writer_.begin();
            serve(*work);
            writer_.complete();
            committing = true;
            wrote = writer_.commit() || wrote;
        } catch (const Error& error) {
            writer_.rollback();
            if (ends_writing(error.code())) stop_after(error);
            work->error_ = std::current_exception();
        } catch (...) {
            writer_.rollback();
            if (committing) stop_without_memory();
            work->error_ = committing ? in_doubt_ : std::current_exception();
        }
    }
    return wrote;
}

// Returns whom to wake.
std::uint32_t Committer::finish_commit(Batch& batch, bool wrote, std::optional<WriterLock>& writer_lock,
                                       const Work* own) {
    if (wrote) publish();  // steps: mark, wake
    DAYBOOK_KILL_POINT(before_ack);
    const int pages = writer_.wal_pages();
    if (pages < wal_pages_before_) checkpoint_at_pages_ = static_cast<int>(options_.checkpoint_pages);  // begun anew
    wal_pages_before_ = pages;
    const bool checkpoint_due = wrote && pages >= checkpoint_at_pages_ && !is_stopped();
    if (!checkpoint_due || DAYBOOK_PLANTED(passive_checkpoint)) writer_lock.reset();
    for (Work* work : batch.works)  // step: deliver
        if (!work->error_) work->durable();
    expected_callers_ = batch.callers + queued_callers_.load(std::memory_order_relaxed);
    const bool is_own_alone = batch.works.size() == 1 && batch.works.front() == own;
    const std::chrono::nanoseconds due_at =
        options_.wait_strategy == WaitStrategy::yielding ? due_time() : std::chrono::nanoseconds(0);
    for (Work* work : batch.works) complete(*work, due_at);
    const std::uint32_t groups = is_own_alone ? 0 : batch.groups;
    if (!checkpoint_due) return groups;
    wake(groups);
    checkpoint_if_due();
    writer_lock.reset();
    return 0;
}

void Committer::publish() {
    try {
        // NORMAL leaves the mark where the last sync was: losing what came after it is allowed, and no alarm.
        if (options_.durability == Durability::full) lock_.write_mark(writer_.committed_head());
    } catch (...) {
        // The mark is a witness, not a condition: an old one still serves, and the commit is durable.
    }
    DAYBOOK_KILL_POINT(after_mark);
    try {
        if (wake_ != nullptr) wake_->touch();
    } catch (...) {
        // Subscribers elsewhere look by themselves every poll_interval.
    }
}

void Committer::checkpoint_if_due() {
    try {
        const int pages = writer_.wal_pages();
        const auto interval = static_cast<int>(options_.checkpoint_pages);
        // Somebody who reads an old state may hold it up, or keep -wal from being begun anew: then not after every commit.
        checkpoint_at_pages_ = pages + (checkpoint_now() ? interval : std::max(interval / 4, 1));
    } catch (...) {
        // checkpoint_now() has stopped this store's writing if it must stop; what was acknowledged is durable.
    }
}

bool Committer::checkpoint_now() {
    try {
        DAYBOOK_KILL_POINT(before_checkpoint);
        const bool complete =
            checkpoint(writer_.connection(), CheckpointMode::full, static_cast<int>(options_.busy_timeout.count()));
        DAYBOOK_KILL_POINT(after_checkpoint);
        checkpointed_at_.store(machine_clock_.steady(), std::memory_order_relaxed);
        // All of it is in the synced database file now, whatever the durability. The head is this store's last: begin
        // anew, another process may have written since.
        if (complete && options_.durability == Durability::normal) {
            writer_.begin();
            const Head head = writer_.committed_head();
            writer_.rollback();
            lock_.write_mark(head);
        }
        return complete;
    } catch (const Error& error) {
        writer_.rollback();
        if (ends_writing(error.code())) stop_after(error);
        throw;
    }
}

// The leader's own work, and others that waited too long or cannot succeed either. Returns whom to wake.
std::uint32_t Committer::refuse_waiting(const std::exception_ptr& error, bool only_timed_out, const Work* own) {
    std::uint32_t groups = 0;
    const std::lock_guard lock(mutex_);
    const auto now = options_.clock->steady();
    for (auto place = queue_.begin(); place != queue_.end();) {
        Work* const work = *place;
        // Of those that nobody waits for only a leader without a work of its own has waited long enough.
        const bool timed_out = work->is_awaited_ ? work->deadline_ <= now : own == nullptr;
        if (work == own || (work->alone_ == nullptr && (!only_timed_out || timed_out))) {
            place = dequeue(place);
            work->error_ = copy_of(error);
            groups |= work->group_;
            complete(*work, due_time());
        } else {
            ++place;
        }
    }
    return groups;
}

// It must not throw: whoever leads would go without handing over, and everybody else would wait for ever.
void Committer::stop_after(const Error& error) noexcept {
    try {
        stop(Error(
            ErrorCode::writes_refused,
            fmt::format("write to {}: an earlier write met an error ({}); close the store and open it again, then what "
                        "is stored is certain",
                        path_, error.what())));
    } catch (...) {
        stop_without_memory();
    }
}

void Committer::stop_without_memory() noexcept {
    const std::lock_guard lock(stop_mutex_);
    if (!stopped_) stopped_ = refused_;
}

void Committer::complete(Work& work, std::chrono::nanoseconds due_at) {
    work.due_at_ = due_at;
    const std::shared_ptr<Work> itself = std::move(work.itself_);  // lives until the work has been told
    work.is_over_.store(true, std::memory_order_release);
}

}  // namespace daybook
