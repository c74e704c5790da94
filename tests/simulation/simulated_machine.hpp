// A whole machine in memory, for one store or for several "processes": disk, SQLite's VFS, files, clock.
#pragma once

#include <memory>
#include <string>

#include <daybook/store/event_store.hpp>
#include <daybook/testkit/fake_clock.hpp>
#include <daybook/testkit/seeded_random.hpp>

#include "simulation/simulated_disk.hpp"
#include "simulation/simulated_file_system.hpp"
#include "simulation/simulated_vfs.hpp"

namespace daybook::simulation {

/// Where the log lies on every simulated disk. No such directory may exist on the real one: what does not go through
/// the seams, asks there and finds nothing.
inline const std::string log_path = "/daybook-simulation/log.db";
inline const std::string journal_path = "/daybook-simulation/log.jsonl";

/// Must outlive its stores. Thread-safety: one thread at a time.
struct SimulatedMachine {
    SimulatedMachine() = default;
    explicit SimulatedMachine(const DiskImage& image) : disk(image) {}
    SimulatedMachine(const DiskImage& base, std::vector<Operation> recorded) : disk(base, std::move(recorded)) {}

    SimulatedDisk disk{};
    SimulatedVfs vfs{disk};
    std::shared_ptr<SimulatedFileSystem> files = std::make_shared<SimulatedFileSystem>(disk);
    std::shared_ptr<testkit::FakeClock> clock = std::make_shared<testkit::FakeClock>();

    [[nodiscard]] StoreOptions options(Durability durability = Durability::full, std::uint64_t seed = 1) const {
        StoreOptions options;
        options.run_events = 3;  // so that few events make runs
        options.access = Access::create;
        options.durability = durability;
        options.cache_bytes = std::size_t{1} << 20;
        options.vfs_name = vfs.name();
        options.files = files;
        options.clock = clock;
        options.random = std::make_shared<testkit::SeededRandom>(seed);
        return options;
    }
};

}  // namespace daybook::simulation
