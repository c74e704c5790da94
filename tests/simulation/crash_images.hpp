// What a power loss may leave of a disk: for a position in its log of operations, every file as of its last sync, plus
// any part of what was written since, and the names as of the last sync of the directory, plus some of what was done
// to them since. (shared/reference: ALICE, OSDI 2014; CrashMonkey, OSDI 2018.)
//
// Stricter than a real file system on purpose: a synced file may still lose its name until the directory is synced.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "simulation/dice.hpp"
#include "simulation/simulated_disk.hpp"

namespace daybook::simulation {

struct CrashPlan {
    /// With at most so many pieces of unsynced work at a position, every subset is tried.
    std::size_t exhaustive_pieces_max = 12;
    /// Otherwise: all, none, all but one, only one, one torn or zeroed, and so many random ones.
    std::size_t random_subsets = 8;
    /// Positions before this one are passed over.
    std::size_t first_position = 0;
};

/// The state of a disk at one position of its log, moved on operation by operation.
/// Thread-safety: one thread at a time.
class CrashPoint {
  public:
    /// `base` and `log` must outlive it.
    CrashPoint(const DiskImage& base, const std::vector<Operation>& log);

    /// Takes in the next operation. False at the end of the log.
    bool advance();
    /// How many operations have happened.
    [[nodiscard]] std::size_t position() const noexcept { return position_; }
    /// Pieces of work that may be lost: a write, or writes that follow each other on one file without a gap (SQLite writes
    /// a frame's header and its page so: one of them alone is as no frame), or a truncation. Operations on names not counted.
    [[nodiscard]] std::size_t pieces() const noexcept { return pieces_.size(); }
    /// What may be lost is the same set as before the last advance(): no new image can be built here.
    [[nodiscard]] bool is_unchanged() const noexcept { return unchanged_; }

    /// What becomes of one piece.
    enum class Fate : std::uint8_t { lost, whole, head, tail, zeroed };
    /// `names_kept`: how many of the unsynced operations on names survive (the first ones). `cut` chooses where a piece
    /// is torn.
    [[nodiscard]] DiskImage image(const std::vector<Fate>& fates, std::size_t names_kept, std::uint64_t cut) const;
    [[nodiscard]] std::size_t unsynced_names() const noexcept { return names_pending_.size(); }
    /// Calls `visit` with the images that `plan` asks for. Stops when it returns false.
    bool visit(const CrashPlan& plan, Dice& dice, const std::function<bool(DiskImage&&)>& visit) const;

  private:
    struct Piece {
        Inode inode;
        std::vector<std::size_t> operations;
        bool must = false;   // later than a sync that succeeded
        bool stuck = false;  // no sync helps it any more
    };
    void add(Inode inode, std::size_t operation);
    void sync(Inode inode);
    void apply_whole(std::string& content, const Piece& piece) const;
    void apply_part(std::string& content, const Piece& piece, Fate fate, std::uint64_t cut) const;
    void change_names(std::map<std::string, Inode>& names, const Operation& operation) const;

    const std::vector<Operation>& log_;
    std::size_t position_ = 0;
    bool unchanged_ = false;
    std::map<Inode, std::shared_ptr<const std::string>> durable_;
    std::vector<Piece> pieces_;
    std::map<std::string, Inode> names_;
    std::vector<std::size_t> names_pending_;
};

/// 128 bits: among 10^8 contents two that differ will not be taken for one.
[[nodiscard]] std::pair<std::uint64_t, std::uint64_t> hash_of(std::string_view bytes) noexcept;

/// Tells images apart. Thread-safety: one thread at a time.
class ImageSet {
  public:
    /// True if no equal image was added before.
    bool add(const DiskImage& image);
    [[nodiscard]] std::size_t size() const noexcept { return seen_.size(); }

  private:
    std::set<std::pair<std::uint64_t, std::uint64_t>> seen_;
    // Files that are shared between images are hashed once.
    std::map<const std::string*, std::pair<std::shared_ptr<const std::string>, std::pair<std::uint64_t, std::uint64_t>>>
        known_;
};

}  // namespace daybook::simulation
