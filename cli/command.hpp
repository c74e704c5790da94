// The list of commands: each command_*.cpp adds itself with its help, its example and what it runs.
#pragma once

#include <functional>
#include <map>
#include <string>

#include <CLI/CLI.hpp>

#include "cli/exit_code.hpp"
#include "cli/program.hpp"

namespace daybook::cli {

using Run = std::function<ExitCode(Program&)>;

class CommandList {
  public:
    explicit CommandList(CLI::App& app) : app_(app) {}
    CommandList(const CommandList&) = delete;
    CommandList& operator=(const CommandList&) = delete;

    /// `example` is shown under --help as it is.
    CLI::App& add(const std::string& name, const std::string& summary, const std::string& example, Run run);
    [[nodiscard]] const Run& run_of(const CLI::App& command) const { return runs_.at(&command); }

  private:
    CLI::App& app_;
    std::map<const CLI::App*, Run> runs_;
};

void add_init(CommandList& commands);
void add_emit(CommandList& commands);
void add_import(CommandList& commands);
void add_export(CommandList& commands);
void add_query(CommandList& commands);
void add_tail(CommandList& commands);
void add_show(CommandList& commands);
void add_tree(CommandList& commands);
void add_replay(CommandList& commands);
void add_state(CommandList& commands);
void add_verify(CommandList& commands);
void add_head(CommandList& commands);
void add_unfinished(CommandList& commands);
void add_stats(CommandList& commands);
void add_doctor(CommandList& commands);
void add_backup(CommandList& commands);

}  // namespace daybook::cli
