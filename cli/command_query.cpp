// daybook query: history asked in SQL. One statement that reads; the console lets nothing else through.
#include <fmt/format.h>

#include <charconv>
#include <map>
#include <memory>

#include <daybook/store/sql_console.hpp>

#include "cli/command.hpp"
#include "cli/database_argument.hpp"
#include "cli/escape.hpp"
#include "cli/format.hpp"
#include "cli/interrupt.hpp"
#include "cli/row_writer.hpp"
#include "cli/sql_parameters.hpp"
#include "cli/time_argument.hpp"
#include "cli/window_options.hpp"

namespace daybook::cli {
namespace {

struct Options {
    DatabaseArgument database;
    std::string sql;
    std::vector<std::string> parameters;
    std::string time_limit = "30s";
    FormatOption format{{Format::table, Format::json, Format::jsonl, Format::csv}, DefaultFormat::text_for_people};
};

ExitCode run(const Options& options, Program& program) {
    const Format format = options.format.chosen(program);
    const std::map<std::string, SqlValue> parameters = sql_parameters_from(options.parameters);
    const auto limit = std::chrono::ceil<std::chrono::milliseconds>(duration_from("--timeout", options.time_limit));
    if (limit.count() <= 0) throw UsageError("--timeout must be more than 0");
    SqlConsole console(options.database.path(), {.store = options.database.options(Access::read), .time_limit = limit});
    const InterruptWatch watch([&console] { console.interrupt(); });
    console.run(options.sql, parameters);
    RowWriter writer(program.output, format, console.columns());
    while (const std::vector<SqlValue>* row = console.next()) {
        throw_if_interrupted();
        writer.row(*row);
    }
    writer.finish();
    return ExitCode::done;
}

}  // namespace

void add_query(CommandList& commands) {
    auto options = std::make_shared<Options>();
    CLI::App& command = commands.add(
        "query", "Ask the log in SQL: one statement that only reads",
        "  daybook query game.db 'SELECT type, count(*) AS events FROM events GROUP BY type'\n"
        "  daybook query game.db 'SELECT seq, type FROM events WHERE stream = :stream' --param stream=player-7\n"
        "Tables: events, results, handler_status (times as text); events_log, event_results_log (times as ns)\n"
        "Columns of events: seq, id, type, event_version, stream, version, source, correlation_id, causation_id,\n"
        "occurred_at, recorded_at, tags, payload, metadata",
        [options](Program& program) { return run(*options, program); });
    options->database.add_to(command);
    command.add_option("SQL", options->sql, "The statement")->required()->type_name("");
    add_repeated(command, "--param", options->parameters, "The value of :NAME")->type_name("NAME=VALUE");
    command.add_option("--timeout", options->time_limit, "Give up after so long. Default: 30s")->type_name("DURATION");
    options->format.add_to(command);
}

}  // namespace daybook::cli
