#include "crash/fault_client.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <new>

#include <daybook/event/error.hpp>
#include <daybook/middleware/journal.hpp>
#include <daybook/store/backup.hpp>
#include <daybook/store/diagnosis.hpp>
#include <daybook/store/verify.hpp>

namespace daybook::crash {

using simulation::Exposed;
using simulation::Sheltered;

namespace {

// After these a store must refuse what is written next.
bool ends_writing(ErrorCode code) {
    return code == ErrorCode::io_error || code == ErrorCode::commit_in_doubt || code == ErrorCode::out_of_memory ||
           code == ErrorCode::writes_refused;
}

// What a failing disk or missing memory may be called.
bool is_true_of_a_fault(ErrorCode code) {
    switch (code) {
        case ErrorCode::io_error:
        case ErrorCode::disk_full:
        case ErrorCode::commit_in_doubt:
        case ErrorCode::writes_refused:
        case ErrorCode::out_of_memory:
        case ErrorCode::permission_denied:  // all that SQLite says of a file that cannot be opened
            return true;
        default:
            return false;
    }
}

}  // namespace

NewEvent make_fault_event(std::string_view id, std::size_t payload_bytes) {
    NewEvent event;
    event.type = "thing:happened";
    event.stream = fmt::format("stream-{}", id.size() % 2);
    event.id = std::string(id);
    event.payload = fmt::format(R"({{"of":"{}","text":"{}"}})", id, std::string(payload_bytes, 'x'));
    event.correlation_id = "run-1";
    event.tags = {{"key", std::string(id)}};
    return event;
}

struct FaultClient::Bus {
    std::shared_ptr<JournalMiddleware> journal;
    std::optional<EventBus> bus;
    std::vector<Registration> handlers;
};

FaultClient::FaultClient(const simulation::DiskImage& image, Ledger given, ClientOptions options)
    : machine(image), ledger(std::move(given)), options_(std::move(options)) {
    machine.vfs.powersafe_overwrite = options_.powersafe_overwrite;
    files_ = options_.wrap_files ? options_.wrap_files(machine.files) : machine.files;
}

FaultClient::~FaultClient() {
    drop();
    change_store();
    drop();
}

void FaultClient::complain(std::string_view what, std::string_view why) {
    if (complaint_.empty()) complaint_ = fmt::format("{}: {}", what, why);
}

StoreOptions FaultClient::store_options() const {
    // Never the ids and owners' names of another store.
    StoreOptions options = machine.options(options_.durability, 1'000 * options_.seed + calls_done_);
    options.files = files_;
    options.checkpoint_pages = options_.checkpoint_pages;
    options.run_events = options_.run_events;
    options.busy_timeout = std::chrono::milliseconds(20);
    return options;
}

template <typename Call>
Told FaultClient::attempt(std::string_view what, Does does, Call call) {
    before_call();
    Told told = Told::rejected;
    try {
        {
            const Exposed exposed;
            call();
        }
        told = Told::stored;
        // Only now: a run that fails and tries again ends as one that did not fail, and is judged once.
        ++calls_done_;
        machine.clock->advance(std::chrono::milliseconds(1));
        if (does == Does::writes && must_refuse_) complain(what, "was taken after an error, without being reopened");
    } catch (const Error& error) {
        failed(what, does, error);
        if (error.code() == ErrorCode::commit_in_doubt) told = Told::in_doubt;
    } catch (const std::bad_alloc&) {
        if (!has_failed()) complain(what, "std::bad_alloc");
    } catch (const std::exception& error) {
        complain(what, fmt::format("an exception that is no Error: {}", error.what()));
    }
    return told;
}

void FaultClient::failed(std::string_view what, Does does, const Error& error) {
    if (!has_failed()) return complain(what, fmt::format("failed on a healthy machine: {}", error.what()));
    // A copy of which something cannot be read does not verify, and that is said of it.
    const bool unread_copy = error.code() == ErrorCode::corrupt && what == "backup";
    if (!is_true_of_a_fault(error.code()) && !unread_copy)
        return complain(what, fmt::format("is told untruly: {}", error.what()));
    if (does != Does::writes) return;
    if (must_refuse_ && error.code() != ErrorCode::writes_refused)
        complain(what, fmt::format("got further than to be refused: {}", error.what()));
    if (ends_writing(error.code())) must_refuse_ = true;
}

void FaultClient::open(Access access) {
    for (int tries = 0; tries < 2 && !store_; ++tries) {
        StoreOptions options = store_options();
        options.access = access;
        attempt("open", Does::opens,
                [&] { store_.emplace(EventStore::open(simulation::log_path, std::move(options))); });
    }
    must_refuse_ = false;
}

void FaultClient::close() {
    if (!store_) return;
    attempt("close", Does::opens, [&] { store_->close(); });
    drop();
}

void FaultClient::drop() {
    before_call();
    const Exposed exposed;
    bus_.reset();
    store_.reset();
}

void FaultClient::reopen() {
    close();
    open();
}

void FaultClient::change_store() {
    std::swap(store_, other_store_);
    std::swap(must_refuse_, other_must_refuse_);
}

void FaultClient::append(std::vector<std::string> ids, bool handled, std::size_t payload_bytes) {
    Batch batch;
    for (const std::string& id : ids) batch.events.push_back(make_fault_event(id, payload_bytes));
    if (handled) batch.pending.push_back({.event_index = 0, .bus = "bus", .handler = "handler", .owner = "nobody"});
    ledger.batches.push_back(std::move(batch));
    append_again(ids.front());
}

void FaultClient::append_again(std::string_view first_id) {
    if (!store_) return;
    Batch& batch = ledger.batch_of(first_id);
    AppendRequest request{.events = batch.events, .pending = batch.pending, .return_events = true};
    AppendOutcome outcome;
    const Told told = attempt("append", Does::writes, [&] { outcome = store_->try_append(std::move(request)); });
    if (told == Told::in_doubt && batch.told == Told::rejected) batch.told = told;
    if (told != Told::stored) return;
    const auto* const appended = std::get_if<Appended>(&outcome);
    if (appended == nullptr) return complain("append", "a conflict with what only this client appends");
    if (batch.told == Told::stored && (!appended->already_appended() || appended->events != batch.stored))
        complain("append", "what was stored before is answered with another place");
    if (batch.told == Told::rejected && appended->already_appended())
        complain("append", "what was rejected is answered as being there already");
    batch.told = Told::stored;
    batch.stored = appended->events;
    if (!appended->pending.empty()) batch.rows = appended->pending;
}

void FaultClient::append_conflicting() {
    if (!store_) return;
    NewEvent event = make_fault_event("of a conflict");
    AppendRequest request{.events = {event}, .expectations = {{event.stream, ExpectedVersion::exactly(Version{999})}}};
    AppendOutcome outcome;
    const Told told =
        attempt("append in conflict", Does::reads, [&] { outcome = store_->try_append(std::move(request)); });
    if (told == Told::stored && !std::holds_alternative<VersionConflict>(outcome))
        complain("append in conflict", "no conflict was found");
}

void FaultClient::append_result(std::string_view event_id, std::uint32_t attempt_number, ResultStatus status) {
    if (!store_ || ledger.batch_of(event_id).told != Told::stored) return;
    if (attempt_number > 1 && !ledger.is_claimed(event_id, attempt_number)) return;
    NewResult row;
    row.event_id = std::string(event_id);
    row.bus = "bus";
    row.handler = "handler";
    row.attempt = attempt_number;
    row.status = status;
    row.owner = "nobody";
    row.result = R"({"done":true})";
    std::vector<EventResult> stored;
    std::vector<NewResult> asked{row};
    const Told told =
        attempt("append a result", Does::writes, [&] { stored = store_->append_results(std::move(asked)); });
    ledger.note(row, told, std::move(stored));
}

void FaultClient::claim() {
    if (!store_) return;
    std::unique_ptr<OwnerLock> owner;
    std::vector<Unfinished> found;
    attempt("hold an owner's lock", Does::reads, [&] { owner = store_->hold_owner_lock(); });
    attempt("list what is unfinished", Does::reads, [&] { found = store_->unfinished(); });
    if (!owner) return;
    for (const Unfinished& work : found) {
        std::optional<EventResult> claimed;
        const Told told = attempt("claim", Does::writes, [&] { claimed = store_->claim(work, *owner); });
        if (told == Told::stored && !claimed) complain("claim", "somebody else is said to have it");
        NewResult row;
        row.event_id = work.event_id;
        row.bus = work.bus;
        row.handler = work.handler;
        row.attempt = work.attempt + 1;
        row.owner = owner->name();
        std::vector<EventResult> stored;
        if (claimed) stored.push_back(*claimed);
        ledger.note(row, told, std::move(stored));
    }
    const Exposed exposed;
    owner.reset();
}

void FaultClient::checkpoint_wal() {
    if (!store_) return;
    // Not getting the writer lock for it leaves everything as it was, and is no reason to refuse what is written next.
    attempt("checkpoint -wal", must_refuse_ ? Does::writes : Does::reads,
            [&] { static_cast<void>(store_->checkpoint_wal()); });
}

void FaultClient::save_checkpoint(std::string_view name) {
    if (!store_) return;
    std::optional<Head> head;
    attempt("head", Does::reads, [&] { head = store_->head(); });
    if (!head) return;
    KeptCheckpoint kept{.name = std::string(name), .head = *head};
    const Checkpoint checkpoint{kept.name, kept.head, {}};
    kept.told = attempt("save a checkpoint", Does::writes, [&] { store_->save_checkpoint(checkpoint, std::nullopt); });
    ledger.checkpoints.push_back(std::move(kept));
}

void FaultClient::read() {
    if (!store_) return;
    std::optional<ReadLog> log;
    attempt("read", Does::reads, [&] {
        const Sheltered sheltered;
        log = read_log(*store_);
    });
    if (!log) return;
    if (const std::string fault = ledger.compare(*log); !fault.empty()) complain("read", fault);
}

void FaultClient::follow() {
    if (!store_) return;
    std::vector<Event> seen;
    const Told told = attempt("follow", Does::reads, [&] {
        Subscription subscription = store_->subscribe();
        while (const EventView* event = subscription.next(std::chrono::milliseconds(0))) {
            const Sheltered sheltered;
            seen.push_back(event->to_event());
        }
    });
    for (std::size_t index = 0; index < seen.size(); ++index)
        if (seen[index].seq.value != index + 1) complain("follow", "an event was passed over, or came twice");
    if (told == Told::stored &&
        (seen.size() < ledger.events_stored() || seen.size() > ledger.events_stored() + ledger.events_in_doubt()))
        complain("follow", fmt::format("{} events came", seen.size()));
}

void FaultClient::verify() {
    VerifyOptions verifying;
    verifying.store = store_options();
    std::optional<VerifyReport> report;
    attempt("verify", Does::reads, [&] { report = daybook::verify(simulation::log_path, std::move(verifying)); });
    if (!report) return;
    for (const VerifyProblem& problem : report->problems) {
        if (has_failed() && (problem.code == "file_damaged" || problem.code == "not_openable")) continue;
        complain("verify", fmt::format("finds {} in a sound log: {}", problem.code, problem.message));
    }
    if (report->ok() &&
        (report->events < ledger.events_stored() || report->events > ledger.events_stored() + ledger.events_in_doubt()))
        complain("verify", fmt::format("is content with {} events", report->events));
}

void FaultClient::backup() {
    BackupOptions making;
    making.store = store_options();
    making.replace = true;
    const Told told = attempt("backup", Does::reads, [&] {
        static_cast<void>(daybook::backup(simulation::log_path, backup_path, std::move(making)));
    });
    if (told == Told::stored) ledger.backed_up = true;
}

void FaultClient::accept_loss() {
    if (loss_accepted) return;
    machine.clock->advance(std::chrono::milliseconds(1));  // the copies are named by the time
    StoreOptions options = store_options();
    const Told told = attempt("accept a loss", Does::reads, [&] {
        try {
            static_cast<void>(daybook::accept_loss(simulation::log_path, std::move(options)));
        } catch (const Error& error) {
            // Half of the new mark was written before: that is as none.
            if (!has_failed() || error.code() != ErrorCode::invalid_argument) throw;
        }
    });
    if (told == Told::stored) loss_accepted = true;
}

void FaultClient::open_bus() {
    if (!store_) return;
    ledger.handlers_ran = true;
    bus_ = std::make_unique<Bus>();
    JournalOptions journal;
    journal.path = simulation::journal_path;
    journal.files = files_;
    journal.clock = machine.clock;
    journal.rotate_bytes = options_.rotate_bytes;
    for (int tries = 0; tries < 2 && !bus_->journal; ++tries) {
        attempt("open the journal", Does::opens, [&] { bus_->journal = std::make_shared<JournalMiddleware>(journal); });
        // It reads a file back once a second, so that a damaged one is not read at every emit.
        machine.clock->advance(std::chrono::seconds(2));
    }
    for (int tries = 0; tries < 2 && !bus_->bus; ++tries) {
        BusOptions options{.name = "bus"};
        if (bus_->journal) options.middleware.push_back(bus_->journal);
        attempt("open the bus", Does::opens, [&] { bus_->bus.emplace(*store_, std::move(options)); });
    }
    if (!bus_->bus) {
        bus_.reset();
        return;
    }
    for (int tries = 0; tries < 2 && bus_->handlers.empty(); ++tries) {
        attempt("register a handler", Does::opens, [&] {
            Registration handler = bus_->bus->on("thing:*", HandlerOptions{.name = "handler"},
                                                 [](const Event& event, HandlerContext& context) {
                                                     std::string answer;
                                                     NewEvent nested;
                                                     {
                                                         const Sheltered sheltered;
                                                         answer = R"({"handled":true})";
                                                         nested.type = "nested:happened";
                                                         nested.payload = event.payload;
                                                     }
                                                     static_cast<void>(context.emit(std::move(nested)));
                                                     return answer;
                                                 });
            const Sheltered sheltered;
            bus_->handlers.push_back(std::move(handler));
        });
    }
    if (bus_->handlers.empty()) bus_.reset();
}

void FaultClient::emit(std::string_view id, std::string_view type) {
    emit_or_post(id, type, false);
}

void FaultClient::post(std::string_view id, std::string_view type) {
    emit_or_post(id, type, true);
}

void FaultClient::emit_or_post(std::string_view id, std::string_view type, bool post) {
    Batch batch;
    batch.events.push_back(make_fault_event(id));
    batch.events.front().type = std::string(type);
    NewEvent event = batch.events.front();
    ledger.batches.push_back(std::move(batch));
    if (!bus_) return;
    Batch& mine = ledger.batches.back();
    std::optional<Emitted> emitted;
    std::optional<PostedEvent> posted;
    // What runs out of memory behind the commit is no reason to refuse the next, and its event is there: in doubt.
    mine.told = Told::in_doubt;
    bool no_memory = true;
    const Told told = attempt(post ? "post" : "emit", Does::reads, [&] {
        try {
            if (post) {
                posted.emplace(bus_->bus->post(std::move(event)));
            } else {
                emitted.emplace(bus_->bus->emit(std::move(event)));
            }
        } catch (const Error&) {
            no_memory = false;
            throw;
        }
    });
    if (told == Told::stored) {
        if (post) {
            const Sheltered sheltered;
            mine.stored.push_back(posted->event());
        } else {
            mine.stored.push_back(emitted->event);
            mine.rows = emitted->results;
        }
        mine.told = Told::stored;
        const Told drained = attempt("drain", Does::reads, [&] { static_cast<void>(bus_->bus->drain()); });
        if (post && drained == Told::stored && !posted->is_done())
            complain("drain", "a handler that has run is still waited for");
    } else if (!no_memory) {
        mine.told = told;
    }
    const Exposed exposed;
    posted.reset();
    emitted.reset();
}

void FaultClient::pump() {
    if (bus_) attempt("pump", Does::reads, [&] { static_cast<void>(bus_->bus->pump()); });
}

void FaultClient::recover() {
    if (bus_) attempt("recover", Does::reads, [&] { static_cast<void>(bus_->bus->recover()); });
}

void FaultClient::close_bus() {
    if (!bus_) return;
    attempt("close the bus", Does::opens, [&] { bus_->bus->close(); });
    const Exposed exposed;
    bus_.reset();
}

}  // namespace daybook::crash
