// daybook init: makes the file.
#include <fmt/format.h>

#include <memory>

#include <daybook/event/json_text.hpp>
#include <daybook/store/event_store.hpp>

#include "cli/command.hpp"
#include "cli/database_argument.hpp"
#include "cli/escape.hpp"
#include "cli/format.hpp"

namespace daybook::cli {
namespace {

struct Options {
    DatabaseArgument database;
    FormatOption format{{Format::table, Format::json}, DefaultFormat::text_for_people};
};

ExitCode run(const Options& options, Program& program) {
    const Format format = options.format.chosen(program);
    std::error_code ignored;
    const auto bytes_before = std::filesystem::file_size(options.database.path(), ignored);
    const bool was_there = !ignored && bytes_before > 0;
    const EventStore store = options.database.open(program, options.database.options(Access::create));
    const Head head = store.head();
    const std::string path = options.database.path().string();
    if (format == Format::json) {
        program.output.line(fmt::format(R"({{"path":{},"store_id":"{}","created":{},"events":{}}})",
                                        quote_json(valid_utf8(path)), store.store_id().to_string(), !was_there,
                                        head.seq.value));
    } else if (was_there) {
        program.output.line(fmt::format("{} is a daybook already (store {}, {} events); it was left as it is",
                                        escape_cell(path), store.store_id().to_string(), head.seq.value));
    } else {
        program.output.line(fmt::format("made {} (store {})", escape_cell(path), store.store_id().to_string()));
    }
    return ExitCode::done;
}

}  // namespace

void add_init(CommandList& commands) {
    auto options = std::make_shared<Options>();
    CLI::App& command =
        commands.add("init", "Make the file; an existing daybook is left as it is", "  daybook init game.db",
                     [options](Program& program) { return run(*options, program); });
    options->database.add_to(command);
    options->format.add_to(command);
}

}  // namespace daybook::cli
