// Numbers on the command line, strictly: decimal digits and nothing else.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <daybook/event/position.hpp>

namespace daybook::cli {

/// Throws UsageError, naming `option`: not a whole number, or outside [smallest, largest].
[[nodiscard]] std::uint64_t number_from(std::string_view option, std::string_view text, std::uint64_t smallest = 0,
                                        std::uint64_t largest = INT64_MAX);

/// True when `text` is not empty and holds decimal digits only.
[[nodiscard]] bool is_digits(std::string_view text) noexcept;

}  // namespace daybook::cli
