// What main() hands to a command: the outside world, so that nothing below it reaches for a global.
#pragma once

#include <daybook/event/clock.hpp>
#include <daybook/event/random_source.hpp>

#include "cli/output.hpp"

namespace daybook::cli {

struct Program {
    Clock& clock;
    RandomSource& random;
    Output& output;      ///< standard output
    const Notes& notes;  ///< standard error
    bool stdin_open = true;
    bool stdin_terminal = false;
    bool stdout_open = true;
};

}  // namespace daybook::cli
