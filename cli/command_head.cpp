// daybook head: one line that names both chains' ends, to keep elsewhere.
#include <fmt/format.h>

#include <memory>

#include <daybook/store/head_signature.hpp>

#include "cli/command.hpp"
#include "cli/database_argument.hpp"
#include "cli/text_file.hpp"
#include "cli/window_options.hpp"

namespace daybook::cli {
namespace {

struct Options {
    DatabaseArgument database;
    std::vector<std::string> key;
};

ExitCode run(const Options& options, Program& program) {
    std::string key;
    if (!options.key.empty()) key = read_text_file(options.key.front(), "--sign");
    const EventStore store = options.database.open_for_reading(program);
    const Head head = store.head();
    program.output.line(options.key.empty() ? head.to_line() : sign_head(head, key));
    return ExitCode::done;
}

}  // namespace

void add_head(CommandList& commands) {
    auto options = std::make_shared<Options>();
    CLI::App& command = commands.add("head", "One line that proves how far the log went: keep it elsewhere",
                                     "  daybook head game.db >> heads.txt\n"
                                     "  daybook verify game.db --head \"$(tail -n 1 heads.txt)\"",
                                     [options](Program& program) { return run(*options, program); });
    options->database.add_to(command);
    add_optional(command, "--sign", options->key, "Sign it (openssl genpkey -algorithm ed25519)")->type_name("KEY.pem");
}

}  // namespace daybook::cli
