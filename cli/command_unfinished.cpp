// daybook unfinished: handlers that never finished, oldest first.
#include <fmt/format.h>

#include <memory>

#include <daybook/store/event_store.hpp>

#include "cli/command.hpp"
#include "cli/database_argument.hpp"
#include "cli/format.hpp"
#include "cli/human.hpp"
#include "cli/row_writer.hpp"
#include "cli/table.hpp"
#include "cli/window_options.hpp"

namespace daybook::cli {
namespace {

struct Options {
    DatabaseArgument database;
    std::vector<std::string> bus;
    FormatOption format{{Format::table, Format::json, Format::jsonl, Format::csv}, DefaultFormat::text_for_people};
};

SqlValue number(std::uint64_t value) {
    return static_cast<std::int64_t>(value);
}

// JSON has real booleans; cells have not.
std::string object_of(const Unfinished& work, Timestamp now) {
    const std::vector<std::string> columns{"event_seq", "event_id", "event_type", "bus", "handler", "attempt", "owner"};
    std::string text = row_object(columns, {number(work.event_seq.value), work.event_id, work.event_type, work.bus,
                                            work.handler, number(work.attempt), work.owner});
    text.pop_back();
    return text + fmt::format(R"(,"owner_is_gone":{},"recoverable":{},"started":{},"since":"{}","age_ns":{}}})",
                              work.owner_is_gone, work.recoverable, work.started, work.since.to_string(),
                              now.ns - work.since.ns);
}

std::string state_of(const Unfinished& work) {
    if (!work.owner_is_gone) return "its process lives";
    return work.recoverable ? "recoverable" : "not recoverable";
}

void write_table(Output& output, const std::vector<Unfinished>& all, Timestamp now) {
    if (all.empty()) {
        output.line("nothing is unfinished");
        return;
    }
    Table table(output, {{"event", Align::right},
                         {"type"},
                         {"bus"},
                         {"handler"},
                         {"attempt", Align::right},
                         {"age", Align::right},
                         {"started"},
                         {"state"},
                         {"owner"}});
    for (const Unfinished& work : all)
        table.row({std::to_string(work.event_seq.value), work.event_type, work.bus, work.handler,
                   std::to_string(work.attempt), human_duration(std::chrono::nanoseconds(now.ns - work.since.ns)),
                   work.started ? "yes" : "may have", state_of(work), work.owner});
    table.finish();
}

void write_csv(Output& output, const std::vector<Unfinished>& all) {
    RowWriter rows(output, Format::csv,
                   {"event_seq", "event_id", "event_type", "bus", "handler", "attempt", "owner", "owner_is_gone",
                    "recoverable", "started", "since"});
    for (const Unfinished& work : all)
        rows.row({number(work.event_seq.value), work.event_id, work.event_type, work.bus, work.handler,
                  number(work.attempt), work.owner, number(work.owner_is_gone), number(work.recoverable),
                  number(work.started), work.since.to_string()});
    rows.finish();
}

ExitCode run(const Options& options, Program& program) {
    const Format format = options.format.chosen(program);
    const EventStore store = options.database.open_for_reading(program);
    const std::vector<Unfinished> all =
        options.bus.empty() ? store.unfinished() : store.unfinished(std::string_view(options.bus.front()));
    const Timestamp now = program.clock.now();
    if (format == Format::table) {
        write_table(program.output, all, now);
    } else if (format == Format::csv) {
        write_csv(program.output, all);
    } else {
        const bool array = format == Format::json;
        if (array) program.output.write("[");
        for (std::size_t i = 0; i < all.size(); ++i) {
            if (array) program.output.write(i == 0 ? "\n" : ",\n");
            program.output.write(object_of(all[i], now));
            if (!array) program.output.write("\n");
        }
        if (array) program.output.write(all.empty() ? "]\n" : "\n]\n");
    }
    return ExitCode::done;
}

}  // namespace

void add_unfinished(CommandList& commands) {
    auto options = std::make_shared<Options>();
    CLI::App& command = commands.add("unfinished", "Handlers that never finished",
                                     "  daybook unfinished game.db\n"
                                     "A program takes them over with its bus's recover(); nothing is re-run from here.",
                                     [options](Program& program) { return run(*options, program); });
    options->database.add_to(command);
    add_optional(command, "--bus", options->bus, "Only of this bus")->type_name("NAME");
    options->format.add_to(command);
}

}  // namespace daybook::cli
