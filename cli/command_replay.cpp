// daybook replay: events of a window in order, at a pace; or through a projection into a state file.
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cmath>
#include <memory>
#include <vector>

#include <daybook/event/json_text.hpp>
#include <daybook/replay/paced_replay.hpp>
#include <daybook/replay/projection.hpp>
#include <daybook/replay/snapshot_use.hpp>
#include <daybook/replay/sql_fold.hpp>

#include "cli/command.hpp"
#include "cli/database_argument.hpp"
#include "cli/escape.hpp"
#include "cli/event_writer.hpp"
#include "cli/format.hpp"
#include "cli/human.hpp"
#include "cli/interrupt.hpp"
#include "cli/progress.hpp"
#include "cli/standard_input.hpp"
#include "cli/time_argument.hpp"
#include "cli/window_options.hpp"

namespace daybook::cli {
namespace {

struct Options {
    DatabaseArgument database;
    WindowOptions window;
    std::vector<std::string> speed, max_gap, projection, into;
    bool step = false;
    bool replace = false;
    bool snapshot = false;
    FormatOption events_format{{Format::table, Format::json, Format::jsonl, Format::csv}, DefaultFormat::jsonl};
};

double speed_from(const std::string& text) {
    if (text == "max") return PacedReplayOptions::max_speed;
    double speed = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), speed);
    if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(speed) || speed <= 0)
        throw UsageError(fmt::format("--speed '{}': a number above 0 (2 = twice as fast) or max", escape_cell(text)));
    return speed;
}

// One line from standard input. False at its end, or when the user types q.
bool ask_for_next(const Notes& notes) {
    notes.note("-- Enter: next event, q: stop --");
    bool quit = false;
    while (true) {
        char c = 0;
        const ssize_t got = ::read(STDIN_FILENO, &c, 1);
        if (got < 0 && errno == EINTR && !interrupt_requested()) continue;
        if (got <= 0) return false;
        if (c == 'q') quit = true;
        if (c == '\n') return !quit;
    }
}

ExitCode replay_events(const Options& options, Program& program) {
    const Format format = options.events_format.chosen(program);
    PacedReplayOptions paced;
    paced.window = options.window.window(program.clock);
    paced.axis = paced.window.axis;
    paced.speed = options.speed.empty() ? PacedReplayOptions::max_speed : speed_from(options.speed.front());
    if (!options.max_gap.empty()) paced.max_gap = duration_from("--max-gap", options.max_gap.front());
    const bool waits = std::isfinite(paced.speed);
    if (options.step) {
        if (waits) throw UsageError("--step goes on when you say so, --speed when the time has come: give one");
        require_standard_input(program);
        paced.step = [&program](const EventView&) { return ask_for_next(program.notes); };
    }
    if (paced.max_gap && !waits) throw UsageError("--max-gap shortens the waits of --speed N, and there are none");
    paced.stopped = interrupt_requested;

    const EventStore store = options.database.open_for_reading(program);
    EventWriter writer(program.output, format);
    if (waits || options.step) writer.flush();
    replay_paced(store.reader(), program.clock, paced, [&](const EventView& event) {
        writer.event(event);
        if (waits || options.step) writer.flush();
    });
    throw_if_interrupted();
    writer.finish();
    return ExitCode::done;
}

std::string optional_seq(const std::optional<Sequence>& seq) {
    return seq ? std::to_string(seq->value) : "null";
}

void write_report(const Options& options, const Projection& projection, const SqlFoldReport& report, Program& program) {
    if (!program.output.is_terminal()) {
        program.output.line(fmt::format(
            R"({{"projection":{},"version":{},"into":{},"events":{},"seq":{},"continued_from":{},"from_snapshot":{},"snapshot_saved":{}}})",
            quote_json(projection.name()), quote_json(projection.version()),
            options.into.empty() ? "null" : quote_json(valid_utf8(options.into.front())), report.events,
            report.position.seq.value, optional_seq(report.continued_from), optional_seq(report.from_snapshot),
            report.snapshot_saved));
        return;
    }
    std::string text = fmt::format("{} version {}: {} folded", escape_cell(projection.name()),
                                   escape_cell(projection.version()), human_noun(report.events, "event"));
    if (report.continued_from) text += fmt::format(", going on after seq {}", report.continued_from->value);
    if (report.from_snapshot)
        text += fmt::format(", beginning with the snapshot at seq {}", report.from_snapshot->value);
    text += fmt::format("; the state is at seq {}", report.position.seq.value);
    if (!options.into.empty()) text += " in " + escape_cell(options.into.front());
    program.output.line(text);
    if (options.snapshot)
        program.output.line(report.snapshot_saved ? "a snapshot was kept"
                                                  : "no snapshot was kept: there is one already, or it cannot be one");
}

ExitCode replay_projection(const Options& options, Program& program) {
    if (options.step || !options.speed.empty() || !options.max_gap.empty())
        throw UsageError("--speed, --max-gap and --step pace events to the output: they do not go with --projection");
    if (options.events_format.is_given())
        throw UsageError("--format is for events on the output: it does not go with --projection");
    if (options.window.reverse())
        throw UsageError("--reverse cannot be combined with --projection: a fold runs forwards");
    if (options.into.empty() && !options.snapshot)
        throw UsageError(
            "--projection needs --into STATE.sqlite, or --snapshot, or both; `daybook state` prints a state");
    if (options.replace && options.into.empty()) throw UsageError("--replace is about --into, and none is given");
    SqlFoldOptions fold;
    fold.window = options.window.window(program.clock);
    if (options.snapshot && !is_prefix(fold.window))
        throw UsageError(
            "--snapshot keeps the state of everything up to a seq: of the window it takes --to-seq, --to and --axis");
    const Projection projection = Projection::load(options.projection.front());
    const EventStore store = options.database.open_for_reading(program);

    Progress progress(program.notes, program.clock, "replay", "events");
    const auto note = [&](const std::string& text) {
        progress.clear();
        program.notes.note("note: " + text);
    };
    SnapshotFile snapshots(store.path(), {.note = note});
    fold.snapshots = &snapshots;
    fold.save_snapshot = options.snapshot;
    fold.replace = options.replace;
    fold.log = store.path();
    fold.hooks = {.progress =
                      [&](const ReplayProgress& now) {
                          const std::uint64_t first = now.first_seq.value;
                          progress.update(now.seq.value >= first ? now.seq.value - first : 0,
                                          now.last_seq.value >= first ? now.last_seq.value - first + 1 : 0);
                      },
                  .cancelled = interrupt_requested,
                  .note = note};
    SqlFoldReport report;
    if (options.into.empty())
        report = project(store.reader(), projection, std::move(fold)).report;
    else
        report = project_into(store.reader(), projection, options.into.front(), std::move(fold));
    progress.clear();
    write_report(options, projection, report, program);
    return ExitCode::done;
}

ExitCode run(const Options& options, Program& program) {
    if (!options.projection.empty()) return replay_projection(options, program);
    if (!options.into.empty() || options.replace || options.snapshot)
        throw UsageError("--into, --replace and --snapshot are about a fold: give --projection FILE.sql");
    return replay_events(options, program);
}

}  // namespace

void add_replay(CommandList& commands) {
    auto options = std::make_shared<Options>();
    CLI::App& command =
        commands.add("replay", "Events of a window in order, at a pace; or a projection's state into a file",
                     "  daybook replay game.db --stream player-7 --speed 10 --max-gap 2s\n"
                     "  daybook replay game.db --projection players.sql --into players.sqlite",
                     [options](Program& program) { return run(*options, program); });
    options->database.add_to(command);
    add_optional(command, "--speed", options->speed, "2 is twice as fast as it happened. Default: max")
        ->type_name("N|max");
    add_optional(command, "--max-gap", options->max_gap, "The longest wait between two events")->type_name("DURATION");
    command.add_flag("--step", options->step, "One event each time you press Enter");
    add_optional(command, "--projection", options->projection, "Fold instead of printing")
        ->type_name("FILE.sql")
        ->group("Projection");
    add_optional(command, "--into", options->into, "The state; one of the same fold goes on where it is")
        ->type_name("STATE.sqlite")
        ->group("Projection");
    command.add_flag("--replace", options->replace, "Begin anew, whatever is there")->group("Projection");
    command.add_flag("--snapshot", options->snapshot, "Keep the end as a snapshot: `state` will be quicker")
        ->group("Projection");
    options->events_format.add_to(command);
    options->window.add_to(command);
}

}  // namespace daybook::cli
