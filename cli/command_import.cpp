// daybook import: JSON Lines into the log, so that running it again adds nothing twice.
#include <fmt/format.h>
#include <unistd.h>

#include <memory>
#include <vector>

#include <daybook/interchange/importer.hpp>
#include <daybook/interchange/line_source.hpp>
#include <daybook/interchange/mapping.hpp>

#include "cli/command.hpp"
#include "cli/database_argument.hpp"
#include "cli/escape.hpp"
#include "cli/interrupt.hpp"
#include "cli/progress.hpp"
#include "cli/standard_input.hpp"
#include "cli/tag_argument.hpp"
#include "cli/window_options.hpp"

namespace daybook::cli {
namespace {

using Field = std::vector<std::string>;  // empty: not given

struct Options {
    DatabaseArgument database;
    std::string file;
    Field type, stream, id, time, time_unit, payload, metadata, event_version, causation, correlation, source, name;
    std::vector<std::string> tags;
    std::string as = "auto";
    std::string durability = "full";
    std::string on_error = "stop";
};

std::optional<FieldSource> field_from(const std::string& option, const Field& text) {
    if (text.empty()) return std::nullopt;
    try {
        return FieldSource::parse(text.front());
    } catch (const Error& error) {
        throw with_context(option, error);
    }
}

Mapping mapping_from(const Options& options) {
    Mapping mapping;
    mapping.type = field_from("--type", options.type);
    mapping.stream = field_from("--stream", options.stream);
    mapping.id = field_from("--id", options.id);
    mapping.time = field_from("--time", options.time);
    mapping.payload = field_from("--payload", options.payload);
    mapping.metadata = field_from("--metadata", options.metadata);
    mapping.event_version = field_from("--event-version", options.event_version);
    mapping.causation = field_from("--causation", options.causation);
    mapping.correlation = field_from("--correlation", options.correlation);
    mapping.source = field_from("--source", options.source);
    if (!options.time_unit.empty()) {
        mapping.time_unit = time_unit_from(options.time_unit.front());
        if (!mapping.time_unit)
            throw UsageError(fmt::format("--time-unit '{}': s, ms, us or ns", escape_cell(options.time_unit.front())));
    }
    for (const std::string& text : options.tags) {
        auto [key, value] = key_value_from("--tag", text);
        mapping.tags.emplace_back(key, *field_from("--tag " + escape_cell(key), {value}));
    }
    return mapping;
}

void check_mapping(const Mapping& mapping) {
    try {
        mapping.validate();
    } catch (const Error& error) {
        if (error.code() == ErrorCode::invalid_argument) throw UsageError(message_of(error));
        throw;
    }
}

ImportOptions import_options_from(const Options& options) {
    ImportOptions import;
    import.mapping = mapping_from(options);
    if (options.as == "daybook")
        import.format = ImportFormat::daybook;
    else if (options.as == "json")
        import.format = ImportFormat::json;
    else if (options.as != "auto")
        throw UsageError(fmt::format("--as '{}': auto, daybook or json", escape_cell(options.as)));
    if (options.on_error == "skip")
        import.on_bad_line = OnBadLine::skip;
    else if (options.on_error != "stop")
        throw UsageError(fmt::format("--on-error '{}': stop or skip", escape_cell(options.on_error)));
    if (import.format == ImportFormat::daybook && !import.mapping.is_empty())
        throw UsageError("--as daybook takes the fields from the lines: it cannot be combined with a mapping option");
    const bool mapped = import.format == ImportFormat::json || !import.mapping.is_empty();
    if (mapped) check_mapping(import.mapping);
    if (!options.name.empty()) import.name = options.name.front();
    if (mapped && options.file == "-" && !import.mapping.id && import.name.empty())
        throw UsageError(
            "standard input has no name to derive event ids from: give --import-name NAME or --id POINTER");
    return import;
}

ImportSummary import_from(const Options& options, Program& program, ImportOptions wanted, StoreOptions store_options) {
    Progress progress(program.notes, program.clock, "import", "bytes");
    Progress lines(program.notes, program.clock, "import", "lines");
    wanted.cancelled = interrupt_requested;
    wanted.progress = [&](const ImportProgress& now) {
        if (now.bytes_total)
            progress.update(now.bytes, *now.bytes_total);
        else
            lines.update(now.lines, 0);
    };
    const auto say = [&](std::string_view message) {
        progress.clear();
        lines.clear();
        program.notes.message(fmt::format("daybook import: {}", message));
    };
    wanted.on_skipped = say;
    wanted.on_note = say;
    // The input first: a name that was mistyped must not leave a new, empty daybook behind.
    std::optional<LineSource> input;
    if (options.file == "-") {
        require_standard_input(program);
        if (program.stdin_terminal) program.notes.note("reading from the terminal; end with Ctrl-D");
        input = LineSource::from_descriptor(STDIN_FILENO, "stdin", {.line_bytes_max = wanted.line_bytes_max});
    } else {
        static_cast<void>(LineSource::open(options.file));
    }
    EventStore store = options.database.open(program, std::move(store_options));
    ImportSummary summary =
        input ? import_events(store, *input, std::move(wanted)) : import_file(store, options.file, std::move(wanted));
    store.close();
    return summary;
}

ExitCode run(const Options& options, Program& program) {
    StoreOptions store_options = options.database.options(Access::create);
    store_options.durability = durability_from(options.durability);
    const ImportSummary summary = import_from(options, program, import_options_from(options), std::move(store_options));
    program.output.line(to_json(summary));
    return ExitCode::done;
}

void add_field(CLI::App& command, const std::string& name, Field& field, const std::string& description) {
    add_optional(command, name, field, description)->type_name("FIELD")->group("Mapping");
}

}  // namespace

void add_import(CommandList& commands) {
    auto options = std::make_shared<Options>();
    CLI::App& command =
        commands.add("import", "Read JSON Lines into the log (also .gz and .zst); again adds nothing twice",
                     "  daybook import game.db moves.jsonl.gz --type '=player:moved' --stream /player --time /at\n"
                     "  daybook import copy.db game.jsonl\n"
                     "A FIELD is a JSON Pointer (/a/b), a literal (=text), or a pointer with a fallback (/a/b?=text).\n"
                     "Prints a JSON summary. Interrupted? Run it again.",
                     [options](Program& program) { return run(*options, program); });
    options->database.add_to(command);
    command.add_option("FILE", options->file, "The lines, or '-' for standard input")->required()->type_name("");
    add_field(command, "--type", options->type, "Needed, unless the lines are Daybook's own");
    add_field(command, "--stream", options->stream, "Default: main");
    add_field(command, "--id", options->id, "Default: derived from import name, line number and line");
    add_field(command, "--time", options->time, "When it happened. Default: the time of the commit");
    add_optional(command, "--time-unit", options->time_unit, "What a numeric --time counts since 1970")
        ->type_name("s|ms|us|ns")
        ->group("Mapping");
    add_field(command, "--payload", options->payload, "Default: the whole line");
    add_field(command, "--metadata", options->metadata, "A JSON object");
    add_field(command, "--event-version", options->event_version, "Default: 1");
    add_field(command, "--causation", options->causation, "The id of the event that caused it");
    add_field(command, "--correlation", options->correlation, "The run, request or session");
    add_field(command, "--source", options->source, "Default: engine");
    add_repeated(command, "--tag", options->tags, "A tag; repeat for more")->type_name("K=FIELD")->group("Mapping");
    add_optional(command, "--import-name", options->name, "Names this input in derived ids. Default: the file's name")
        ->type_name("NAME");
    command.add_option("--as", options->as, "What the lines are. Default: auto")->type_name("auto|daybook|json");
    command.add_option("--on-error", options->on_error, "What a bad line does. Default: stop")->type_name("stop|skip");
    command.add_option("--durability", options->durability, "normal: may be lost with the power. Default: full")
        ->type_name("full|normal");
}

}  // namespace daybook::cli
