#include "crash/fault_workloads.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <exception>
#include <optional>

#include <daybook/event/error.hpp>
#include <daybook/event/journal_record.hpp>
#include <daybook/event/uuid.hpp>
#include <daybook/store/diagnosis.hpp>
#include <daybook/store/verify.hpp>

#include "middleware/journal_file.hpp"
#include "simulation/crash_images.hpp"

namespace daybook::crash {

using simulation::Call;
using simulation::CrashPoint;
using simulation::Dice;
using simulation::DiskImage;

namespace {

void three_events(FaultClient& client) {
    client.open();
    client.append({"before-1"});
    client.append({"before-2", "before-3"});
    client.close();
}

void unfinished_work(FaultClient& client) {
    client.open();
    client.append({"before-1"}, true);
    client.append({"before-2"}, true);
    client.close();
}

void killed(FaultClient& client) {
    client.open();
    client.append({"before-1"}, true);
    client.append({"before-2", "before-3"});
}

void append_of_all_kinds(FaultClient& client) {
    client.open();
    client.append({"one"});
    client.append({"batch-1", "batch-2", "batch-3", "batch-04"});
    client.append_again("one");
    client.append_conflicting();
    client.append({"large"}, false, 9'000);
    client.read();
    client.reopen();
    client.append({"later"});
    client.append_again("batch-1");
    client.close();
}

void many_at_once(FaultClient& client) {
    client.open();
    std::uint64_t number = 0;
    for (const std::size_t count : {20U, 1U, 25U, 3U}) {
        std::vector<std::string> ids;
        for (std::size_t made = 0; made < count; ++made, ++number)
            ids.push_back(uuid_v5(Uuid{}, std::to_string(number)).to_string());
        client.append(ids);
        client.append_again(ids.front());
        if (count == 25) client.reopen();
    }
    client.read();
    client.close();
}

void drop_wal(DiskImage& image) {
    image.erase(simulation::log_path + "-wal");
}

}  // namespace

std::vector<Workload> fault_workloads() {
    std::vector<Workload> all;
    all.push_back({.name = "a new log", .run = [](FaultClient& client) {
                       client.open();
                       client.append({"one"});
                       client.read();
                       client.close();
                       client.open();
                       client.append({"two"});
                       client.close();
                   }});
    all.push_back({.name = "appends", .prepare = three_events, .run = append_of_all_kinds});
    all.push_back({.name = "appends without power-safe overwrite",
                   .options = {.powersafe_overwrite = false},
                   .prepare = three_events,
                   .run = append_of_all_kinds});
    all.push_back({.name = "appends in NORMAL",
                   .options = {.durability = Durability::normal, .checkpoint_pages = 12},
                   .prepare = three_events,
                   .run = append_of_all_kinds});
    all.push_back(
        {.name = "batches of many rows, ids in no order", .options = {.run_events = 24}, .run = many_at_once});
    all.push_back({.name = "results and claims", .prepare = unfinished_work, .run = [](FaultClient& client) {
                       client.open();
                       client.append_result("before-1", 1, ResultStatus::completed);
                       client.append({"handled"}, true);
                       client.claim();
                       client.append_result("before-2", 2, ResultStatus::completed);
                       client.reopen();
                       client.claim();
                       client.append_result("handled", 3, ResultStatus::error);
                       client.close();
                   }});
    all.push_back({.name = "checkpoints",
                   .options = {.checkpoint_pages = 12},
                   .prepare = three_events,
                   .run = [](FaultClient& client) {
                       client.open();
                       for (int number = 1; number <= 4; ++number) client.append({fmt::format("event-{}", number)});
                       client.checkpoint_wal();
                       client.append({"between"});
                       client.save_checkpoint("kept");
                       client.checkpoint_wal();
                       client.append({"behind"});
                       client.reopen();
                       client.append({"later"});
                       client.save_checkpoint("kept later");
                       client.drop();
                   }});
    all.push_back({.name = "after a kill", .prepare = killed, .run = [](FaultClient& client) {
                       client.open();
                       client.read();
                       client.append({"one"});
                       client.drop();
                       client.open();
                       client.append_again("before-2");
                       client.append_again("one");
                       client.append({"two"});
                       client.close();
                   }});
    all.push_back({.name = "readers", .prepare = killed, .run = [](FaultClient& client) {
                       client.open(Access::read);
                       client.read();
                       client.follow();
                       client.verify();
                       client.close();
                       client.open();
                       client.append({"one"});
                       client.follow();
                       client.verify();
                       client.close();
                   }});
    all.push_back({.name = "backups", .prepare = three_events, .run = [](FaultClient& client) {
                       client.backup();
                       client.open();
                       client.append({"one"});
                       client.backup();
                       client.append({"two"});
                       client.close();
                   }});
    all.push_back({.name = "two stores", .prepare = three_events, .run = [](FaultClient& client) {
                       client.open();
                       client.append({"of the first"});
                       client.change_store();
                       client.open();
                       client.append({"of the second"});
                       client.change_store();
                       client.append({"of the first again"});
                       client.read();
                       client.change_store();
                       client.append_again("of the first again");
                       client.close();
                       client.change_store();
                       client.append({"of the first at last"});
                       client.close();
                   }});
    all.push_back({.name = "a loss accepted",
                   .prepare = killed,
                   .run =
                       [](FaultClient& client) {
                           client.accept_loss();
                           client.accept_loss();
                           if (!client.loss_accepted) return;
                           client.open();
                           client.append({"one"});
                           client.close();
                       },
                   .damage = drop_wal,
                   .lost_its_tail = true});
    all.push_back({.name = "a bus with a journal",
                   .run =
                       [](FaultClient& client) {
                           client.open();
                           client.open_bus();
                           client.emit("one", "thing:happened");
                           client.post("two", "thing:happened");
                           client.pump();
                           client.close_bus();
                           client.reopen();
                           client.open_bus();
                           client.recover();
                           client.emit("three", "thing:happened");
                           client.close_bus();
                           client.close();
                       },
                   .uses_bus = true});
    all.push_back({.name = "a journal that rotates",
                   .options = {.rotate_bytes = 4'096},
                   .run =
                       [](FaultClient& client) {
                           client.open();
                           client.open_bus();
                           for (int number = 1; number <= 3; ++number)
                               client.emit(fmt::format("event-{}", number), "thing:happened");
                           client.drop();  // the bus first: the journal's last records come with the next
                           client.open();
                           client.open_bus();
                           client.emit("later", "thing:happened");
                           client.close_bus();
                           client.close();
                       },
                   .uses_bus = true});
    return all;
}

Beginning Workload::begin() const {
    Beginning made;
    ClientOptions preparing = options;
    preparing.seed = 2;
    FaultClient client({}, {}, preparing);
    if (prepare) prepare(client);
    if (!client.complaint().empty()) throw std::runtime_error(name + ": " + client.complaint());
    made.image = client.machine.disk.seen();
    made.ledger = client.ledger;
    if (damage) {
        damage(made.image);
        // What is gone is gone: the caller accepts that.
        made.ledger = {};
    }
    return made;
}

FaultedWorkload::FaultedWorkload(const Workload& workload) : workload_(workload), beginning_(workload.begin()) {
    sqlite3_test_control(SQLITE_TESTCTRL_PRNG_SAVE);
}

std::vector<Call> FaultedWorkload::calls() const {
    FaultClient client(beginning_.image, beginning_.ledger, workload_.options);
    std::vector<Call> kinds;
    simulation::SimulatedDisk& disk = client.machine.disk;
    // Asked before it is counted; calls that cannot fail are not counted at all.
    disk.on_call = [&](Call call) {
        kinds.resize(static_cast<std::size_t>(disk.calls_counted()) + 1);
        kinds.back() = call;
    };
    disk.set_faults(std::nullopt);
    workload_.run(client);
    kinds.resize(static_cast<std::size_t>(disk.calls_counted()));
    disk.on_call = nullptr;
    if (!client.complaint().empty()) throw std::runtime_error(workload_.name + ": " + client.complaint());
    return kinds;
}

std::string FaultedWorkload::run(const Faults& faults, const JudgeOptions& judging, Dice& dice) {
    // The salts of -wal come from it: runs that do the same leave the same.
    sqlite3_test_control(SQLITE_TESTCTRL_PRNG_RESTORE);
    FaultClient client(beginning_.image, beginning_.ledger, workload_.options);
    simulation::SimulatedDisk& disk = client.machine.disk;
    client.has_failed = [&] { return faults.has_failed(client); };
    // As it stood when the call that met the fault had returned.
    std::optional<std::pair<std::size_t, Ledger>> failed_at;
    client.before_call = [&] {
        if (!failed_at && faults.has_failed(client)) failed_at.emplace(disk.log().size(), client.ledger);
    };
    faults.begin(client);
    workload_.run(client);
    client.before_call();
    client.drop();
    client.change_store();
    client.drop();
    faults.end(client);
    if (!client.complaint().empty()) return client.complaint();
    if (disk.locks_held() != 0) return fmt::format("{} locks are held though every store is closed", disk.locks_held());
    for (const Batch& batch : client.ledger.batches) {
        if (batch.told != Told::in_doubt) continue;
        ++figures_.in_doubt;
        break;
    }
    for (const Batch& batch : client.ledger.batches) {
        if (batch.told != Told::rejected) continue;
        ++figures_.rejected;
        break;
    }

    if (std::string fault = judge(disk.seen(), client.ledger, client, "as it is seen"); !fault.empty()) return fault;
    if (workload_.options.durability == Durability::normal) return "";
    // Half of them where the ledger stood when the fault was met, half at the end; one with nothing of what was unsynced.
    const std::vector<simulation::Operation>& log = disk.log();
    CrashPoint point(disk.base(), log);
    const auto lose_power = [&](const Ledger& ledger, std::size_t count, const std::string& when) -> std::string {
        for (std::size_t number = 0; number < count; ++number) {
            std::vector<CrashPoint::Fate> fates(point.pieces(), CrashPoint::Fate::lost);
            std::size_t names = number == 0 ? 0 : point.unsynced_names();
            if (number > 0) {
                for (CrashPoint::Fate& fate : fates)
                    if (dice.chance(50)) fate = CrashPoint::Fate::whole;
                names = static_cast<std::size_t>(dice.below(point.unsynced_names() + 1));
            }
            std::string fault = judge(point.image(fates, names, dice.next()), ledger, client, when);
            if (!fault.empty()) return fault;
        }
        return "";
    };
    if (failed_at) {
        while (point.position() < failed_at->first && point.advance()) {
        }
        if (std::string fault =
                lose_power(failed_at->second, judging.power_losses / 2, "after a power loss behind the fault");
            !fault.empty())
            return fault;
    }
    while (point.advance()) {
    }
    return lose_power(client.ledger, judging.power_losses - judging.power_losses / 2, "after a power loss at the end");
}

std::string FaultedWorkload::judge(const DiskImage& image, const Ledger& ledger, const FaultClient& of,
                                   const std::string& what) {
    // Two runs that end alike, and that were told alike, are judged once.
    std::string told;
    for (const Batch& batch : ledger.batches)
        told += fmt::format("{}{}{};", static_cast<int>(batch.told), batch.stored.size(), batch.rows.size());
    for (const Rows& rows : ledger.rows) told += fmt::format("{}{};", static_cast<int>(rows.told), rows.stored.size());
    for (const KeptCheckpoint& kept : ledger.checkpoints)
        told += fmt::format("{}{};", static_cast<int>(kept.told), kept.head.seq.value);
    for (const Batch& batch : ledger.batches)
        for (const Event& event : batch.stored) told += event.digest.to_hex();
    told += ledger.backed_up ? "b" : "-";
    for (const auto& [name, bytes] : image) {
        const auto hash = simulation::hash_of(*bytes);
        told += fmt::format("{}:{}.{};", name, hash.first, hash.second);
    }
    const auto [place, is_new] = judged_.try_emplace(simulation::hash_of(told));
    if (is_new) {
        ++figures_.images;
        try {
            place->second = examine(image, ledger, of, figures_.images % 3 == 1);
        } catch (const std::exception& error) {
            place->second = fmt::format("refused: {}", error.what());
        }
    } else {
        ++figures_.known;
    }
    if (place->second.empty()) return "";
    return fmt::format("{}: {}", what, place->second);
}

std::string FaultedWorkload::examine(const DiskImage& image, const Ledger& ledger, const FaultClient& of,
                                     bool thorough) {
    ClientOptions healthy = workload_.options;
    healthy.seed = 3;
    FaultClient client(image, ledger, healthy);
    simulation::SimulatedMachine& machine = client.machine;
    // A machine that is started again is not set back in time.
    machine.clock->advance(of.machine.clock->steady() + std::chrono::seconds(1));
    for (const auto& [name, bytes] : image) {
        if (name != backup_path) continue;
        VerifyOptions verifying;
        verifying.store = client.store_options();
        if (const VerifyReport report = verify(backup_path, std::move(verifying)); !report.ok())
            return fmt::format("the backup does not verify: {}", report.problems.front().message);
    }
    if (ledger.backed_up && !image.contains(backup_path)) return "the backup is gone";
    if (workload_.lost_its_tail) {
        try {
            static_cast<void>(accept_loss(simulation::log_path, client.store_options()));
        } catch (const Error& error) {
            if (error.code() != ErrorCode::invalid_argument) throw;  // it had been accepted
        }
    }
    {
        EventStore store = EventStore::open(simulation::log_path, client.store_options());
        const ReadLog log = read_log(store);
        if (std::string fault = ledger.compare(log); !fault.empty()) return fault;
        if (std::string fault = ledger.compare_checkpoints(store); !fault.empty()) return fault;
        for (const Batch& batch : ledger.batches) {
            if (batch.told != Told::in_doubt || !store.find(batch.events.front().id)) continue;
            ++figures_.came_back;
            break;
        }
        if (std::string fault = ledger.append_again(store); !fault.empty()) return fault;
        store.close();
    }
    if (workload_.uses_bus) {
        client.open();
        client.open_bus();
        client.recover();
        client.close_bus();
        if (!client.complaint().empty()) return client.complaint();
        client.close();
        if (std::string fault = examine_journal(client); !fault.empty()) return fault;
    }
    if (machine.disk.locks_held() != 0) return "locks are held though every store is closed";
    // What cannot be read of the log that way is seldom different here and there, and takes as long as all the rest.
    if (!thorough) return "";
    VerifyOptions verifying;
    verifying.store = client.store_options();
    const VerifyReport report = verify(simulation::log_path, std::move(verifying));
    if (!report.ok())
        return fmt::format("corrupt: {} ({})", report.problems.front().code, report.problems.front().message);
    return "";
}

// All of it, gapless and in order, over all of its files; and nothing that ran is unfinished.
std::string FaultedWorkload::examine_journal(FaultClient& client) const {
    simulation::SimulatedMachine& machine = client.machine;
    StoreOptions options = client.store_options();
    options.access = Access::read;
    const EventStore store = EventStore::open(simulation::log_path, options);
    if (const std::vector<Unfinished> left = store.unfinished(); !left.empty())
        return fmt::format("the handler of event {}, attempt {}, owner gone {}, is unfinished though recover() has run",
                           left.front().event_seq.value, left.front().attempt, left.front().owner_is_gone);
    const ReadLog log = read_log(store);
    std::size_t events = 0;
    std::size_t results = 0;
    for (const std::string& name : list_journal_files(*machine.files, simulation::journal_path)) {
        const std::string content = *machine.disk.seen().at(name);
        if (!content.ends_with('\n')) return fmt::format("{} ends in half a line", name);
        std::size_t begin = 0;
        for (std::size_t end = content.find('\n'); end != std::string::npos; end = content.find('\n', begin)) {
            const JournalRecord record = decode_journal_record(std::string_view(content).substr(begin, end - begin));
            begin = end + 1;
            if (const auto* header = std::get_if<JournalHeader>(&record)) {
                if (header->after_seq.value != events || header->after_result_seq.value != results)
                    return fmt::format("{} goes on after event {} and result {}, the file before it ends at {} and {}",
                                       name, header->after_seq.value, header->after_result_seq.value, events, results);
            } else if (const auto* event = std::get_if<Event>(&record)) {
                if (events >= log.events.size() || *event != log.events[events])
                    return fmt::format("{} holds an event {} that is not the log's", name, event->seq.value);
                ++events;
            } else {
                const auto& result = std::get<EventResult>(record);
                if (results >= log.results.size() || result != log.results[results])
                    return fmt::format("{} holds a result {} that is not the log's", name, result.result_seq.value);
                if (result.events_head.value != events)
                    return fmt::format("{} holds result {} behind event {}, its commit saw {}", name,
                                       result.result_seq.value, events, result.events_head.value);
                ++results;
            }
        }
    }
    if (events != log.events.size() || results != log.results.size())
        return fmt::format("the journal holds {} events and {} results, the log {} and {}", events, results,
                           log.events.size(), log.results.size());
    return "";
}

}  // namespace daybook::crash
