// One append on its way to the log: made ready before any lock, decided and written inside the group's transaction.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <daybook/event/random_source.hpp>
#include <daybook/event/uuid.hpp>
#include <daybook/store/append.hpp>
#include <daybook/store/store_options.hpp>

#include "store/committer.hpp"

namespace daybook {

class AppendWork final : public Work {
  public:
    /// Checks and minifies every event, asks the guards, makes ids, salts and hashes.
    /// Throws Error: invalid_argument, guard_refused, and what checked() throws.
    AppendWork(AppendRequest request, const StoreOptions& options, UuidV7Generator& ids);

    [[nodiscard]] std::size_t rows() const override { return prepared_.size() + request_.pending.size(); }
    [[nodiscard]] std::size_t bytes() const override { return bytes_; }
    void check(LogWriter& writer) override;
    void write(LogWriter& writer) override;
    void durable() noexcept override;

    [[nodiscard]] AppendOutcome take_outcome() { return std::move(outcome_); }

  private:
    void prepare(NewEvent event, const Salt& salt, const StoreOptions& options, UuidV7Generator& ids,
                 ChainHasher& hasher);
    void check_pending(const Limits& limits) const;
    /// False when the outcome is an IdempotencyConflict.
    [[nodiscard]] bool look_for_repeats(LogWriter& writer, Appended& appended);
    void place_stored(std::size_t index, const StoredEvent& stored, bool differs, Appended& appended) const;
    [[nodiscard]] EventResult pending_row(const PendingHandler& handler, Sequence event_seq) const;

    AppendRequest request_;  // its events were moved into prepared_
    std::vector<PreparedEvent> prepared_;
    std::size_t bytes_ = 0;
    std::vector<bool> to_write_;  // by event: not in the log yet
    bool anything_to_write_ = false;
    AppendOutcome outcome_;
};

}  // namespace daybook
