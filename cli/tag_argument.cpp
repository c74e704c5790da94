// Cutting NAME=VALUE.
#include "cli/tag_argument.hpp"

#include <fmt/format.h>

#include "cli/escape.hpp"
#include "cli/exit_code.hpp"

namespace daybook::cli {

std::pair<std::string, std::string> key_value_from(std::string_view option, std::string_view text) {
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos || equals == 0)
        throw UsageError(fmt::format("{} '{}': write it NAME=VALUE", option, escape_cell(text)));
    return {std::string(text.substr(0, equals)), std::string(text.substr(equals + 1))};
}

}  // namespace daybook::cli
