#include <daybook/store/subscription.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <string_view>
#include <utility>
#include <vector>

#include <daybook/event/error.hpp>

#include "store/event_cursor_impl.hpp"
#include "store/event_reader_impl.hpp"
#include "store/log_head.hpp"
#include "store/subscription_impl.hpp"

namespace daybook {

namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

// A filter that matches nothing for long is looked through in steps, so that interrupt() and the timeout are heard.
constexpr std::uint64_t filtered_step_events = 65'536;

void validate(const SubscriptionOptions& options) {
    std::vector<std::string> faults;
    const Window& filter = options.filter;
    const auto refuse = [&faults](bool given, std::string_view what) {
        if (given) faults.push_back(fmt::format("the filter has {}, which a subscription does not take", what));
    };
    refuse(filter.from_seq || filter.to_seq, "bounds by seq");
    refuse(filter.from || filter.to, "bounds in time");
    refuse(filter.limit.has_value(), "a limit");
    refuse(filter.reverse, "a reverse order");
    if (options.after && options.from_head) faults.emplace_back("both a position and from_head say where to begin");
    if (options.poll_interval < milliseconds{1} || options.poll_interval > std::chrono::minutes{1})
        faults.push_back(fmt::format("poll_interval is {} ms, it must be 1 to 60000", options.poll_interval.count()));
    if (!faults.empty())
        throw Error(ErrorCode::invalid_argument, fmt::format("subscribe: {}", fmt::join(faults, "; ")));
}

// Waits for a touch of the wake file, or for the poll interval where nothing can be watched. It watches from its birth
// on, so that a touch between a look at the log and the wait ends that wait at once.
// Thread-safety: wait() and take_interruption() from one thread, interrupt() from any.
class WakeUp {
  public:
    WakeUp(FileSystem& files, const std::string& path, bool may_create) : watch_(make_watch(files, path, may_create)) {}

    // True when woken or interrupted, false after `timeout`.
    bool wait(nanoseconds timeout) {
        if (watch_) return interrupted() || watch_->wait(timeout);
        std::unique_lock lock(mutex_);
        return interruption_.wait_for(lock, timeout, [this] { return interrupted_; });
    }

    void interrupt() noexcept {
        const std::lock_guard lock(mutex_);
        interrupted_ = true;
        if (watch_) watch_->interrupt();
        interruption_.notify_all();
    }

    // Whether interrupt() was called since the last time.
    bool take_interruption() {
        const std::lock_guard lock(mutex_);
        return std::exchange(interrupted_, false);
    }

  private:
    static std::unique_ptr<FileWatch> make_watch(FileSystem& files, const std::string& path, bool may_create) {
        try {
            if (may_create && !files.exists(path)) static_cast<void>(files.open(path, OpenMode::create));
        } catch (const Error&) {  // a directory that cannot be written: somebody who can may make it yet
        }
        try {
            return files.watch(path);
        } catch (const Error&) {  // no watches left: polling finds new events, only later
            return nullptr;
        }
    }

    [[nodiscard]] bool interrupted() {
        const std::lock_guard lock(mutex_);
        return interrupted_;
    }

    const std::unique_ptr<FileWatch> watch_;  // null: nothing to be had but polling
    std::mutex mutex_;
    std::condition_variable interruption_;
    bool interrupted_ = false;  // guarded by mutex_
};

}  // namespace

struct Subscription::Impl {
  public:
    Impl(SubscriptionSource source, SubscriptionOptions options);

    const EventView* next(milliseconds timeout);
    [[nodiscard]] const Position& position() const noexcept { return position_; }
    void save();
    void interrupt() noexcept { wake_up_.interrupt(); }

  private:
    const EventView* look();
    [[nodiscard]] Head look_up_head() const;
    [[nodiscard]] Position position_at(Sequence seq) const;
    void check_history(const Position& position, std::string_view whose) const;

    const SubscriptionSource source_;
    const SubscriptionOptions options_;
    const bool filtered_;
    WakeUp wake_up_;
    Head head_;          // as last looked up
    Position position_;  // of the last event handed out or passed over
    std::optional<Checkpoint> kept_;
    std::unique_ptr<EventCursor::Impl> cursor_;  // reads up to cursor_end_
    Sequence cursor_end_;
    bool caught_up_ = false;  // the last look() found nothing new
};

Subscription::Impl::Impl(SubscriptionSource source, SubscriptionOptions options)
    : source_(std::move(source)),
      options_((validate(options), std::move(options))),
      filtered_(options_.filter.is_filtered()),
      wake_up_(*source_.files, source_.wake_path, source_.writable),
      head_(look_up_head()),
      position_{source_.store_id, Sequence{0}, Digest{}} {
    if (!options_.checkpoint.empty()) kept_ = source_.load_checkpoint(options_.checkpoint);
    if (kept_ && head_.seq < kept_->head.seq) head_ = look_up_head();  // kept after the head was looked up
    if (options_.after) {
        check_history(*options_.after, "the given position");
        position_ = *options_.after;
    } else if (kept_) {
        position_ = kept_->head.position();
        check_history(position_, fmt::format("checkpoint '{}'", options_.checkpoint));
    } else if (options_.from_head) {
        position_ = head_.position();
    }
}

Head Subscription::Impl::look_up_head() const {
    auto lease = source_.pool->borrow();
    return read_head(lease, source_.store_id);
}

Position Subscription::Impl::position_at(Sequence seq) const {
    return EventReader(std::make_shared<EventReader::Impl>(source_.pool, head_, source_.page_events)).position_at(seq);
}

void Subscription::Impl::check_history(const Position& position, std::string_view whose) const {
    constexpr std::string_view advice =
        "it is of another history (a restored backup, or commits lost with the power): "
        "begin anew from a position that this log confirms";
    if (position.store_id != source_.store_id)
        throw Error(ErrorCode::history_diverged,
                    fmt::format("follow the log after {}: it is of store {}, this is store {}", whose,
                                position.store_id.to_string(), source_.store_id.to_string()));
    if (position.seq > head_.seq)
        throw Error(ErrorCode::history_diverged,
                    fmt::format("follow the log after {}: it is at seq {}, the log ends at {}; {}", whose,
                                position.seq.value, head_.seq.value, advice));
    const Position here = position_at(position.seq);
    if (here.digest != position.digest)
        throw Error(ErrorCode::history_diverged,
                    fmt::format("follow the log after {}: it is at seq {} with digest {}, the log has {} there; {}",
                                whose, position.seq.value, position.digest.to_hex(), here.digest.to_hex(), advice));
}

// One step: the next event, or null when a step ended without one.
const EventView* Subscription::Impl::look() {
    if (!cursor_) {
        if (position_.seq >= head_.seq) {
            head_ = look_up_head();
            if (head_.seq < position_.seq)
                throw Error(ErrorCode::history_diverged,
                            fmt::format("follow the log: it ends at seq {}, but seq {} was already handed out",
                                        head_.seq.value, position_.seq.value));
        }
        caught_up_ = head_.seq == position_.seq;
        if (caught_up_) return nullptr;
        cursor_end_ = head_.seq;
        if (filtered_) cursor_end_.value = std::min(cursor_end_.value, position_.seq.value + filtered_step_events);
        Window window = options_.filter;
        window.from_seq = Sequence{position_.seq.value + 1};
        window.to_seq = cursor_end_;
        cursor_ = std::make_unique<EventCursor::Impl>(source_.pool, head_, source_.page_events, window);
    }
    if (const EventView* event = cursor_->next()) {
        position_.seq = event->seq;
        position_.digest = event->digest;
        return event;
    }
    cursor_.reset();
    position_ = position_at(cursor_end_);
    return nullptr;
}

const EventView* Subscription::Impl::next(milliseconds timeout) {
    // What is already read needs no clock.
    if (cursor_)
        if (const EventView* event = look()) return event;
    // Time that was waited counts as well as what the clock says: a clock of a test may stand still.
    const nanoseconds begin = source_.clock->steady();
    nanoseconds waited{0};
    for (;;) {
        if (const EventView* event = look()) return event;
        if (wake_up_.take_interruption()) return nullptr;
        const nanoseconds left = timeout - std::max(waited, source_.clock->steady() - begin);
        if (!caught_up_) {
            // next(0) is how a caller takes all that is there: it looks through all of it.
            if (left <= nanoseconds{0} && timeout > milliseconds{0}) return nullptr;
            continue;
        }
        if (left <= nanoseconds{0}) return nullptr;
        const nanoseconds slice = std::min<nanoseconds>(left, options_.poll_interval);
        if (!wake_up_.wait(slice)) waited += slice;
    }
}

void Subscription::Impl::save() {
    if (options_.checkpoint.empty())
        throw Error(ErrorCode::invalid_argument, "save a subscription's position: it has no checkpoint's name");
    Checkpoint checkpoint;
    checkpoint.name = options_.checkpoint;
    checkpoint.head.store_id = position_.store_id;
    checkpoint.head.seq = position_.seq;
    checkpoint.head.digest = position_.digest;
    checkpoint.updated_at = source_.clock->now();
    source_.save_checkpoint(checkpoint, kept_);
    kept_ = std::move(checkpoint);
}

Subscription make_subscription(SubscriptionSource source, SubscriptionOptions options) {
    return Subscription(std::make_unique<Subscription::Impl>(std::move(source), std::move(options)));
}

Subscription::Subscription(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
Subscription::Subscription(Subscription&&) noexcept = default;
Subscription& Subscription::operator=(Subscription&&) noexcept = default;
Subscription::~Subscription() = default;

const EventView* Subscription::next(milliseconds timeout) {
    return impl_->next(timeout);
}
Position Subscription::position() const {
    return impl_->position();
}
void Subscription::save() {
    impl_->save();
}
void Subscription::interrupt() noexcept {
    impl_->interrupt();
}

}  // namespace daybook
