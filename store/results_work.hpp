// Rows of event_results_log on their way to the log, and the claim of an unfinished handler.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <daybook/event/event_result.hpp>
#include <daybook/event/limits.hpp>
#include <daybook/store/unfinished.hpp>

#include "store/committer.hpp"
#include "store/lock_file.hpp"

namespace daybook {

class ResultsWork final : public Work {
  public:
    /// Throws Error: invalid_argument, invalid_name, and what minify_json() throws.
    ResultsWork(std::vector<NewResult> results, bool imported, const Limits& limits);

    [[nodiscard]] std::size_t rows() const override { return rows_.size(); }
    [[nodiscard]] std::size_t bytes() const override { return bytes_; }
    void check(LogWriter& writer) override;
    void write(LogWriter& writer) override;

    [[nodiscard]] std::vector<EventResult> take_written() { return std::move(written_); }

  private:
    struct Row {
        EventResult result;
        bool recoverable = true;
        bool there_already = false;
    };
    /// `earlier` are the rows before it in the same call.
    void check_row(LogWriter& writer, Row& row, std::span<const Row> earlier) const;
    /// A row of this call or of the log must stand before `row`, or verify would refuse what it begins.
    static void check_history(LogWriter& writer, const EventResult& row, bool begun, bool ended,
                              std::span<const Row> earlier);

    const bool imported_;
    std::vector<Row> rows_;
    std::size_t bytes_ = 0;
    std::vector<EventResult> written_;
};

class ClaimWork final : public Work {
  public:
    /// `lock` tells whether the owner lives; it must outlive this.
    ClaimWork(const Unfinished& work, std::string owner, LockFile& lock)
        : work_(work), owner_(std::move(owner)), lock_(lock) {}

    void check(LogWriter& writer) override;
    void write(LogWriter& writer) override;

    [[nodiscard]] std::optional<EventResult> take_claimed() { return std::move(claimed_); }

  private:
    const Unfinished work_;
    const std::string owner_;
    LockFile& lock_;
    bool may_claim_ = false;
    std::optional<EventResult> claimed_;
};

}  // namespace daybook
