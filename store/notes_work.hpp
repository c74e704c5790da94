// Small things kept in the file beside the logs: checkpoints of readers, and names of imports.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include <daybook/event/timestamp.hpp>
#include <daybook/store/checkpoint.hpp>

#include "store/committer.hpp"

namespace daybook {

class CheckpointWork final : public Work {
  public:
    CheckpointWork(Checkpoint checkpoint, std::optional<Checkpoint> expected)
        : checkpoint_(std::move(checkpoint)), expected_(std::move(expected)) {}

    /// Throws Error: checkpoint_conflict; history_diverged - a position that is not of this log.
    void check(LogWriter& writer) override;
    void write(LogWriter& writer) override;

  private:
    const Checkpoint checkpoint_;
    const std::optional<Checkpoint> expected_;
};

class ImportNameWork final : public Work {
  public:
    ImportNameWork(std::string name, std::string source, Timestamp now)
        : name_(std::move(name)), source_(std::move(source)), now_(now) {}

    /// Throws Error: name_taken.
    void check(LogWriter& writer) override;
    void write(LogWriter& writer) override;

  private:
    const std::string name_;
    const std::string source_;
    const Timestamp now_;
    bool is_new_ = false;
};

/// The columns: name, seq, digest, result_seq, result_digest, updated_at.
[[nodiscard]] Checkpoint checkpoint_from(const Statement& row, const Uuid& store_id);

}  // namespace daybook
