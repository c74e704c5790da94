// daybook state: a projection's state at the head, at a seq or at a time.
#include <fmt/format.h>

#include <memory>
#include <vector>

#include <daybook/replay/moment.hpp>
#include <daybook/replay/projection.hpp>
#include <daybook/replay/sql_fold.hpp>
#include <daybook/replay/state_json.hpp>

#include "cli/command.hpp"
#include "cli/database_argument.hpp"
#include "cli/format.hpp"
#include "cli/interrupt.hpp"
#include "cli/number_argument.hpp"
#include "cli/progress.hpp"
#include "cli/row_writer.hpp"
#include "cli/sql_parameters.hpp"
#include "cli/time_argument.hpp"
#include "cli/window_options.hpp"

namespace daybook::cli {
namespace {

struct Options {
    DatabaseArgument database;
    std::string projection;
    std::vector<std::string> at_seq, at, axis, query, parameters;
    std::string time_limit = "30s";
    FormatOption format{{Format::table, Format::json, Format::jsonl, Format::csv}, DefaultFormat::text_for_people};
};

// Read before the store is opened, so that a bad value is said first.
struct Moment {
    std::optional<Sequence> seq;
    std::optional<Timestamp> time;
    TimeAxis axis = TimeAxis::occurred;
};

Moment moment_from(const Options& options, Program& program) {
    Moment moment;
    if (!options.at_seq.empty() && !options.at.empty())
        throw UsageError("--at-seq and --at are two answers to one question: give one");
    if (!options.axis.empty()) {
        if (options.at.empty()) throw UsageError("--axis says which time --at means, and no --at is given");
        moment.axis = axis_from(options.axis.front());
    }
    if (!options.at_seq.empty()) moment.seq = Sequence{number_from("--at-seq", options.at_seq.front())};
    if (!options.at.empty()) moment.time = time_from("--at", options.at.front(), program.clock);
    return moment;
}

Window window_of(const Moment& moment, const EventReader& reader) {
    if (moment.seq) return window_at(reader, *moment.seq);
    if (moment.time) return window_at(*moment.time, moment.axis);
    return Window{.to_seq = reader.head().seq};
}

void write_rows(StateRows rows, RowWriter& writer) {
    while (const std::vector<SqlValue>* row = rows.next()) {
        throw_if_interrupted();
        writer.row(*row);
    }
    writer.finish();
}

void write_tables(StateDatabase& state, Output& output) {
    bool first = true;
    for (const std::string& table : state.tables()) {
        if (!first) output.write("\n");
        first = false;
        output.line(table + ":");
        StateRows rows = state.table_rows(table);
        RowWriter writer(output, Format::table, rows.columns());
        write_rows(std::move(rows), writer);
    }
    if (first) output.line("the projection has no tables");
}

void write_state(const Options& options, StateDatabase& state, Format format, std::chrono::milliseconds limit,
                 Output& output) {
    const InterruptWatch watch([&state] { state.interrupt(); });
    if (!options.query.empty()) {
        StateRows rows = state.query(options.query.front(), sql_parameters_from(options.parameters), limit);
        RowWriter writer(output, format, rows.columns());
        write_rows(std::move(rows), writer);
    } else if (format == Format::table) {
        write_tables(state, output);
    } else {
        write_state_json(state, [&output](std::string_view piece) {
            throw_if_interrupted();
            output.write(piece);
        });
        output.write("\n");
    }
}

ExitCode run(const Options& options, Program& program) {
    const Format format = options.format.chosen(program);
    if (options.query.empty() && (format == Format::csv || format == Format::jsonl))
        throw UsageError("several tables do not fit into csv or jsonl: choose one with --query");
    if (options.query.empty() && !options.parameters.empty())
        throw UsageError("--param belongs to --query, and none is given");
    const Moment moment = moment_from(options, program);
    const auto limit = std::chrono::ceil<std::chrono::milliseconds>(duration_from("--timeout", options.time_limit));
    const Projection projection = Projection::load(options.projection);
    const EventStore store = options.database.open_for_reading(program);
    const EventReader reader = store.reader();

    Progress progress(program.notes, program.clock, "state", "events");
    const auto note = [&](const std::string& text) {
        progress.clear();
        program.notes.note("note: " + text);
    };
    SnapshotFile snapshots(store.path(), {.note = note});
    SqlFoldOptions fold;
    fold.window = window_of(moment, reader);
    fold.snapshots = &snapshots;
    fold.hooks = {
        .progress =
            [&](const ReplayProgress& now) {
                progress.update(
                    now.seq.value >= now.first_seq.value ? now.seq.value - now.first_seq.value : 0,
                    now.last_seq.value >= now.first_seq.value ? now.last_seq.value - now.first_seq.value + 1 : 0);
            },
        .cancelled = interrupt_requested,
        .note = note};
    Projected projected = project(reader, projection, std::move(fold));
    progress.clear();
    write_state(options, projected.state, format, limit, program.output);
    return ExitCode::done;
}

}  // namespace

void add_state(CommandList& commands) {
    auto options = std::make_shared<Options>();
    CLI::App& command = commands.add("state", "A projection's state: now, at a seq, or at a time",
                                     "  daybook state game.db --projection players.sql\n"
                                     "  daybook state game.db --projection players.sql --at 2026-01-31T12:00:00Z "
                                     "--query 'SELECT * FROM player'",
                                     [options](Program& program) { return run(*options, program); });
    options->database.add_to(command);
    command.add_option("--projection", options->projection, "The fold, in SQL")->required()->type_name("FILE.sql");
    add_optional(command, "--at-seq", options->at_seq, "After this event")->type_name("N");
    add_optional(command, "--at", options->at, "After the events up to and at this time")->type_name("TIME");
    add_optional(command, "--axis", options->axis, "Which time --at means. Default: occurred")
        ->type_name("occurred|recorded");
    add_optional(command, "--query", options->query, "Ask the state one question")->type_name("SQL");
    add_repeated(command, "--param", options->parameters, "The value of :NAME in --query")->type_name("NAME=VALUE");
    command.add_option("--timeout", options->time_limit, "Give --query up after so long. Default: 30s")
        ->type_name("DURATION");
    options->format.add_to(command);
}

}  // namespace daybook::cli
