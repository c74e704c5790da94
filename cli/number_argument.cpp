// Strict reading of whole numbers.
#include "cli/number_argument.hpp"

#include <fmt/format.h>

#include <charconv>

#include "cli/escape.hpp"
#include "cli/exit_code.hpp"

namespace daybook::cli {

bool is_digits(std::string_view text) noexcept {
    return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

std::uint64_t number_from(std::string_view option, std::string_view text, std::uint64_t smallest,
                          std::uint64_t largest) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (!is_digits(text)) throw UsageError(fmt::format("{} '{}': not a whole number", option, escape_cell(text)));
    if (error != std::errc{} || value < smallest || value > largest)
        throw UsageError(fmt::format("{} {}: it must be from {} to {}", option, text, smallest, largest));
    return value;
}

}  // namespace daybook::cli
