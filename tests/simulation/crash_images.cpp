#include "simulation/crash_images.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace daybook::simulation {

namespace {

constexpr std::uint64_t sector_bytes = 512;

}  // namespace

std::pair<std::uint64_t, std::uint64_t> hash_of(std::string_view bytes) noexcept {
    std::uint64_t first = 0x9e3779b97f4a7c15 ^ bytes.size();
    std::uint64_t second = 0xc2b2ae3d27d4eb4f + bytes.size();
    const auto mix = [&](std::uint64_t word) {
        first = (first ^ word) * 0xff51afd7ed558ccd;
        first ^= first >> 32;
        second = (second + word) * 0xc4ceb9fe1a85ec53;
        second ^= second >> 29;
    };
    std::size_t index = 0;
    for (; index + 8 <= bytes.size(); index += 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, bytes.data() + index, 8);
        mix(word);
    }
    std::uint64_t rest = 0;
    std::memcpy(&rest, bytes.data() + index, bytes.size() - index);
    mix(rest);
    return {first, second};
}

CrashPoint::CrashPoint(const DiskImage& base, const std::vector<Operation>& log) : log_(log) {
    Inode inode = 0;
    for (const auto& [name, bytes] : base) {
        durable_.emplace(inode, bytes);
        names_.emplace(name, inode++);
    }
}

bool CrashPoint::advance() {
    if (position_ == log_.size()) return false;
    const std::size_t index = position_++;
    const Operation& operation = log_[index];
    unchanged_ = false;
    switch (operation.kind) {
        case Operation::Kind::write:
        case Operation::Kind::truncate:
            add(operation.inode, index);
            break;
        case Operation::Kind::sync:
            sync(operation.inode);
            break;
        case Operation::Kind::failed_sync:
            for (Piece& piece : pieces_)
                if (piece.inode == operation.inode && !piece.must) piece.stuck = true;
            break;
        case Operation::Kind::create:
            durable_.emplace(operation.inode, std::make_shared<const std::string>());
            names_pending_.push_back(index);
            break;
        case Operation::Kind::unlink:
        case Operation::Kind::rename:
            names_pending_.push_back(index);
            break;
        case Operation::Kind::sync_directory:
            for (const std::size_t pending : names_pending_) change_names(names_, log_[pending]);
            names_pending_.clear();
            break;
        case Operation::Kind::note:
            unchanged_ = true;
            break;
    }
    return true;
}

void CrashPoint::add(Inode inode, std::size_t operation) {
    const Operation& added = log_[operation];
    if (!pieces_.empty() && added.kind == Operation::Kind::write) {
        Piece& last = pieces_.back();
        const Operation& before = log_[last.operations.back()];
        if (last.inode == inode && !last.must && !last.stuck && last.operations.size() == 1 &&
            before.kind == Operation::Kind::write && before.bytes.size() < sector_bytes &&
            before.offset + before.bytes.size() == added.offset) {
            last.operations.push_back(operation);
            return;
        }
    }
    pieces_.push_back(Piece{inode, {operation}});
}

void CrashPoint::sync(Inode inode) {
    const bool any_stuck = std::any_of(pieces_.begin(), pieces_.end(),
                                       [&](const Piece& piece) { return piece.inode == inode && piece.stuck; });
    if (any_stuck) {
        // They lie below what is durable from now on: everything is kept, in order.
        for (Piece& piece : pieces_)
            if (piece.inode == inode && !piece.stuck) piece.must = true;
        return;
    }
    std::string content;
    bool changed = false;
    for (const Piece& piece : pieces_) {
        if (piece.inode != inode) continue;
        if (!changed) content = *durable_.at(inode);
        changed = true;
        apply_whole(content, piece);
    }
    if (!changed) return;
    durable_[inode] = std::make_shared<const std::string>(std::move(content));
    std::erase_if(pieces_, [&](const Piece& piece) { return piece.inode == inode; });
}

void CrashPoint::apply_whole(std::string& content, const Piece& piece) const {
    for (const std::size_t index : piece.operations) {
        const Operation& operation = log_[index];
        if (operation.kind == Operation::Kind::write) {
            write_into(content, operation.offset, operation.bytes);
        } else {
            content.resize(static_cast<std::size_t>(operation.offset), '\0');
        }
    }
}

// Torn where a sector ends: what lies before it, or what lies behind it, has arrived.
void CrashPoint::apply_part(std::string& content, const Piece& piece, Fate fate, std::uint64_t cut) const {
    const Operation& first = log_[piece.operations.front()];
    if (first.kind == Operation::Kind::truncate) return;  // happens or does not
    std::string bytes;
    for (const std::size_t index : piece.operations) bytes += log_[index].bytes;
    const std::uint64_t begin = first.offset;
    const std::uint64_t end = begin + bytes.size();
    if (fate == Fate::zeroed) return write_into(content, begin, std::string(bytes.size(), '\0'));
    const std::uint64_t sectors = (end - 1) / sector_bytes - begin / sector_bytes;
    if (sectors == 0) return;  // one sector is written whole, or not at all
    const std::uint64_t border = (begin / sector_bytes + 1 + cut % sectors) * sector_bytes;
    const auto head = static_cast<std::size_t>(border - begin);
    if (fate == Fate::head) {
        write_into(content, begin, std::string_view(bytes).substr(0, head));
    } else {
        write_into(content, border, std::string_view(bytes).substr(head));
    }
}

void CrashPoint::change_names(std::map<std::string, Inode>& names, const Operation& operation) const {
    switch (operation.kind) {
        case Operation::Kind::create:
            names[operation.name] = operation.inode;
            break;
        case Operation::Kind::unlink:
            names.erase(operation.name);
            break;
        default:
            names[operation.to] = names.at(operation.name);
            names.erase(operation.name);
            break;
    }
}

DiskImage CrashPoint::image(const std::vector<Fate>& fates, std::size_t names_kept, std::uint64_t cut) const {
    std::map<std::string, Inode> names = names_;
    for (std::size_t index = 0; index < names_kept; ++index) change_names(names, log_[names_pending_[index]]);
    std::map<Inode, std::string> changed;
    for (std::size_t index = 0; index < pieces_.size(); ++index) {
        const Piece& piece = pieces_[index];
        const Fate fate = piece.must ? Fate::whole : fates[index];
        if (fate == Fate::lost) continue;
        auto found = changed.find(piece.inode);
        if (found == changed.end()) found = changed.emplace(piece.inode, *durable_.at(piece.inode)).first;
        if (fate == Fate::whole) {
            apply_whole(found->second, piece);
        } else {
            apply_part(found->second, piece, fate, cut);
        }
    }
    std::map<Inode, std::shared_ptr<const std::string>> made;
    for (auto& [inode, content] : changed) made.emplace(inode, std::make_shared<const std::string>(std::move(content)));
    DiskImage image;
    for (const auto& [name, inode] : names) {
        const auto found = made.find(inode);
        image.emplace(name, found != made.end() ? found->second : durable_.at(inode));
    }
    return image;
}

bool CrashPoint::visit(const CrashPlan& plan, Dice& dice, const std::function<bool(DiskImage&&)>& visit) const {
    const std::size_t count = pieces_.size();
    const std::size_t names = names_pending_.size();
    std::vector<Fate> fates(count, Fate::whole);
    const auto with_names = [&](std::uint64_t cut) {
        // Most interesting: all names, or none of the unsynced ones; the rest now and then.
        for (std::size_t kept = 0; kept <= names; ++kept) {
            const bool inner = kept != 0 && kept != names;
            if (inner && names > 3 && !dice.chance(30)) continue;
            if (!visit(image(fates, kept, cut))) return false;
        }
        return true;
    };
    if (count <= plan.exhaustive_pieces_max) {
        for (std::uint64_t subset = 0; subset < (std::uint64_t{1} << count); ++subset) {
            for (std::size_t index = 0; index < count; ++index)
                fates[index] = ((subset >> index) & 1) != 0 ? Fate::whole : Fate::lost;
            if (!with_names(0)) return false;
        }
    } else {
        if (!with_names(0)) return false;
        fates.assign(count, Fate::lost);
        if (!with_names(0)) return false;
        for (std::size_t index = 0; index < count; ++index) {
            fates.assign(count, Fate::whole);
            fates[index] = Fate::lost;
            if (!visit(image(fates, names, 0))) return false;
            fates.assign(count, Fate::lost);
            fates[index] = Fate::whole;
            if (!visit(image(fates, names, 0))) return false;
        }
        for (std::size_t number = 0; number < plan.random_subsets; ++number) {
            for (Fate& fate : fates) fate = dice.chance(50) ? Fate::whole : Fate::lost;
            if (!visit(image(fates, static_cast<std::size_t>(dice.below(names + 1)), 0))) return false;
        }
    }
    // One piece damaged, what came before and after it whole or lost.
    for (std::size_t index = 0; index < count; ++index) {
        for (const Fate damage : {Fate::head, Fate::tail, Fate::zeroed}) {
            for (const Fate others : {Fate::whole, Fate::lost}) {
                fates.assign(count, others);
                std::fill(fates.begin(), fates.begin() + static_cast<std::ptrdiff_t>(index), Fate::whole);
                fates[index] = damage;
                if (!visit(image(fates, names, dice.next()))) return false;
            }
        }
    }
    return true;
}

bool ImageSet::add(const DiskImage& image) {
    std::uint64_t first = 0;
    std::uint64_t second = 0;
    for (const auto& [name, bytes] : image) {
        const auto of_name = hash_of(name);
        auto found = known_.find(bytes.get());
        // Whoever else holds it will bring it again: a file that belongs to this image alone is not worth a place.
        if (found == known_.end() && bytes.use_count() > 1)
            found = known_.emplace(bytes.get(), std::pair(bytes, hash_of(*bytes))).first;
        const auto of_bytes = found != known_.end() ? found->second.second : hash_of(*bytes);
        first = (first ^ of_name.first ^ (of_bytes.first * 3)) * 0x9fb21c651e98df25;
        second = (second + of_name.second + (of_bytes.second * 5)) * 0xd6e8feb86659fd93;
    }
    if (known_.size() > 256) known_.clear();
    return seen_.emplace(first, second).second;
}

}  // namespace daybook::simulation
