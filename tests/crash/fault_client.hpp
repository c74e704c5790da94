// A program that uses the store on a machine that fails it: it makes the same calls whatever happens, notes what it was
// told, and complains of answers that no fault excuses.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <daybook/bus/event_bus.hpp>
#include <daybook/event/error.hpp>
#include <daybook/store/event_store.hpp>

#include "crash/fault_ledger.hpp"
#include "simulation/exposure.hpp"
#include "simulation/simulated_machine.hpp"

namespace daybook::crash {

struct ClientOptions {
    Durability durability = Durability::full;
    bool powersafe_overwrite = true;
    /// Small: the committer checkpoints within a workload.
    std::size_t checkpoint_pages = 1'000;
    std::size_t run_events = 3;
    std::uint64_t rotate_bytes = 0;
    std::uint64_t seed = 1;
    /// Laid around the machine's files by whoever makes allocations fail.
    std::function<std::shared_ptr<FileSystem>(std::shared_ptr<FileSystem>)> wrap_files{};
};

/// Thread-safety: one thread at a time.
class FaultClient {
  public:
    FaultClient(const simulation::DiskImage& image, Ledger ledger, ClientOptions options);
    ~FaultClient();
    FaultClient(const FaultClient&) = delete;
    FaultClient& operator=(const FaultClient&) = delete;

    simulation::SimulatedMachine machine;
    Ledger ledger;
    /// Whether the machine has failed it; asked when a call fails.
    std::function<bool()> has_failed = [] { return false; };
    /// Before every call of the library: what the one before was told is in the ledger.
    std::function<void()> before_call = [] {};

    /// What no fault excuses, the first of it; empty: nothing.
    [[nodiscard]] const std::string& complaint() const noexcept { return complaint_; }
    void complain(std::string_view what, std::string_view why);

    // The store. When it could not be opened (two attempts), every other call does nothing. -------------------------

    void open(Access access = Access::create);
    void close();
    /// As the end of a process without close(): the destructor must do as well.
    void drop();
    void reopen();
    void append(std::vector<std::string> ids, bool handled = false, std::size_t payload_bytes = 20);
    /// The same ids with the same content again: what was stored must be answered so.
    void append_again(std::string_view first_id);
    void append_conflicting();
    void append_result(std::string_view event_id, std::uint32_t attempt, ResultStatus status);
    /// Claims what is unfinished of an owner who is gone.
    void claim();
    void checkpoint_wal();
    void save_checkpoint(std::string_view name);
    /// Reads everything and compares it with what was told.
    void read();
    void follow();
    void verify();
    void backup();
    void accept_loss();

    // The bus, over a store of its own. --------------------------------------------------------------------------

    void open_bus();
    void emit(std::string_view id, std::string_view type);
    void post(std::string_view id, std::string_view type);
    void pump();
    void recover();
    void close_bus();

    [[nodiscard]] StoreOptions store_options() const;
    [[nodiscard]] bool is_open() const noexcept { return store_.has_value(); }
    /// A second store on the same file: calls go to the other one until this is called again.
    void change_store();
    bool loss_accepted = false;

  private:
    enum class Does : std::uint8_t { reads, writes, opens };
    /// What `call` was told; in the first case nothing is known of what it did.
    template <typename Call>
    Told attempt(std::string_view what, Does does, Call call);
    void failed(std::string_view what, Does does, const Error& error);
    void emit_or_post(std::string_view id, std::string_view type, bool post);

    struct Bus;

    ClientOptions options_;
    std::string complaint_;
    std::uint64_t calls_done_ = 0;
    std::shared_ptr<FileSystem> files_;
    std::optional<EventStore> store_;
    std::optional<EventStore> other_store_;
    bool must_refuse_ = false;
    bool other_must_refuse_ = false;
    std::unique_ptr<Bus> bus_;
};

/// What clients give: told apart by its id.
[[nodiscard]] NewEvent make_fault_event(std::string_view id, std::size_t payload_bytes = 20);

inline const std::string backup_path = "/daybook-simulated-backup.db";

}  // namespace daybook::crash
