// What became of an event at one handler: the rows of event_results_log.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <daybook/event/position.hpp>
#include <daybook/event/timestamp.hpp>

namespace daybook {

/// `pending` (with the event's own commit), optionally `started`, then one terminal status; optionally
/// `late`, when a handler that had timed out came back after all.
enum class ResultStatus : std::uint8_t { pending, started, completed, error, timeout, cancelled, aborted, late };

[[nodiscard]] std::string_view to_string(ResultStatus status) noexcept;
[[nodiscard]] std::optional<ResultStatus> result_status_from(std::string_view text) noexcept;
/// completed, error, timeout, cancelled, aborted.
[[nodiscard]] bool is_terminal(ResultStatus status) noexcept;

/// A row to append. (event_id, bus, handler, attempt, status) is unique over the log.
struct NewResult {
    std::string event_id;
    std::string bus;
    std::string handler;
    std::uint32_t attempt = 1;
    ResultStatus status = ResultStatus::pending;
    std::string owner;                    ///< the bus instance that runs it
    std::optional<std::string> result{};  ///< JSON text that the handler returned
    std::optional<std::string> error_type{};
    std::optional<std::string> error_message{};
    std::optional<Timestamp> started_at{};
    std::optional<Timestamp> finished_at{};
    std::vector<std::string> emitted{};  ///< ids of the events that the handler emitted, in order
    std::optional<std::string> note{};   ///< what a reader should know, for example a re-run that differed
    bool operator==(const NewResult&) const = default;
};

/// A committed row.
struct EventResult {
    ResultSequence result_seq;
    Sequence event_seq;
    std::string event_id;
    std::string bus;
    std::string handler;
    std::uint32_t attempt = 1;
    ResultStatus status = ResultStatus::pending;
    std::string owner;
    std::optional<std::string> result;
    std::optional<std::string> error_type;
    std::optional<std::string> error_message;
    std::optional<Timestamp> started_at;
    std::optional<Timestamp> finished_at;
    std::vector<std::string> emitted;
    std::optional<std::string> note;
    bool imported = false;  ///< came from another log: never re-run
    Sequence events_head;   ///< the last event at this row's commit: fixes its place among the events
    Timestamp recorded_at;
    Digest digest;  ///< of the results' chain up to and including this row
    bool operator==(const EventResult&) const = default;
};

}  // namespace daybook
