#include "store/occurred_blocks_check.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "store/occurred_blocks.hpp"

namespace daybook {
namespace {

constexpr std::string_view code = "derived_occurred_blocks";

}  // namespace

OccurredBlocksCheck::OccurredBlocksCheck(Verification& verification)
    : verification_(verification),
      kept_rows_(verification.connection(),
                 "SELECT block, occurred_min, occurred_max FROM occurred_blocks ORDER BY block") {
    next_kept();
}

void OccurredBlocksCheck::next_kept() {
    kept_.reset();
    if (kept_rows_.step()) kept_ = Block{kept_rows_.integer(0), kept_rows_.integer(1), kept_rows_.integer(2)};
}

void OccurredBlocksCheck::add(std::uint64_t seq, Timestamp occurred_at) {
    last_seq_ = seq;
    const auto number = static_cast<std::int64_t>((seq - 1) / occurred_block_events);
    if (computed_ && computed_->number == number) {
        computed_->occurred_min = std::min(computed_->occurred_min, occurred_at.ns);
        computed_->occurred_max = std::max(computed_->occurred_max, occurred_at.ns);
        return;
    }
    if (computed_) compare(*computed_);
    computed_ = Block{number, occurred_at.ns, occurred_at.ns};
}

void OccurredBlocksCheck::compare(const Block& computed) {
    const auto first_seq = static_cast<std::uint64_t>(computed.number) * occurred_block_events + 1;
    while (kept_ && kept_->number < computed.number) {
        verification_.problem(
            code, std::nullopt,
            fmt::format("occurred_blocks has block {}, of which the log has no event", kept_->number));
        next_kept();
    }
    if (!kept_ || kept_->number != computed.number) {
        verification_.problem(code, first_seq,
                              fmt::format("occurred_blocks lacks block {} (seq {} to {})", computed.number, first_seq,
                                          first_seq + occurred_block_events - 1));
        return;
    }
    if (kept_->occurred_min != computed.occurred_min || kept_->occurred_max != computed.occurred_max)
        verification_.problem(
            code, first_seq,
            fmt::format("occurred_blocks says that block {} spans {} to {} ns, its events span {} to {}",
                        computed.number, kept_->occurred_min, kept_->occurred_max, computed.occurred_min,
                        computed.occurred_max));
    next_kept();
}

void OccurredBlocksCheck::finish() {
    if (computed_ && last_seq_ % occurred_block_events == 0) compare(*computed_);
    computed_.reset();
    for (; kept_; next_kept())
        verification_.problem(
            code, std::nullopt,
            fmt::format("occurred_blocks has block {}, of which the log does not have the last event", kept_->number));
}

}  // namespace daybook
