// daybook emit: one event. Everything is checked before the file is opened, so that a refused event makes no file.
#include <fmt/format.h>

#include <memory>
#include <vector>

#include <daybook/event/event_line.hpp>
#include <daybook/store/event_store.hpp>

#include "cli/command.hpp"
#include "cli/database_argument.hpp"
#include "cli/escape.hpp"
#include "cli/interrupt.hpp"
#include "cli/number_argument.hpp"
#include "cli/standard_input.hpp"
#include "cli/tag_argument.hpp"
#include "cli/time_argument.hpp"
#include "cli/window_options.hpp"

namespace daybook::cli {
namespace {

struct Options {
    DatabaseArgument database;
    std::string type;
    std::vector<std::string> payload;
    std::vector<std::string> stream, source, id, at, caused_by, correlation, event_version, metadata;
    std::vector<std::string> tags;
    std::string expect = "any";
    std::string durability = "full";
};

ExpectedVersion expected_from(const std::string& text) {
    if (text == "any") return ExpectedVersion::any();
    if (text == "none") return ExpectedVersion::none();
    if (text == "exists") return ExpectedVersion::exists();
    if (is_digits(text)) return ExpectedVersion::exactly(Version{number_from("--expect", text)});
    throw UsageError(fmt::format("--expect '{}': any, none, exists or the stream's version", escape_cell(text)));
}

NewEvent event_from(const Options& options, const Program& program, const Limits& limits) {
    NewEvent event;
    event.type = options.type;
    if (!options.stream.empty()) event.stream = options.stream.front();
    if (!options.source.empty()) event.source = options.source.front();
    if (!options.event_version.empty()) event.event_version = options.event_version.front();
    if (!options.metadata.empty()) event.metadata = options.metadata.front();
    if (!options.caused_by.empty()) event.causation_id = options.caused_by.front();
    if (!options.correlation.empty()) event.correlation_id = options.correlation.front();
    if (!options.id.empty()) {
        event.id = options.id.front();
        check_name(event.id, "id", limits.name_bytes_max);  // an empty one was asked for, not left out
    }
    if (!options.at.empty()) event.occurred_at = time_from("--at", options.at.front(), program.clock);
    for (const std::string& text : options.tags) {
        auto [key, value] = key_value_from("--tag", text);
        if (!event.tags.emplace(key, value).second)
            throw UsageError(fmt::format("--tag {}: this key is given twice", escape_cell(key)));
    }
    if (!options.payload.empty()) {
        event.payload = options.payload.front();
        if (event.payload == "-") event.payload = read_standard_input(program, std::size_t{64} << 20);
    }
    return event;
}

// A file that is not there has no streams. Said before it is made, so that a conflict leaves nothing behind.
void check_expectation_of_no_file(const std::filesystem::path& path, const std::string& stream,
                                  const ExpectedVersion& expected) {
    std::error_code ignored;
    if (expected.holds(Version{0}) || std::filesystem::exists(path, ignored) || ignored) return;
    throw Error(ErrorCode::version_conflict, VersionConflict{{{stream, expected, Version{0}}}}.message() +
                                                 fmt::format(" ({} is not there yet)", escape_cell(path.string())));
}

// RULES: with a cause, the correlation is the cause's, or else the cause's id.
std::string correlation_of(const EventStore& store, const std::string& cause) {
    const std::optional<Event> event = store.find(std::string_view(cause));
    if (event && event->correlation_id) return *event->correlation_id;
    return cause;
}

ExitCode run(const Options& options, Program& program) {
    StoreOptions store_options = options.database.options(Access::create);
    store_options.durability = durability_from(options.durability);
    const ExpectedVersion expected = expected_from(options.expect);
    NewEvent event = checked(event_from(options, program, store_options.limits), store_options.limits);
    check_expectation_of_no_file(options.database.path(), event.stream, expected);
    throw_if_interrupted();

    EventStore store = options.database.open(program, std::move(store_options));
    if (event.causation_id && !event.correlation_id) event.correlation_id = correlation_of(store, *event.causation_id);
    const std::string stream = event.stream;
    const Appended appended =
        store.append(AppendRequest{.events = {std::move(event)}, .expectations = {{stream, expected}}});
    const std::optional<Event> committed = store.find(appended.first_seq);
    if (!committed)
        throw Error(ErrorCode::internal,
                    fmt::format("seq {} was committed and cannot be read", appended.first_seq.value));
    if (appended.already_appended())
        program.notes.note(fmt::format("this event had been appended before, at seq {}", appended.first_seq.value));
    program.output.line(to_line(*committed));
    return ExitCode::done;
}

}  // namespace

void add_emit(CommandList& commands) {
    auto options = std::make_shared<Options>();
    CLI::App& command =
        commands.add("emit", "Record one event; prints it as committed, one JSON line",
                     "  daybook emit game.db player:joined '{\"name\":\"Ada\"}' --stream player-7\n"
                     "  daybook emit game.db player:moved '{\"x\":3,\"y\":4}' --stream player-7 --expect 1",
                     [options](Program& program) { return run(*options, program); });
    options->database.add_to(command);
    command.add_option("TYPE", options->type, "What happened, in the past tense")->required()->type_name("");
    add_optional(command, "JSON", options->payload, "The payload, or '-' to read it from standard input. Default: {}")
        ->type_name("");
    add_optional(command, "--stream", options->stream, "Where it belongs. Default: main")->type_name("NAME");
    add_optional(command, "--source", options->source, "Who says so. Default: engine")->type_name("NAME");
    add_optional(command, "--id", options->id, "Its id; the same id is never stored twice. Default: a new UUIDv7")
        ->type_name("ID");
    add_optional(command, "--at", options->at, "When it happened. Default: the time of the commit")->type_name("TIME");
    add_optional(command, "--caused-by", options->caused_by, "The event that caused it; it joins that one's run")
        ->type_name("ID");
    add_optional(command, "--correlation", options->correlation, "The run, request or session")->type_name("ID");
    add_optional(command, "--event-version", options->event_version, "Version of the payload's shape. Default: 1")
        ->type_name("V");
    add_optional(command, "--metadata", options->metadata, "A JSON object")->type_name("JSON");
    command.add_option("--expect", options->expect, "What must be true of the stream. Default: any")
        ->type_name("any|none|exists|N");
    add_repeated(command, "--tag", options->tags, "A tag; repeat for more")->type_name("K=V");
    command.add_option("--durability", options->durability, "normal: may be lost with the power. Default: full")
        ->type_name("full|normal");
}

}  // namespace daybook::cli
