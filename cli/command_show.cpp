// daybook show: one event and what became of it.
#include <memory>

#include <daybook/event/event_line.hpp>

#include "cli/command.hpp"
#include "cli/database_argument.hpp"
#include "cli/event_text.hpp"
#include "cli/format.hpp"
#include "cli/reference.hpp"

namespace daybook::cli {
namespace {

struct Options {
    DatabaseArgument database;
    std::string reference;
    FormatOption format{{Format::table, Format::json}, DefaultFormat::text_for_people};
};

ExitCode run(const Options& options, Program& program) {
    const Format format = options.format.chosen(program);
    const EventStore store = options.database.open_for_reading(program);
    const EventReader reader = store.reader();
    const Event event = find_event(reader, options.reference);
    const std::vector<EventResult> results = reader.results_of(event.seq);
    if (format == Format::table) {
        write_event_text(program.output, event);
        write_results_text(program.output, results);
    } else {
        program.output.line("{\"event\":" + to_line(event) + ",\"results\":" + results_json(results) + "}");
    }
    return ExitCode::done;
}

}  // namespace

void add_show(CommandList& commands) {
    auto options = std::make_shared<Options>();
    CLI::App& command = commands.add("show", "One event and its results",
                                     "  daybook show game.db 42\n"
                                     "  daybook show game.db id:0190e2c4-7c00-7000-8000-000000000001",
                                     [options](Program& program) { return run(*options, program); });
    options->database.add_to(command);
    command.add_option("REF", options->reference, "A seq (digits), or an id (id:… where it is made of digits)")
        ->required()
        ->type_name("");
    options->format.add_to(command);
}

}  // namespace daybook::cli
