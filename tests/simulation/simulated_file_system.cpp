#include "simulation/simulated_file_system.hpp"

#include <fmt/format.h>

#include <algorithm>

#include <daybook/event/error.hpp>

namespace daybook::simulation {

namespace {

[[noreturn]] void fail(Fault fault, std::string_view attempted, const std::string& path) {
    const bool full = fault == Fault::disk_full || fault == Fault::full_midway;
    throw Error(full ? ErrorCode::disk_full : ErrorCode::io_error,
                fmt::format("{} {}: {}", attempted, path, full ? "no space left on device" : "input/output error"));
}

bool stops_midway(Fault fault) {
    return fault == Fault::short_write || fault == Fault::full_midway;
}

class SimulatedFile final : public File {
  public:
    SimulatedFile(SimulatedDisk& disk, Inode inode, std::string path)
        : disk_(disk), inode_(inode), path_(std::move(path)), holder_(disk.new_holder()) {}
    ~SimulatedFile() override { disk_.unlock_all(inode_, holder_); }
    SimulatedFile(const SimulatedFile&) = delete;
    SimulatedFile& operator=(const SimulatedFile&) = delete;

    std::uint64_t size() override {
        enter(Call::size, "get the size of");
        return disk_.content(inode_).size();
    }
    std::string read_at(std::uint64_t offset, std::size_t bytes) override {
        enter(Call::read, "read");
        const std::string& content = disk_.content(inode_);
        return offset >= content.size() ? std::string() : content.substr(static_cast<std::size_t>(offset), bytes);
    }
    void write_at(std::uint64_t offset, std::string_view bytes) override {
        if (const auto fault = disk_.enter(Call::write)) {
            if (stops_midway(*fault)) disk_.write(inode_, offset, bytes.substr(0, bytes.size() / 2));
            fail(*fault, "write to", path_);
        }
        disk_.write(inode_, offset, bytes);
    }
    void append(std::string_view bytes) override {
        const std::uint64_t end = disk_.content(inode_).size();
        if (const auto fault = disk_.enter(Call::write)) {
            if (!stops_midway(*fault)) fail(*fault, "append to", path_);
            // "Whole or an error": what is left of half an append is cut off again, as the real one does.
            disk_.write(inode_, end, bytes.substr(0, bytes.size() / 2));
            enter(Call::truncate, "take back what was appended to");
            disk_.truncate(inode_, end);
            fail(*fault, "append to", path_);
        }
        disk_.write(inode_, end, bytes);
    }
    void truncate(std::uint64_t bytes) override {
        enter(Call::truncate, "cut");
        disk_.truncate(inode_, bytes);
    }
    void sync() override {
        if (const auto fault = disk_.enter(Call::sync)) {
            disk_.failed_sync(inode_);
            fail(*fault, "sync", path_);
        }
        disk_.sync(inode_);
    }
    void touch() override {
        enter(Call::touch, "touch");
        disk_.touch(inode_);
    }
    bool try_lock(std::uint64_t offset, LockMode mode) override {
        enter(Call::lock, "lock a byte of");
        return disk_.try_lock(inode_, offset, holder_, mode == LockMode::exclusive);
    }
    void unlock(std::uint64_t offset) override {
        disk_.pass(Call::unlock);
        disk_.unlock(inode_, offset, holder_);
    }
    bool is_locked_by_other(std::uint64_t offset, std::uint64_t bytes) override {
        enter(Call::lock, "ask who locks a byte of");
        for (std::uint64_t byte = offset; byte < offset + bytes; ++byte)
            if (disk_.is_locked_by_other(inode_, byte, holder_)) return true;
        return false;
    }
    std::optional<std::int64_t> lock_holder(std::uint64_t) override { return std::nullopt; }

  private:
    void enter(Call call, std::string_view attempted) {
        if (const auto fault = disk_.enter(call)) fail(*fault, attempted, path_);
    }

    SimulatedDisk& disk_;
    const Inode inode_;
    const std::string path_;
    const SimulatedDisk::Holder holder_;
};

// Looks instead of waiting: time stands still here until somebody moves it.
class SimulatedWatch final : public FileWatch {
  public:
    SimulatedWatch(SimulatedDisk& disk, std::string path) : disk_(disk), path_(std::move(path)), seen_(touches()) {}

    bool wait(std::chrono::nanoseconds) override {
        disk_.pass(Call::sleep);
        const std::uint64_t now = touches();
        const bool told = now != seen_ || interrupted_;
        seen_ = now;
        interrupted_ = false;
        return told;
    }
    void interrupt() noexcept override { interrupted_ = true; }

  private:
    [[nodiscard]] std::uint64_t touches() const {
        const std::optional<Inode> inode = disk_.find(path_);
        return inode ? disk_.touches(*inode) : 0;
    }

    SimulatedDisk& disk_;
    const std::string path_;
    std::uint64_t seen_;
    bool interrupted_ = false;
};

}  // namespace

std::unique_ptr<File> SimulatedFileSystem::open(const std::string& path, OpenMode mode) {
    if (const auto fault = disk_.enter(Call::open)) fail(*fault, "open", path);
    std::optional<Inode> inode = disk_.find(path);
    if (inode && mode == OpenMode::create_new)
        throw Error(ErrorCode::target_exists, fmt::format("create {}: it is there", path));
    if (!inode) {
        if (mode == OpenMode::read || mode == OpenMode::read_write)
            throw Error(ErrorCode::no_such_file, fmt::format("open {}: there is no such file", path));
        inode = disk_.create(path);
    }
    return std::make_unique<SimulatedFile>(disk_, *inode, path);
}

bool SimulatedFileSystem::exists(const std::string& path) {
    if (const auto fault = disk_.enter(Call::exists)) fail(*fault, "look for", path);
    return disk_.find(path).has_value();
}

void SimulatedFileSystem::remove(const std::string& path) {
    if (const auto fault = disk_.enter(Call::remove)) fail(*fault, "remove", path);
    if (!disk_.find(path)) throw Error(ErrorCode::no_such_file, fmt::format("remove {}: there is no such file", path));
    disk_.unlink(path);
}

void SimulatedFileSystem::rename_new(const std::string& from, const std::string& to) {
    if (const auto fault = disk_.enter(Call::rename)) fail(*fault, "rename", from);
    if (disk_.find(to)) throw Error(ErrorCode::target_exists, fmt::format("rename {} to {}: it is there", from, to));
    if (!disk_.find(from)) throw Error(ErrorCode::no_such_file, fmt::format("rename {}: there is no such file", from));
    disk_.rename(from, to);
}

void SimulatedFileSystem::rename_replace(const std::string& from, const std::string& to) {
    if (const auto fault = disk_.enter(Call::rename)) fail(*fault, "rename", from);
    if (!disk_.find(from)) throw Error(ErrorCode::no_such_file, fmt::format("rename {}: there is no such file", from));
    disk_.rename(from, to);
}

void SimulatedFileSystem::sync_directory(const std::string& path) {
    if (const auto fault = disk_.enter(Call::sync_directory)) fail(*fault, "sync the directory", path);
    disk_.sync_directory();
}

std::vector<std::string> SimulatedFileSystem::list(const std::string& directory) {
    if (const auto fault = disk_.enter(Call::list)) fail(*fault, "list", directory);
    std::vector<std::string> names;
    for (const std::string& name : disk_.names())
        if (directory_of(name) == directory) names.emplace_back(base_name_of(name));
    return names;
}

std::unique_ptr<FileWatch> SimulatedFileSystem::watch(const std::string& path) {
    return std::make_unique<SimulatedWatch>(disk_, path);
}

}  // namespace daybook::simulation
