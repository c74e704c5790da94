// Adding a command to the parser.
#include "cli/command.hpp"

namespace daybook::cli {

CLI::App& CommandList::add(const std::string& name, const std::string& summary, const std::string& example, Run run) {
    CLI::App* command = app_.add_subcommand(name, summary);
    command->group("Commands");
    command->footer("Example:\n" + example);
    runs_.emplace(command, std::move(run));
    return *command;
}

}  // namespace daybook::cli
