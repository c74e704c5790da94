// Standard input, read whole: for a payload given as '-'.
#pragma once

#include <cstddef>
#include <string>

#include "cli/program.hpp"

namespace daybook::cli {

/// Throws Error: invalid_argument - standard input is closed; too_large - more than `bytes_max`; io_error;
/// Interrupted.
[[nodiscard]] std::string read_standard_input(const Program& program, std::size_t bytes_max);

/// Throws Error: invalid_argument when standard input is closed.
void require_standard_input(const Program& program);

}  // namespace daybook::cli
