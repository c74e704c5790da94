// Snapshots of folds, in `<db>.snapshots`: a side file, so that big blobs never stall those who append.
//
// A cache: a snapshot that is damaged, of another history, busy or lost changes speed, never answers. Which
// snapshot serves which question is decided in replay/.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <daybook/event/file_system.hpp>
#include <daybook/event/position.hpp>

namespace daybook {

/// Which fold. Another version or another source is another fold.
struct SnapshotKey {
    std::string projection;
    std::string version;
    Digest source_hash;
    bool operator==(const SnapshotKey&) const = default;
};

struct Snapshot {
    Position position;         ///< the state is that after the event with this seq
    std::uint64_t events = 0;  ///< that were folded
    std::string state;
};

struct SnapshotFileOptions {
    std::size_t state_bytes_max = std::size_t{512}
                                  << 20;  ///< larger states are not kept. Default: 512 MiB; at most 900 MiB
    /// Told what was ignored or skipped, and why. Called by the calling thread. Default: nobody.
    std::function<void(const std::string&)> note{};

    // Seams for tests. Empty = the machine's own.
    std::string vfs_name{};
    std::shared_ptr<FileSystem> files{};
};

/// The file is opened for each call and closed after it. No call throws for the file's sake: what cannot be
/// used is noted and treated as not there. Thread-safety: one thread at a time; several processes may use one
/// file.
class SnapshotFile {
  public:
    /// `database`: the log's path.
    explicit SnapshotFile(const std::filesystem::path& database, SnapshotFileOptions options = {});

    /// The newest snapshot of `key` and `store_id` with seq <= `up_to` that `serves` accepts (its position is
    /// in the log). Damaged ones are passed over. Writes nothing.
    [[nodiscard]] std::optional<Snapshot> find(const SnapshotKey& key, const Uuid& store_id, Sequence up_to,
                                               const std::function<bool(const Position&)>& serves) const;

    /// Keeps a snapshot. The first writer of (key, position) wins.
    /// Returns: false when nothing was written: it is there already, the file is busy, read-only or damaged,
    /// or the state is too large.
    bool save(const SnapshotKey& key, const Snapshot& snapshot);

    /// Positions that are kept for `key`, oldest first, undamaged or not.
    [[nodiscard]] std::vector<Position> positions(const SnapshotKey& key) const;

    /// Removes all but the newest `keep` snapshots of each fold and store, and the damaged ones. Returns how
    /// many.
    std::size_t prune(std::size_t keep);

    /// `<db>.snapshots`
    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

  private:
    void note(const std::string& text) const;
    std::filesystem::path path_;
    SnapshotFileOptions options_;
};

}  // namespace daybook
