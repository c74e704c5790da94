// A fold in SQL: the events of a window through a projection, into a state database in memory or in a file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include <daybook/event/window.hpp>
#include <daybook/replay/progress.hpp>
#include <daybook/replay/projection.hpp>
#include <daybook/store/event_reader.hpp>
#include <daybook/store/snapshot_file.hpp>
#include <daybook/store/state_database.hpp>

namespace daybook {

struct SqlFoldOptions {
    Window window{};  ///< Default: everything. reverse is refused
    ReplayHooks hooks{};
    SnapshotFile* snapshots = nullptr;  ///< looked for here, and kept here when `save_snapshot`. Default: none
    bool save_snapshot = false;         ///< keep the end state; only of a window that is a prefix by seq
    bool replace = false;               ///< project_into(): begin anew, whatever is at the target (but never a log)
    /// The log's file: project_into() refuses it and the names beside it (`-wal`, `.lock`, …) as a target, also with
    /// `replace`. Default: not known; only a file that is a daybook itself is refused.
    std::filesystem::path log{};
    /// Events of one transaction of the state. Default: 4,096; 1..1,000,000.
    std::size_t batch_events = 4'096;
    StateDatabaseOptions state{};
};

struct SqlFoldReport {
    Position position;                         ///< where the state now is
    std::uint64_t events = 0;                  ///< applied by this call
    std::optional<Sequence> continued_from{};  ///< an existing state went on from here
    std::optional<Sequence> from_snapshot{};
    bool snapshot_saved = false;
};

struct Projected {
    StateDatabase state;
    SqlFoldReport report;
};

/// Folds into a new state in memory. `state --at-seq` and `--at` are windows made by window_at().
/// Memory:       the state and one batch of its changes.
/// Throws Error: invalid_projection - names file, line, statement and event; cancelled; corrupt, io_error.
[[nodiscard]] Projected project(const EventReader& reader, const Projection& projection, SqlFoldOptions options = {});

/// Folds into the state file `target`: a new one, or one of the same store, projection, version, source and
/// window options, which goes on from its position (`to_seq`, `to` and `limit` may move forward). On an error
/// in an event the file stays at the event before it, and says so. Throws Error: target_exists - something
/// else is there (use replace); history_diverged - its position is not of this
///               history; unsupported_path - a log or a file of options.log; and as project().
SqlFoldReport project_into(const EventReader& reader, const Projection& projection, const std::filesystem::path& target,
                           SqlFoldOptions options = {});

}  // namespace daybook
