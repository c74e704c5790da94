// daybook backup: a consistent copy while others write.
#include <fmt/format.h>

#include <memory>

#include <daybook/event/json_text.hpp>
#include <daybook/store/backup.hpp>

#include "cli/command.hpp"
#include "cli/database_argument.hpp"
#include "cli/escape.hpp"
#include "cli/format.hpp"
#include "cli/head_json.hpp"
#include "cli/human.hpp"
#include "cli/interrupt.hpp"
#include "cli/progress.hpp"

namespace daybook::cli {
namespace {

struct Options {
    DatabaseArgument database;
    std::string target;
    bool force = false;
    FormatOption format{{Format::table, Format::json}, DefaultFormat::text_for_people};
};

ExitCode run(const Options& options, Program& program) {
    const Format format = options.format.chosen(program);
    Progress progress(program.notes, program.clock, "backup", "pages");
    const Head head = backup(options.database.path(), options.target,
                             {.store = options.database.options(Access::read),
                              .replace = options.force,
                              .progress = [&](std::uint64_t done, std::uint64_t total) {
                                  throw_if_interrupted();
                                  progress.update(done, total);
                              }});
    progress.clear();
    if (format == Format::json)
        program.output.line(
            fmt::format(R"({{"path":{},"head":{}}})", quote_json(valid_utf8(options.target)), head_json(head)));
    else
        program.output.line(fmt::format("copied {} and {} to {}, verified\n{}", human_noun(head.seq.value, "event"),
                                        human_noun(head.result_seq.value, "result"), escape_cell(options.target),
                                        head.to_line()));
    return ExitCode::done;
}

}  // namespace

void add_backup(CommandList& commands) {
    auto options = std::make_shared<Options>();
    CLI::App& command = commands.add("backup", "A consistent copy, verified, while others write",
                                     "  daybook backup game.db game-backup.db",
                                     [options](Program& program) { return run(*options, program); });
    options->database.add_to(command);
    command.add_option("OUT", options->target, "The copy's name")->required()->type_name("");
    command.add_flag("--force", options->force, "Replace an existing OUT");
    options->format.add_to(command);
}

}  // namespace daybook::cli
