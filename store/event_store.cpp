#include <daybook/store/append_ticket.hpp>
#include <daybook/store/event_store.hpp>

#include <fmt/format.h>

#include <utility>

#include <daybook/event/error.hpp>

#include "event/process_mark.hpp"
#include "store/append_work.hpp"
#include "store/event_reader_impl.hpp"
#include "store/event_store_impl.hpp"
#include "store/log_head.hpp"
#include "store/notes_work.hpp"
#include "store/opening.hpp"
#include "store/results_work.hpp"
#include "store/subscription_impl.hpp"

namespace daybook {

namespace {

class HeldOwner final : public OwnerLock {
  public:
    HeldOwner(std::shared_ptr<EventStore::Impl> store, std::string name)
        : store_(std::move(store)), name_(std::move(name)), process_(process_mark()) {}
    ~HeldOwner() override {
        // The lock belongs to the open file, which a forked child shares: only the parent may give it up.
        if (process_mark() == process_ && store_->file.lock) store_->file.lock->release_owner(name_);
    }
    HeldOwner(const HeldOwner&) = delete;
    HeldOwner& operator=(const HeldOwner&) = delete;

    const std::string& name() const noexcept override { return name_; }

  private:
    const std::shared_ptr<EventStore::Impl> store_;
    const std::string name_;
    const std::uint64_t process_;
};

}  // namespace

EventStore::Impl::Impl(StoreOptions given)
    : options(with_defaults(std::move(given))), ids(*options.clock, *options.random), process(process_mark()) {}

EventStore::Impl::~Impl() {
    if (process_mark() == process) {
        try {
            close();
        } catch (...) {
            // close() is there for those who want to know.
        }
        return;
    }
    // No SQLite connection may cross fork(), not even to be closed; and unlocking here would unlock for the parent.
    // Closing the lock file does not, and the parent's locks must not outlive it in a child that goes on.
    if (file.lock) file.lock->abandon();
    static_cast<void>(committer.release());
    static_cast<void>(writer.release());
    static_cast<void>(file.connection.release());
    static_cast<void>(file.wake.release());
    static_cast<void>(file.lock.release());
}

void EventStore::Impl::require_open() const {
    if (process_mark() != process)
        throw Error(
            ErrorCode::wrong_process,
            fmt::format("use {}: the store was opened before fork(); open it again in this process", path.string()));
    if (closed.load(std::memory_order_acquire))
        throw Error(ErrorCode::closed, fmt::format("use {}: the store was closed", path.string()));
}

void EventStore::Impl::require_writable(std::string_view attempted) const {
    require_open();
    if (file.refusal) throw Error(*file.refusal);
    if (!committer)
        throw Error(ErrorCode::read_only,
                    fmt::format("{} to {}: the store was opened for reading; open it with Access::read_write",
                                attempted, path.string()));
}

void EventStore::Impl::close() {
    if (closed.exchange(true, std::memory_order_acq_rel)) return;
    if (readers) readers->close();  // null when open() failed
    if (!file.lock) return;
    const auto end_writing = [this] {
        const bool trusted = committer && !committer->is_stopped();
        if (committer)
            committer->stop(Error(ErrorCode::closed, fmt::format("use {}: the store was closed", path.string())));
        writer.reset();  // its statements die before their connection
        close_for_writing(file, trusted, options);
    };
    if (committer) {
        committer->run_alone(end_writing);
        committer->end_thread();
    } else {
        end_writing();
    }
    // The lock file stays open until nobody uses this store any more: an owner's lock may still be held in it.
}

EventStore::EventStore(std::shared_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
EventStore::EventStore(EventStore&&) noexcept = default;
EventStore& EventStore::operator=(EventStore&& other) noexcept = default;
EventStore::~EventStore() = default;

EventStore EventStore::open(const std::filesystem::path& path, StoreOptions options) {
    options.validate();
    auto impl = std::make_shared<Impl>(std::move(options));
    const StoreOptions& given = impl->options;
    impl->path = resolve_path(path, given);
    if (given.access == Access::read) {
        ReadingConnection opened = open_for_reading(impl->path, given);
        impl->store_id = read_head(*opened.connection).store_id;
        impl->warnings = std::move(opened.warnings);
        impl->readers = std::make_shared<ReaderPool>(
            [resolved = impl->path, given] { return open_reading_connection(resolved, given); });
        return EventStore(std::move(impl));
    }
    impl->readers =
        std::make_shared<ReaderPool>([resolved = impl->path, given] { return connect_for_reading(resolved, given); });
    impl->file = open_for_writing(impl->path, given);
    impl->store_id = impl->file.head.store_id;
    impl->warnings = impl->file.warnings;
    if (impl->file.connection) {
        impl->writer = std::make_unique<LogWriter>(*impl->file.connection, given, impl->file.head);
        impl->committer = std::make_unique<Committer>(impl->path.native(), given, *impl->file.lock, *impl->writer,
                                                      impl->file.wake.get());
        if (given.commit_thread) impl->committer->start_thread();
    }
    return EventStore(std::move(impl));
}

// Writing -------------------------------------------------------------------------------------------------------------

AppendOutcome EventStore::try_append(AppendRequest request) {
    impl_->require_writable("append");
    AppendWork work(std::move(request), impl_->options, impl_->ids);
    impl_->committer->submit(work);
    return work.take_outcome();
}

AppendTicket EventStore::append_later(AppendRequest request) {
    impl_->require_writable("append");
    auto work = std::make_shared<AppendWork>(std::move(request), impl_->options, impl_->ids);
    impl_->committer->submit_later(work);
    return {impl_, std::move(work)};
}

Appended EventStore::append(AppendRequest request) {
    AppendOutcome outcome = try_append(std::move(request));
    if (const auto* conflict = std::get_if<VersionConflict>(&outcome))
        throw Error(ErrorCode::version_conflict, conflict->message());
    if (const auto* conflict = std::get_if<IdempotencyConflict>(&outcome))
        throw Error(ErrorCode::idempotency_conflict, conflict->message());
    return std::get<Appended>(std::move(outcome));
}

Appended EventStore::append(NewEvent event, ExpectedVersion expected) {
    AppendRequest request;
    if (expected.kind() != ExpectedVersion::Kind::any) request.expectations.push_back({event.stream, expected});
    request.events.push_back(std::move(event));
    return append(std::move(request));
}

std::vector<EventResult> EventStore::append_results(std::vector<NewResult> results, bool imported) {
    impl_->require_writable("append results");
    if (results.empty()) return {};
    ResultsWork work(std::move(results), imported, impl_->options.limits);
    impl_->committer->submit(work);
    return work.take_written();
}

std::optional<EventResult> EventStore::claim(const Unfinished& work, const OwnerLock& owner) {
    impl_->require_writable("claim a handler");
    ClaimWork claim(work, owner.name(), *impl_->file.lock);
    impl_->committer->submit(claim);
    return claim.take_claimed();
}

std::vector<Unfinished> EventStore::unfinished(std::optional<std::string_view> bus) const {
    impl_->require_open();
    std::vector<Unfinished> found;
    {
        ReaderPool::Lease lease = impl_->readers->borrow();
        Statement& read = lease.statement(
            "SELECT u.event_seq, e.event_id, e.type, u.bus, u.handler, u.attempt, u.owner, u.recoverable, u.started, "
            "u.since"
            " FROM unfinished_handlers AS u JOIN events_log AS e ON e.seq = u.event_seq"
            " WHERE ?1 IS NULL OR u.bus = ?1 ORDER BY u.event_seq, u.bus, u.handler");
        const ResetGuard guard(read);
        if (bus) {
            read.bind(1, *bus);
        } else {
            read.bind_null(1);
        }
        while (read.step()) {
            found.push_back({.event_seq = Sequence{read.unsigned_integer(0)},
                             .event_id = std::string(read.text(1)),
                             .event_type = std::string(read.text(2)),
                             .bus = std::string(read.text(3)),
                             .handler = std::string(read.text(4)),
                             .attempt = static_cast<std::uint32_t>(read.integer(5)),
                             .owner = std::string(read.text(6)),
                             .recoverable = read.integer(7) != 0,
                             .started = read.integer(8) != 0,
                             .since = Timestamp{read.integer(9)}});
        }
    }
    if (found.empty()) return found;
    // A store that is open for reading looks through a lock file of its own; where there is none, nobody can live.
    std::unique_ptr<LockFile> own;
    LockFile* lock = impl_->file.lock.get();
    if (lock == nullptr && impl_->options.files->exists(lock_path_of(impl_->path.native()))) {
        own = std::make_unique<LockFile>(*impl_->options.files, impl_->path.native(), false);
        lock = own.get();
    }
    for (Unfinished& work : found) work.owner_is_gone = lock == nullptr || lock->owner_is_gone(work.owner);
    return found;
}

std::unique_ptr<OwnerLock> EventStore::hold_owner_lock() {
    impl_->require_writable("hold an owner's lock");
    for (;;) {
        std::string name = uuid_v4(*impl_->options.random).to_string();
        if (impl_->file.lock->hold_owner(name)) return std::make_unique<HeldOwner>(impl_, std::move(name));
    }
}

void EventStore::save_checkpoint(const Checkpoint& checkpoint, const std::optional<Checkpoint>& expected) {
    impl_->require_writable("save a checkpoint");
    check_name(checkpoint.name, "checkpoint", impl_->options.limits.stream_bytes_max);
    CheckpointWork work(checkpoint, expected);
    impl_->committer->submit(work);
}

std::optional<Checkpoint> EventStore::checkpoint(std::string_view name) const {
    impl_->require_open();
    ReaderPool::Lease lease = impl_->readers->borrow();
    Statement& find = lease.statement(
        "SELECT name, seq, digest, result_seq, result_digest, updated_at FROM checkpoints WHERE name = ?");
    const ResetGuard guard(find);
    find.bind(1, name);
    if (!find.step()) return std::nullopt;
    return checkpoint_from(find, impl_->store_id);
}

std::vector<Checkpoint> EventStore::checkpoints() const {
    impl_->require_open();
    ReaderPool::Lease lease = impl_->readers->borrow();
    Statement& read = lease.statement(
        "SELECT name, seq, digest, result_seq, result_digest, updated_at FROM checkpoints ORDER BY name");
    const ResetGuard guard(read);
    std::vector<Checkpoint> all;
    while (read.step()) all.push_back(checkpoint_from(read, impl_->store_id));
    return all;
}

void EventStore::claim_import_name(std::string_view name, std::string_view source) {
    impl_->require_writable("claim an import name");
    check_name(name, "import name", impl_->options.limits.stream_bytes_max);
    ImportNameWork work{std::string(name), std::string(source), impl_->options.clock->now()};
    impl_->committer->submit(work);
}

bool EventStore::checkpoint_wal() {
    impl_->require_writable("checkpoint -wal");
    return impl_->committer->checkpoint_wal();
}

// Reading -------------------------------------------------------------------------------------------------------------

Head EventStore::head() const {
    impl_->require_open();
    ReaderPool::Lease lease = impl_->readers->borrow();
    return read_head(lease, impl_->store_id);
}

EventReader EventStore::reader() const {
    return EventReader(std::make_shared<EventReader::Impl>(impl_->readers, head(), impl_->options.page_events));
}

EventCursor EventStore::read(const Window& window) const {
    return reader().read(window);
}
std::optional<Event> EventStore::find(Sequence seq) const {
    return reader().find(seq);
}
std::optional<Event> EventStore::find(std::string_view id) const {
    return reader().find(id);
}
Version EventStore::stream_version(std::string_view stream) const {
    return reader().stream_version(stream);
}

Subscription EventStore::subscribe(SubscriptionOptions options) {
    impl_->require_open();
    SubscriptionSource source;
    source.pool = impl_->readers;
    source.store_id = impl_->store_id;
    source.page_events = impl_->options.page_events;
    source.files = impl_->options.files;
    source.clock = impl_->options.clock;
    source.wake_path = wake_path_of(impl_->path.native());
    source.writable = impl_->committer != nullptr;
    // Not this store itself, which may be moved; a subscription must not outlive it, and keeps its insides alive.
    const auto store = std::make_shared<EventStore>(EventStore(impl_));
    source.load_checkpoint = [store](std::string_view name) { return store->checkpoint(name); };
    source.save_checkpoint = [store](const Checkpoint& checkpoint, const std::optional<Checkpoint>& expected) {
        store->save_checkpoint(checkpoint, expected);
    };
    return make_subscription(std::move(source), std::move(options));
}

// The file ------------------------------------------------------------------------------------------------------------

const std::filesystem::path& EventStore::path() const noexcept {
    return impl_->path;
}
const StoreOptions& EventStore::options() const noexcept {
    return impl_->options;
}
const Uuid& EventStore::store_id() const noexcept {
    return impl_->store_id;
}
Clock& EventStore::clock() const noexcept {
    return *impl_->options.clock;
}
RandomSource& EventStore::random() const noexcept {
    return *impl_->options.random;
}
FileSystem& EventStore::files() const noexcept {
    return *impl_->options.files;
}
std::string EventStore::new_id() {
    return impl_->ids.next().to_string();
}
const std::vector<std::string>& EventStore::warnings() const noexcept {
    return impl_->warnings;
}

void EventStore::close() {
    if (process_mark() != impl_->process) impl_->require_open();
    impl_->close();
}

}  // namespace daybook
