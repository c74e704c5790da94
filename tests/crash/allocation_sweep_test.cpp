// Memory that runs out: each allocation of a set of workloads fails, SQLite's and ours, once or for a while. Whatever the
// store then says of an event must be what a restarted machine finds; nothing ends the process, hangs or is left behind.
//
// A program of its own: it replaces the allocators.
#include <catch2/catch.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "campaign/campaign.hpp"
#include "crash/allocation_faults.hpp"
#include "crash/fault_workloads.hpp"

namespace daybook::crash {

namespace {

using campaign::Campaign;
using simulation::Dice;
using simulation::Sheltered;

// The machine's files, whose own memory does not fail; what callers are handed out is allocated in the open.
class ShelteredFile final : public File {
  public:
    ShelteredFile() = default;
    void open(FileSystem& files, const std::string& path, OpenMode mode) { file_ = files.open(path, mode); }
    ~ShelteredFile() override {
        const Sheltered sheltered;
        file_.reset();
    }
    ShelteredFile(const ShelteredFile&) = delete;
    ShelteredFile& operator=(const ShelteredFile&) = delete;

    std::uint64_t size() override {
        const Sheltered sheltered;
        return file_->size();
    }
    std::string read_at(std::uint64_t offset, std::size_t bytes) override {
        std::string room(bytes, '\0');
        const Sheltered sheltered;
        const std::string held = file_->read_at(offset, bytes);
        room.assign(held);
        return room;
    }
    void write_at(std::uint64_t offset, std::string_view bytes) override {
        const Sheltered sheltered;
        file_->write_at(offset, bytes);
    }
    void append(std::string_view bytes) override {
        const Sheltered sheltered;
        file_->append(bytes);
    }
    void truncate(std::uint64_t bytes) override {
        const Sheltered sheltered;
        file_->truncate(bytes);
    }
    void sync() override {
        const Sheltered sheltered;
        file_->sync();
    }
    void touch() override {
        const Sheltered sheltered;
        file_->touch();
    }
    bool try_lock(std::uint64_t offset, LockMode mode) override {
        const Sheltered sheltered;
        return file_->try_lock(offset, mode);
    }
    void unlock(std::uint64_t offset) override {
        const Sheltered sheltered;
        file_->unlock(offset);
    }
    bool is_locked_by_other(std::uint64_t offset, std::uint64_t bytes) override {
        const Sheltered sheltered;
        return file_->is_locked_by_other(offset, bytes);
    }
    std::optional<std::int64_t> lock_holder(std::uint64_t offset) override {
        const Sheltered sheltered;
        return file_->lock_holder(offset);
    }

  private:
    std::unique_ptr<File> file_;
};

class ShelteredFiles final : public FileSystem {
  public:
    explicit ShelteredFiles(std::shared_ptr<FileSystem> files) : files_(std::move(files)) {}

    std::unique_ptr<File> open(const std::string& path, OpenMode mode) override {
        auto opened = std::make_unique<ShelteredFile>();
        const Sheltered sheltered;
        opened->open(*files_, path, mode);
        return opened;
    }
    bool exists(const std::string& path) override {
        const Sheltered sheltered;
        return files_->exists(path);
    }
    void remove(const std::string& path) override {
        const Sheltered sheltered;
        files_->remove(path);
    }
    void rename_new(const std::string& from, const std::string& to) override {
        const Sheltered sheltered;
        files_->rename_new(from, to);
    }
    void rename_replace(const std::string& from, const std::string& to) override {
        const Sheltered sheltered;
        files_->rename_replace(from, to);
    }
    void sync_directory(const std::string& path) override {
        const Sheltered sheltered;
        files_->sync_directory(path);
    }
    std::vector<std::string> list(const std::string& directory) override {
        const Sheltered sheltered;
        return files_->list(directory);
    }
    std::unique_ptr<FileWatch> watch(const std::string& path) override {
        const Sheltered sheltered;
        return files_->watch(path);
    }

  private:
    std::shared_ptr<FileSystem> files_;
};

struct WayToRunOut {
    std::string_view name;
    Allocator of;
    std::uint64_t window;
    std::uint64_t step;  // of how many one is taken
};

constexpr std::array<WayToRunOut, 6> ways_to_run_out{{
    {"ours, once", Allocator::ours, 1, 1},
    {"SQLite's, once", Allocator::sqlite, 1, 47},
    {"ours, 30 in turn", Allocator::ours, 30, 5},
    {"SQLite's, 30 in turn", Allocator::sqlite, 30, 101},
    {"both, 100 in turn", Allocator::both, 100, 101},
    {"both, from then on", Allocator::both, UINT64_MAX, 101},
}};

std::string run_without_memory(FaultedWorkload& faulted, const AllocationPlan& plan, Dice& dice) {
    const std::int64_t held = sqlite_blocks_held();
    std::string fault = faulted.run({.begin = [&](FaultClient&) { set_allocation_faults(plan); },
                                     .end = [](FaultClient&) { set_allocation_faults(std::nullopt); },
                                     .has_failed = [](const FaultClient&) { return allocation_has_failed(); }},
                                    {.power_losses = 1}, dice);
    set_allocation_faults(std::nullopt);
    if (fault.empty() && sqlite_blocks_held() != held)
        fault = fmt::format("SQLite holds {} blocks more than before", sqlite_blocks_held() - held);
    return fault;
}

std::uint64_t allocations_of(FaultedWorkload& faulted, Allocator of, Dice& dice) {
    std::uint64_t count = 0;
    const std::string fault =
        faulted.run({.begin = [&](FaultClient&) { set_allocation_faults(AllocationPlan{.of = of, .at = UINT64_MAX}); },
                     .end = [&](FaultClient&) { count = allocations_counted(); },
                     .has_failed = [](const FaultClient&) { return false; }},
                    {.power_losses = 0}, dice);
    set_allocation_faults(std::nullopt);
    if (!fault.empty()) throw std::runtime_error(fault);
    return count;
}

// Every allocation of a workload behind the first `from` (set by the workload itself as it runs). Returns the first fault.
std::string run_out_everywhere(Workload workload, const std::vector<WayToRunOut>& ways, std::size_t points_min,
                               const std::uint64_t& from = 0) {
    workload.options.wrap_files = [](std::shared_ptr<FileSystem> files) {
        return std::make_shared<ShelteredFiles>(std::move(files));
    };
    Dice dice(1);
    FaultedWorkload faulted(workload);
    std::size_t points = 0;
    for (const WayToRunOut& way : ways) {
        const std::uint64_t allocations = allocations_of(faulted, way.of, dice);
        const std::uint64_t first = from + 1;
        for (std::uint64_t at = first; at <= allocations; at += way.step) {
            ++points;
            const std::string fault = run_without_memory(faulted, {.of = way.of, .at = at, .window = way.window}, dice);
            if (!fault.empty()) return fmt::format("{} at allocation {} of {}: {}", way.name, at, allocations, fault);
        }
    }
    return points < points_min ? fmt::format("only {} points were tried", points) : "";
}

const WayToRunOut ours_once{"ours, once", Allocator::ours, 1, 1};
const WayToRunOut ours_from_then_on{"ours, from then on", Allocator::ours, UINT64_MAX, 1};

}  // namespace

TEST_CASE("memory: whichever allocation fails, the store says truly what it stored, and goes on", "[memory]") {
    REQUIRE(sqlite_is_counted());
    Campaign campaign("fault sweep, memory", "points", 300, 5'000);
    Dice dice(campaign.seed());
    std::uint64_t allocations_of_all = 0;
    FaultFigures sum;
    std::uint64_t number = campaign.seed();
    for (Workload workload : fault_workloads()) {
        workload.options.wrap_files = [](std::shared_ptr<FileSystem> files) {
            return std::make_shared<ShelteredFiles>(std::move(files));
        };
        FaultedWorkload faulted(workload);
        for (const WayToRunOut& way : ways_to_run_out) {
            const std::uint64_t allocations = allocations_of(faulted, way.of, dice);
            if (way.window == 1) allocations_of_all += allocations;
            // Ours are few, and complete; of SQLite's others are taken with each seed.
            const std::uint64_t step = way.step * (campaign::is_full() ? 1 : 20);
            for (std::uint64_t at = 1; at <= allocations; ++at) {
                if (++number % step != 0) continue;
                campaign.count();
                const std::string fault =
                    run_without_memory(faulted, {.of = way.of, .at = at, .window = way.window}, dice);
                if (fault.empty()) continue;
                INFO(fmt::format("{}: {} at allocation {} of {}", workload.name, way.name, at, allocations));
                FAIL_CHECK(fault);
            }
        }
        const FaultFigures& figures = faulted.figures();
        sum.images += figures.images;
        sum.known += figures.known;
        sum.in_doubt += figures.in_doubt;
        sum.came_back += figures.came_back;
        sum.rejected += figures.rejected;
    }
    campaign.figure("states of the disk judged", sum.images);
    campaign.figure("met again", sum.known);
    campaign.figure("runs with an event in doubt", sum.in_doubt);
    campaign.figure("states with it there", sum.came_back);
    campaign.figure("runs with an event rejected", sum.rejected);
    campaign.figure("allocations of the workloads", allocations_of_all);
    CHECK(campaign.finish() == "");
}

TEST_CASE("memory: a backup that runs out of it ends as an error, and not the process", "[memory]") {
    const Workload workload{.name = "a backup",
                            .prepare =
                                [](FaultClient& client) {
                                    client.open();
                                    client.append({"one"});
                                    client.close();
                                },
                            .run = [](FaultClient& client) { client.backup(); }};
    CHECK(run_out_everywhere(workload, {ours_from_then_on}, 100) == "");
}

TEST_CASE("memory: a handler that was queued is not waited for when nothing can be said of it", "[memory]") {
    const Workload workload{.name = "a posted event",
                            .run =
                                [](FaultClient& client) {
                                    client.open();
                                    client.open_bus();
                                    client.post("one", "thing:happened");
                                    client.close_bus();
                                    client.close();
                                },
                            .uses_bus = true};
    CHECK(run_out_everywhere(workload, {ours_once, {"ours, from then on", Allocator::ours, UINT64_MAX, 3}}, 300) == "");
}

TEST_CASE("memory: a line of the journal is taken whole or not at all", "[memory]") {
    const Workload workload{.name = "two emits",
                            .run =
                                [](FaultClient& client) {
                                    client.open();
                                    client.open_bus();
                                    client.emit("one", "thing:happened");
                                    client.emit("two", "thing:happened");
                                    client.close_bus();
                                },
                            .uses_bus = true};
    CHECK(run_out_everywhere(workload, {ours_once}, 300) == "");
}

TEST_CASE("memory: a registration that fails leaves no handler behind", "[memory]") {
    const Workload workload{.name = "a registration",
                            .run =
                                [](FaultClient& client) {
                                    client.open();
                                    client.open_bus();
                                    client.close_bus();
                                },
                            .uses_bus = true};
    CHECK(run_out_everywhere(workload, {ours_once}, 100) == "");
}

TEST_CASE("memory: a transaction is ended without any", "[memory]") {
    std::uint64_t opened = 0;
    const Workload workload{.name = "two stores", .run = [&](FaultClient& client) {
                                client.open();
                                client.change_store();
                                client.open();
                                client.change_store();
                                if (opened == 0) opened = allocations_counted();
                                client.append({"of the first"});
                                client.change_store();
                                client.append({"of the second"});
                            }};
    CHECK(run_out_everywhere(workload, {{"SQLite's, 30 in turn", Allocator::sqlite, 30, 1}}, 100, opened) == "");
}

TEST_CASE("memory: a commit in doubt stays in doubt when there is none to tell it with", "[memory]") {
    std::uint64_t calls_of_opening = 0;
    Workload workload{.name = "an append",
                      .prepare =
                          [](FaultClient& client) {
                              client.open();
                              client.append({"before"});
                              client.close();
                          },
                      .run =
                          [&](FaultClient& client) {
                              client.open();
                              if (calls_of_opening == 0) calls_of_opening = client.machine.disk.calls_counted();
                              client.append({"one"});
                          }};
    workload.options.wrap_files = [](std::shared_ptr<FileSystem> files) {
        return std::make_shared<ShelteredFiles>(std::move(files));
    };
    FaultedWorkload faulted(workload);
    const std::vector<simulation::Call> calls = faulted.calls();
    const auto commit =
        std::find(calls.begin() + static_cast<std::ptrdiff_t>(calls_of_opening), calls.end(), simulation::Call::sync);
    const auto at_commit = static_cast<std::uint64_t>(commit - calls.begin()) + 1;
    Dice dice(1);
    std::uint64_t in_doubt = 0;
    const std::uint64_t allocations = allocations_of(faulted, Allocator::ours, dice);
    for (std::uint64_t at = 1; at <= allocations + 20; ++at) {
        const std::uint64_t before = faulted.figures().in_doubt;
        const std::string fault = faulted.run(
            {.begin =
                 [&](FaultClient& client) {
                     client.machine.disk.set_faults(simulation::FaultPlan{.at = at_commit, .once = false});
                     set_allocation_faults(AllocationPlan{.of = Allocator::ours, .at = at, .window = 1});
                 },
             .end =
                 [](FaultClient& client) {
                     client.machine.disk.set_faults(std::nullopt);
                     set_allocation_faults(std::nullopt);
                 },
             .has_failed =
                 [](const FaultClient& client) { return client.machine.disk.has_failed() || allocation_has_failed(); }},
            {.power_losses = 1}, dice);
        INFO(fmt::format("allocation {} of {}", at, allocations));
        CHECK(fault == "");
        in_doubt += faulted.figures().in_doubt - before;
    }
    CHECK(in_doubt > 5);
}

}  // namespace daybook::crash
