// The store's and the journal's way to a simulated disk.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <daybook/event/file_system.hpp>

#include "simulation/simulated_disk.hpp"

namespace daybook::simulation {

/// The disk must outlive it and every file that it opened. Thread-safety: one thread at a time.
class SimulatedFileSystem final : public FileSystem {
  public:
    explicit SimulatedFileSystem(SimulatedDisk& disk) : disk_(disk) {}

    [[nodiscard]] std::unique_ptr<File> open(const std::string& path, OpenMode mode) override;
    [[nodiscard]] bool exists(const std::string& path) override;
    void remove(const std::string& path) override;
    void rename_new(const std::string& from, const std::string& to) override;
    void rename_replace(const std::string& from, const std::string& to) override;
    void sync_directory(const std::string& path) override;
    [[nodiscard]] std::vector<std::string> list(const std::string& directory) override;
    [[nodiscard]] std::unique_ptr<FileWatch> watch(const std::string& path) override;

  private:
    SimulatedDisk& disk_;
};

}  // namespace daybook::simulation
