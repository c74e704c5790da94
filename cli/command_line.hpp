// One command line: builds the parser, runs one command, turns what it throws into a message and an exit code.
//
// Start with command.hpp for the list of commands.
#pragma once

#include "cli/program.hpp"

namespace daybook::cli {

/// Returns the exit code. argv[0] is the program's name. Throws nothing but what the machine cannot help.
[[nodiscard]] int run_command_line(Program& program, int argc, const char* const* argv);

}  // namespace daybook::cli
