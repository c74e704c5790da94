#include "store/committer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <utility>

#include "event/test_hooks.hpp"
#include "store/futex.hpp"
#include "store/wal_checkpoint.hpp"

namespace daybook {

namespace {

// A leader whose queue is dry waits for those who came to the last batch, but no longer than a tenth of what the last commit
// took: committing at once halves the batches of a few busy threads. It spins, because a yield may cost milliseconds where
// other programs are busy. The looks are counted too: a test's clock may stand still.
constexpr int dry_looks_max = 2'000;
constexpr int pauses_of_a_look = 20;
// Batches of several callers together; pages of an open transaction stay in memory, because spilling is off.
constexpr std::size_t batches_together_max = 4;

// Rows that may wait for the commit thread: so many batches.
constexpr std::size_t queued_batches_max = 16;

constexpr std::uint32_t waiting = 0;
constexpr std::uint32_t told_to_lead = 1;
constexpr std::uint32_t done = 2;

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

// Outlives its work while the leader still signals it.
struct Work::Seat {
    std::atomic<std::uint32_t> state{waiting};

    void set(std::uint32_t to) {
        state.store(to, std::memory_order_release);
        futex_wake_one(state);
    }
    std::uint32_t wait() {
        std::uint32_t now = state.load(std::memory_order_acquire);
        while (now == waiting) {
            futex_wait(state, waiting);
            now = state.load(std::memory_order_acquire);
        }
        return now;
    }
};

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
        complete(*work);
    }
}

void Committer::submit(Work& work) {
    work.seat_ = std::make_shared<Work::Seat>();
    work.error_ = nullptr;
    work.deadline_ = options_.clock->steady() + options_.busy_timeout;
    bool leads = false;
    {
        const std::lock_guard lock(mutex_);
        queue_.push_back(&work);
        queued_rows_ += work.rows();
        leads = !std::exchange(led_, true);
    }
    wait_or_lead(work, leads);
}

void Committer::run_alone(std::function<void()> action) {
    NoWork work;
    work.alone_ = &action;
    submit(work);
}

void Committer::submit_later(std::shared_ptr<Work> work) {
    work->seat_ = std::make_shared<Work::Seat>();
    work->deadline_ = std::chrono::nanoseconds::max();  // until somebody waits
    work->is_awaited_ = false;
    Work* const queued = work.get();
    const std::size_t batch_rows = options_.limits.batch_events_max;
    bool leads = false;
    {
        std::unique_lock lock(mutex_);
        const bool has_thread = thread_.joinable();
        if (has_thread) has_room_.wait(lock, [&] { return queued_rows_ <= batch_rows * queued_batches_max; });
        queue_.push_back(queued);
        queued->itself_ = std::move(work);
        queued_rows_ += queued->rows();
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
        bool leads = false;
        {
            const std::lock_guard lock(mutex_);
            work.deadline_ = options_.clock->steady() + options_.busy_timeout;
            work.is_awaited_ = true;
            leads = !std::exchange(led_, true);
        }
        return wait_or_lead(work, leads);
    }
    if (work.error_) std::rethrow_exception(work.error_);
}

bool Committer::is_over(const Work& work) noexcept {
    return work.seat_->state.load(std::memory_order_acquire) == done;
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

// With the lead or without it; it ends when the work is over.
void Committer::wait_or_lead(Work& work, bool leads) {
    if (leads || work.seat_->wait() == told_to_lead) lead(&work);
    if (work.error_) std::rethrow_exception(work.error_);
}

bool Committer::is_first(const Work& work) {
    const std::lock_guard lock(mutex_);
    return queue_.front() == &work;
}

// Until the caller's own work is over: others may stand before it that nobody waits for. Without one, a batch.
void Committer::lead(Work* own) {
    if (own == nullptr) {
        lead_batch(nullptr);
    } else if (own->alone_ != nullptr) {
        while (!is_first(*own)) lead_batch(nullptr);
        {
            const std::lock_guard lock(mutex_);
            queue_.pop_front();
        }
        try {
            (*own->alone_)();
        } catch (...) {
            own->error_ = std::current_exception();
        }
    } else {
        while (!is_over(*own)) lead_batch(own);
    }
    hand_over();
}

void Committer::hand_over() {
    std::shared_ptr<Work::Seat> next;
    {
        const std::lock_guard lock(mutex_);
        const auto awaited =
            std::find_if(queue_.begin(), queue_.end(), [](const Work* work) { return work->is_awaited_; });
        if (awaited == queue_.end()) {
            led_ = false;
            if (!queue_.empty()) thread_wakes_.notify_one();
        } else {
            next = (*awaited)->seat_;
        }
        has_room_.notify_all();
    }
    if (next) next->set(told_to_lead);
}

// One batch, by named steps: lock, begin, write, commit, mark, wake, deliver.
void Committer::lead_batch(Work* own) {
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
        refuse_waiting(std::current_exception(), error.code() == ErrorCode::busy, own);
        return;
    } catch (...) {
        refuse_waiting(std::current_exception(), false, own);
        return;
    }

    bool wrote = false;
    bool committing = false;
    try {
        take_batch(batch);  // step: write
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
    finish_commit(batch, wrote, writer_lock);
}

void Committer::take_batch(Batch& batch) {
    const std::size_t rows_max = options_.limits.batch_events_max * batches_together_max;
    const std::size_t bytes_max = options_.limits.batch_bytes_max;
    int dry_looks = 0;
    std::chrono::nanoseconds dry_since{};
    for (;;) {
        Work* work = nullptr;
        bool others_turn = false;
        {
            const std::lock_guard lock(mutex_);
            if (!queue_.empty()) {
                Work* const next = queue_.front();
                const bool fits = batch.works.empty() ||
                                  (batch.rows + next->rows() <= rows_max && batch.bytes + next->bytes() <= bytes_max);
                others_turn = next->alone_ != nullptr || !fits;
                if (!others_turn) {
                    batch.works.push_back(next);  // may throw: then it is still in the queue
                    work = next;
                    queue_.pop_front();
                    queued_rows_ -= work->rows();
                }
            }
        }
        if (others_turn) break;
        if (work == nullptr) {
            if (batch.works.size() >= last_batch_works_ || ++dry_looks > dry_looks_max) break;
            const std::chrono::nanoseconds now = options_.clock->steady();
            if (dry_looks == 1) dry_since = now;
            if (now - dry_since > last_commit_ / 10) break;
            for (int pause = 0; pause < pauses_of_a_look; ++pause) pause_briefly();
            continue;
        }
        dry_looks = 0;
        batch.rows += work->rows();
        batch.bytes += work->bytes();
        serve(*work);
    }
    last_batch_works_ = batch.works.size();
}

void Committer::serve(Work& work) {
    work.error_ = nullptr;
    if (DAYBOOK_PLANTED(spill_with_savepoints)) {
        writer_.connection().execute("SAVEPOINT caller");
        try {
            work.check(writer_);
            work.write(writer_);
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
        if (concerns_all(error.code())) throw;
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

void Committer::finish_commit(Batch& batch, bool wrote, std::optional<WriterLock>& writer_lock) {
    if (wrote) publish();  // steps: mark, wake
    DAYBOOK_KILL_POINT(before_ack);
    const int pages = writer_.wal_pages();
    if (pages < wal_pages_before_) checkpoint_at_pages_ = static_cast<int>(options_.checkpoint_pages);  // begun anew
    wal_pages_before_ = pages;
    const bool checkpoint_due = wrote && pages >= checkpoint_at_pages_ && !is_stopped();
    if (!checkpoint_due || DAYBOOK_PLANTED(passive_checkpoint)) writer_lock.reset();
    for (Work* work : batch.works)  // step: deliver
        if (!work->error_) work->durable();
    // The caller that leads is the first of the batch; nobody waits on its seat.
    for (Work* work : batch.works) complete(*work);
    if (checkpoint_due) checkpoint_if_due();
    writer_lock.reset();
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

// The leader's own work, and others that waited too long or cannot succeed either.
void Committer::refuse_waiting(const std::exception_ptr& error, bool only_timed_out, const Work* own) {
    const std::lock_guard lock(mutex_);
    const auto now = options_.clock->steady();
    for (auto place = queue_.begin(); place != queue_.end();) {
        Work* const work = *place;
        // Of those that nobody waits for only a leader without a work of its own has waited long enough.
        const bool timed_out = work->is_awaited_ ? work->deadline_ <= now : own == nullptr;
        if (work == own || (work->alone_ == nullptr && (!only_timed_out || timed_out))) {
            place = queue_.erase(place);
            queued_rows_ -= work->rows();
            work->error_ = copy_of(error);
            complete(*work);
        } else {
            ++place;
        }
    }
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

void Committer::complete(Work& work) {
    const std::shared_ptr<Work> itself = std::move(work.itself_);
    const std::shared_ptr<Work::Seat> seat = work.seat_;  // the work may be gone once it is done
    seat->set(done);
}

}  // namespace daybook
