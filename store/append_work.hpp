// One append on its way to the log: made ready before any lock, decided and written inside the group's transaction.
#pragma once

#include <cstddef>
#include <optional>
#include <variant>
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

    /// When it is over and was not refused by an exception; once.
    [[nodiscard]] AppendOutcome take_outcome() noexcept;

  private:
    void prepare(NewEvent event, const StoreOptions& options, UuidV7Generator& ids);
    void make_room(std::size_t count);
    void check_pending(const Limits& limits) const;
    void look_for_repeats(LogWriter& writer);
    void place_stored(std::size_t index, StoredEvent stored, bool differs);
    [[nodiscard]] EventResult pending_row(const PendingHandler& handler, Sequence event_seq) const;
    /// Moves the texts of what was written out of prepared_: only when nothing will be written again.
    void return_events() noexcept;

    AppendRequest request_;  // its events were moved into prepared_
    std::vector<PreparedEvent> prepared_;
    std::vector<PlacedEvent> placed_;  // by event; of those that were written
    std::size_t bytes_ = 0;
    std::vector<bool> to_write_;  // by event: not in the log yet
    bool anything_to_write_ = false;
    bool events_returned_ = false;
    std::optional<std::variant<VersionConflict, IdempotencyConflict>> conflict_;
    Appended appended_;  // the answer if there is no conflict
};

}  // namespace daybook
