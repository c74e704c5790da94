// Events and results out of JSON text that was checked already: the shared half of the line and journal
// codecs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <daybook/event/event.hpp>
#include <daybook/event/event_result.hpp>

#include "event/json_walk.hpp"

namespace daybook {

/// Bytes that a line may have: payload and metadata at their caps, and every name at its cap, written in escapes.
[[nodiscard]] std::size_t line_bytes_max(const Limits& limits) noexcept;

/// Whether the fields that the store gives may be missing, or must all be there as in a journal.
enum class Fields : unsigned char { given, committed };

/// `object` is the checked text of an object that begins at byte `offset` of its line; with `minified`, it holds
/// no insignificant white space. `digest` is left at zero.
/// Throws Error: invalid_line - a field is missing, of the wrong kind or out of range; too_large; too_deep.
[[nodiscard]] Event read_event(std::string_view object, std::size_t offset, bool minified, Fields fields,
                               const Limits& limits);
[[nodiscard]] EventResult read_result(std::string_view object, std::size_t offset, bool minified, Fields fields,
                                      const Limits& limits);

/// `item` as a string or a whole number from 0 to 2^63-1. Throws Error: invalid_line.
[[nodiscard]] std::string read_string(const JsonWalk::Item& item);
[[nodiscard]] std::uint64_t read_number(const JsonWalk::Item& item);

[[noreturn]] void refuse_line(std::string_view reason, std::size_t offset);
[[noreturn]] void refuse_field(const JsonWalk::Item& item, std::string_view wanted);

}  // namespace daybook
