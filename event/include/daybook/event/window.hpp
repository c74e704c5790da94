// A window: which part of history, and which of its events. Always delivered in seq order.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <daybook/event/event.hpp>
#include <daybook/event/type_pattern.hpp>

namespace daybook {

enum class TimeAxis : std::uint8_t { occurred, recorded };

/// All conditions given must hold. Default: everything.
struct Window {
    std::optional<Sequence> from_seq{};  ///< inclusive
    std::optional<Sequence> to_seq{};    ///< inclusive
    std::optional<Timestamp> from{};     ///< inclusive, on `axis`
    std::optional<Timestamp> to{};       ///< exclusive, on `axis`
    TimeAxis axis = TimeAxis::occurred;
    std::vector<TypePattern> types{};  ///< any of them; empty = every type
    std::optional<std::string> stream{};
    std::optional<std::string> source{};
    std::optional<std::string> correlation_id{};
    std::optional<std::string> causation_id{};
    std::vector<std::pair<std::string, std::string>> tags{};  ///< all of them
    std::optional<std::uint64_t> limit{};                     ///< the first so many; with reverse, the last
    bool reverse = false;                                     ///< from the newest to the oldest

    /// Throws Error: invalid_argument - from > to, on either scale; all faults at once.
    void validate() const;
    /// True when anything but from_seq, to_seq and the recorded axis restricts it.
    [[nodiscard]] bool is_filtered() const noexcept;
    /// Whether `event` satisfies every condition; limit and reverse are not looked at.
    [[nodiscard]] bool contains(const EventView& event) const;
};

}  // namespace daybook
