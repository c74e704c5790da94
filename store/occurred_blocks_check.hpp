// Recomputes occurred_blocks from events as they pass by, and compares it with the table.
#pragma once

#include <cstdint>
#include <optional>

#include <daybook/event/timestamp.hpp>

#include "store/verification.hpp"

namespace daybook {

/// Thread-safety: one thread at a time.
class OccurredBlocksCheck {
  public:
    explicit OccurredBlocksCheck(Verification& verification);
    /// Events come in the order of seq.
    void add(std::uint64_t seq, Timestamp occurred_at);
    /// After the last event.
    void finish();

  private:
    struct Block {
        std::int64_t number = 0;
        std::int64_t occurred_min = 0;
        std::int64_t occurred_max = 0;
    };
    void compare(const Block& computed);
    void next_kept();

    Verification& verification_;
    Statement kept_rows_;
    std::optional<Block> kept_;  // the table's row that is to be compared next
    std::uint64_t last_seq_ = 0;
    std::optional<Block> computed_;  // the block that is being filled
};

}  // namespace daybook
