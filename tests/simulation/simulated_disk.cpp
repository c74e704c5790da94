#include "simulation/simulated_disk.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace daybook::simulation {

void write_into(std::string& content, std::uint64_t offset, std::string_view bytes) {
    const auto end = static_cast<std::size_t>(offset) + bytes.size();
    if (content.size() < end) content.resize(end, '\0');
    std::memcpy(content.data() + offset, bytes.data(), bytes.size());
}

// The base's files get the first inodes, in the order of their names: a log that was recorded over the same base fits.
SimulatedDisk::SimulatedDisk(const DiskImage& image) : base_(image) {
    for (const auto& [name, bytes] : image) {
        names_.emplace(name, static_cast<Inode>(files_.size()));
        files_.push_back(std::make_unique<File>());
        files_.back()->bytes = *bytes;
    }
}

SimulatedDisk::SimulatedDisk(const DiskImage& base, std::vector<Operation> recorded) : SimulatedDisk(base) {
    log_ = std::move(recorded);
    for (const Operation& operation : log_) apply(operation);
}

void SimulatedDisk::apply(const Operation& operation) {
    switch (operation.kind) {
        case Operation::Kind::create:
            while (files_.size() <= operation.inode) files_.push_back(std::make_unique<File>());
            names_[operation.name] = operation.inode;
            break;
        case Operation::Kind::write:
            write_into(files_[operation.inode]->bytes, operation.offset, operation.bytes);
            break;
        case Operation::Kind::truncate:
            files_[operation.inode]->bytes.resize(static_cast<std::size_t>(operation.offset), '\0');
            break;
        case Operation::Kind::unlink:
            names_.erase(operation.name);
            break;
        case Operation::Kind::rename:
            names_[operation.to] = names_.at(operation.name);
            names_.erase(operation.name);
            break;
        case Operation::Kind::sync:
        case Operation::Kind::failed_sync:
        case Operation::Kind::sync_directory:
        case Operation::Kind::note:
            break;
    }
}

void SimulatedDisk::record(Operation operation) {
    apply(operation);
    log_.push_back(std::move(operation));
}

void SimulatedDisk::note(std::uint64_t number) {
    log_.push_back({.kind = Operation::Kind::note, .offset = number});
}

DiskImage SimulatedDisk::seen() const {
    DiskImage image;
    for (const auto& [name, inode] : names_)
        image.emplace(name, std::make_shared<const std::string>(files_[inode]->bytes));
    return image;
}

std::optional<Inode> SimulatedDisk::find(std::string_view name) const {
    const auto found = names_.find(name);
    if (found == names_.end()) return std::nullopt;
    return found->second;
}

Inode SimulatedDisk::create(const std::string& name) {
    const auto inode = static_cast<Inode>(files_.size());
    record({.kind = Operation::Kind::create, .inode = inode, .name = name});
    return inode;
}

Inode SimulatedDisk::create_unnamed() {
    files_.push_back(std::make_unique<File>());
    files_.back()->recorded = false;
    return static_cast<Inode>(files_.size() - 1);
}

void SimulatedDisk::write(Inode inode, std::uint64_t offset, std::string_view bytes) {
    if (!files_[inode]->recorded) return write_into(files_[inode]->bytes, offset, bytes);
    record({.kind = Operation::Kind::write, .inode = inode, .offset = offset, .bytes = std::string(bytes)});
}

void SimulatedDisk::truncate(Inode inode, std::uint64_t bytes) {
    if (!files_[inode]->recorded) return files_[inode]->bytes.resize(static_cast<std::size_t>(bytes), '\0');
    record({.kind = Operation::Kind::truncate, .inode = inode, .offset = bytes});
}

void SimulatedDisk::sync(Inode inode) {
    if (files_[inode]->recorded && !sync_lies) record({.kind = Operation::Kind::sync, .inode = inode});
}

void SimulatedDisk::failed_sync(Inode inode) {
    if (files_[inode]->recorded) record({.kind = Operation::Kind::failed_sync, .inode = inode});
}

void SimulatedDisk::unlink(const std::string& name) {
    record({.kind = Operation::Kind::unlink, .name = name});
}

void SimulatedDisk::rename(const std::string& from, const std::string& to) {
    record({.kind = Operation::Kind::rename, .name = from, .to = to});
}

void SimulatedDisk::sync_directory() {
    if (!sync_lies) record({.kind = Operation::Kind::sync_directory});
}

std::vector<std::string> SimulatedDisk::names() const {
    std::vector<std::string> all;
    for (const auto& [name, inode] : names_) all.push_back(name);
    return all;
}

bool SimulatedDisk::try_lock(Inode inode, std::uint64_t byte, Holder holder, bool exclusive) {
    File::Lock& lock = files_[inode]->locks[byte];
    if (lock.exclusive != 0 && lock.exclusive != holder) return false;
    if (exclusive) {
        for (const Holder other : lock.shared)
            if (other != holder) return false;
        lock.shared.clear();
        lock.exclusive = holder;
    } else {
        lock.exclusive = 0;
        lock.shared.insert(holder);
    }
    return true;
}

void SimulatedDisk::unlock(Inode inode, std::uint64_t byte, Holder holder) {
    auto& locks = files_[inode]->locks;
    const auto found = locks.find(byte);
    if (found == locks.end()) return;
    if (found->second.exclusive == holder) found->second.exclusive = 0;
    found->second.shared.erase(holder);
    if (found->second.exclusive == 0 && found->second.shared.empty()) locks.erase(found);
}

bool SimulatedDisk::is_locked_by_other(Inode inode, std::uint64_t byte, Holder holder) const {
    const auto& locks = files_[inode]->locks;
    const auto found = locks.find(byte);
    if (found == locks.end()) return false;
    if (found->second.exclusive != 0 && found->second.exclusive != holder) return true;
    return std::any_of(found->second.shared.begin(), found->second.shared.end(),
                       [&](Holder other) { return other != holder; });
}

void SimulatedDisk::unlock_all(Inode inode, Holder holder) {
    auto& locks = files_[inode]->locks;
    for (auto place = locks.begin(); place != locks.end();) {
        if (place->second.exclusive == holder) place->second.exclusive = 0;
        place->second.shared.erase(holder);
        const bool is_free = place->second.exclusive == 0 && place->second.shared.empty();
        place = is_free ? locks.erase(place) : std::next(place);
    }
}

std::size_t SimulatedDisk::locks_held() const {
    std::size_t held = 0;
    for (const std::unique_ptr<File>& file : files_)
        for (const auto& [byte, lock] : file->locks)
            if (lock.exclusive != 0 || !lock.shared.empty()) ++held;
    return held;
}

std::optional<Fault> SimulatedDisk::enter(Call call) {
    pass(call);
    ++calls_counted_;
    if (!plan_ || calls_counted_ < plan_->at || (plan_->once && has_failed_)) return std::nullopt;
    if (!plan_->kinds.test(static_cast<std::size_t>(call))) return std::nullopt;
    has_failed_ = true;
    return plan_->fault;
}

void SimulatedDisk::pass(Call call) {
    if (on_call) on_call(call);
}

void SimulatedDisk::set_faults(std::optional<FaultPlan> plan) {
    plan_ = plan;
    calls_counted_ = 0;
    has_failed_ = false;
}

}  // namespace daybook::simulation
