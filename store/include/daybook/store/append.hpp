// What an append asks for and what it answers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <daybook/event/event.hpp>
#include <daybook/event/event_result.hpp>

namespace daybook {

/// What must be true of a stream for the append to happen.
class ExpectedVersion {
  public:
    enum class Kind : std::uint8_t { any, none, exists, exact };

    [[nodiscard]] static constexpr ExpectedVersion any() { return {Kind::any, Version{0}}; }
    /// The stream has no events. The same as exactly(Version{0}).
    [[nodiscard]] static constexpr ExpectedVersion none() { return {Kind::none, Version{0}}; }
    [[nodiscard]] static constexpr ExpectedVersion exists() { return {Kind::exists, Version{0}}; }
    [[nodiscard]] static constexpr ExpectedVersion exactly(Version version) {
        return version.value == 0 ? none() : ExpectedVersion{Kind::exact, version};
    }

    [[nodiscard]] constexpr Kind kind() const { return kind_; }
    [[nodiscard]] constexpr Version version() const { return version_; }
    [[nodiscard]] bool holds(Version actual) const noexcept;
    /// `any`, `none`, `exists` or the number.
    [[nodiscard]] std::string to_string() const;
    bool operator==(const ExpectedVersion&) const = default;

  private:
    constexpr ExpectedVersion(Kind kind, Version version) : kind_(kind), version_(version) {}
    Kind kind_;
    Version version_;
};

/// A check on one stream, which need not be a stream that the append writes to. It is made against the log as it
/// stands before the append's own events.
struct StreamExpectation {
    std::string stream;
    ExpectedVersion version = ExpectedVersion::any();
};

/// A handler that will get events[event_index] once it is durable: becomes a `pending` row in the same transaction.
struct PendingHandler {
    std::size_t event_index = 0;
    std::string bus;
    std::string handler;
    std::string owner;
    bool recoverable = true;  ///< false: never re-run, but still listed as unfinished
};

/// What an event id that is already in the log means.
enum class Repeats : std::uint8_t {
    whole_batch,     ///< all ids there with the same content: already_appended; some, or other content: conflict
    each_event,      ///< events that are there with the same content are passed over; other content: conflict
    skip_conflicts,  ///< as each_event; events whose id is there with other content are passed over and reported
};

struct Appended;

struct AppendRequest {
    std::vector<NewEvent> events;  ///< 1..batch_events_max
    std::vector<StreamExpectation> expectations{};
    std::vector<PendingHandler> pending{};
    Repeats repeats = Repeats::whole_batch;
    /// For ids made by a re-run (UUIDv5 of cause, bus, handler, ordinal): the first event stands, and a difference
    /// in content is answered in Appended, not an error.
    bool first_stands = false;
    /// Fill Appended::events.
    bool return_events = false;
    /// Called once, right after the commit is durable and before append() returns, in seq order over all appends of
    /// this store, never concurrently; not called when nothing new was written. Calling thread: whichever leads the
    /// commit. Locks held: the commit's leadership, so it must be short and must not call the store; nor may the
    /// destructor of what it has captured. It must not throw.
    std::function<void(const Appended&)> on_durable{};
};

struct AppendedEvent {
    enum class Outcome : std::uint8_t { appended, already_appended, conflict };
    Outcome outcome = Outcome::appended;
    Sequence seq;          ///< of the event that is in the log under this id
    Version version;       ///< of that event in its stream
    bool differs = false;  ///< first_stands only: the event in the log has other content
};

struct Appended {
    std::vector<AppendedEvent> positions;  ///< one for each event of the request, in order
    Sequence first_seq;                    ///< smallest and largest of positions that are not conflicts
    Sequence last_seq;
    std::vector<std::string> ids;      ///< one for each event of the request
    std::vector<Event> events;         ///< if return_events: one for each event of the request, as it is in the log
    std::vector<EventResult> pending;  ///< the committed pending rows, in the request's order

    /// Nothing was written: every event had been appended before.
    [[nodiscard]] bool already_appended() const noexcept;
};

/// At least one expectation does not hold. Nothing was written.
struct VersionConflict {
    struct Check {
        std::string stream;
        ExpectedVersion expected = ExpectedVersion::any();
        Version actual;
    };
    std::vector<Check> failed;  ///< every check that failed
    [[nodiscard]] std::string message() const;
};

/// An id is in the log with other content (or a batch is there only in part). Nothing was written.
struct IdempotencyConflict {
    std::size_t event_index = 0;
    std::string id;
    std::optional<Sequence>
        seq;                 ///< where that id is; empty: it is the id that is missing of a batch that is there in part
    std::string difference;  ///< the name of the first field that differs, or `partial_batch`
    [[nodiscard]] std::string message() const;
};

using AppendOutcome = std::variant<Appended, VersionConflict, IdempotencyConflict>;

}  // namespace daybook
