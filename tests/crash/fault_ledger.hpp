// What a client was told while a machine failed it, and whether the log that comes back is one that this allows:
// stored is there, rejected is not, in doubt is there whole or not at all, and all of it can be appended again.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <daybook/store/event_store.hpp>

namespace daybook::crash {

/// What a caller was told of a call that writes.
enum class Told : std::uint8_t { rejected, in_doubt, stored };

/// Events of one append.
struct Batch {
    std::vector<NewEvent> events;
    std::vector<PendingHandler> pending{};
    Told told = Told::rejected;
    std::vector<Event> stored{};      ///< as the store answered
    std::vector<EventResult> rows{};  ///< of handlers, as the store answered
};

/// Rows of one append of results, or of one claim.
struct Rows {
    std::vector<NewResult> asked;
    Told told = Told::rejected;
    std::vector<EventResult> stored{};
};

struct KeptCheckpoint {
    std::string name;
    Head head;
    Told told = Told::rejected;
};

/// Everything that can be read of a log.
struct ReadLog {
    std::vector<Event> events;
    std::vector<EventResult> results;
};
[[nodiscard]] ReadLog read_log(const EventStore& store);

/// Thread-safety: one thread at a time.
struct Ledger {
    std::vector<Batch> batches{};
    std::vector<Rows> rows{};
    std::vector<KeptCheckpoint> checkpoints{};
    /// Handlers ran: there may be rows of `bus` and events `nested:*` of which nobody was told.
    bool handlers_ran = false;
    /// A backup was acknowledged.
    bool backed_up = false;

    /// What became of one row; it may have been asked for before.
    void note(const NewResult& row, Told told, std::vector<EventResult> stored);
    [[nodiscard]] bool is_claimed(std::string_view event_id, std::uint32_t attempt) const;
    [[nodiscard]] Batch& batch_of(std::string_view first_id);
    /// Those certainly there, and those that may be there as well.
    [[nodiscard]] std::uint64_t events_stored() const;
    [[nodiscard]] std::uint64_t events_in_doubt() const;
    /// What is wrong with `log`; empty: nothing.
    [[nodiscard]] std::string compare(const ReadLog& log) const;
    [[nodiscard]] std::string compare_checkpoints(const EventStore& store) const;
    /// Appends every batch and every row again, as a client does that is not sure. Returns what was wrong with it.
    [[nodiscard]] std::string append_again(EventStore& store) const;
};

}  // namespace daybook::crash
