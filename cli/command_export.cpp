// daybook export: a window of the log as JSON Lines.
#include <fmt/format.h>

#include <memory>
#include <vector>

#include <daybook/interchange/exporter.hpp>

#include "cli/command.hpp"
#include "cli/database_argument.hpp"
#include "cli/escape.hpp"
#include "cli/event_writer.hpp"
#include "cli/format.hpp"
#include "cli/human.hpp"
#include "cli/interrupt.hpp"
#include "cli/progress.hpp"
#include "cli/window_options.hpp"

namespace daybook::cli {
namespace {

struct Options {
    DatabaseArgument database;
    WindowOptions window;
    std::string file = "-";
    bool results = false;
    bool follow = false;
    bool force = false;
    FormatOption format{{Format::table, Format::json, Format::jsonl, Format::csv}, DefaultFormat::jsonl};
};

// Through our own output, so that a terminal gets escaped text and a closed pipe is one thing everywhere.
class OutputSink final : public ExportSink {
  public:
    explicit OutputSink(Output& output) : output_(output) {}
    [[nodiscard]] bool write(std::string_view lines) override {
        output_.write(lines);
        return true;
    }
    [[nodiscard]] bool flush() override {
        output_.flush();
        return true;
    }

  private:
    Output& output_;
};

ExitCode write_formatted(const EventStore& store, const Window& window, Format format, Program& program) {
    EventWriter writer(program.output, format);
    EventCursor cursor = store.read(window);
    while (const EventView* event = cursor.next()) {
        throw_if_interrupted();
        writer.event(*event);
    }
    writer.finish();
    return ExitCode::done;
}

void check_combination(const Options& options, Format format) {
    const bool to_file = options.file != "-";
    if (format != Format::jsonl && (to_file || options.follow || options.results))
        throw UsageError("a FILE, -f and --results are JSON Lines: they go with --format jsonl only");
    if (options.follow && options.window.has_end())
        throw UsageError("-f goes on for ever: it cannot be combined with --to-seq, --to, --limit or --reverse");
    if (options.follow && to_file) throw UsageError("-f writes to standard output: leave out FILE and redirect it");
    if (options.force && !to_file) throw UsageError("--force is about an existing FILE, and none is named");
}

ExitCode run(const Options& options, Program& program) {
    const Format format = options.format.chosen(program);
    ExportOptions content;
    content.window = options.window.window(program.clock);
    content.results = options.results;
    content.follow = options.follow;
    content.stop = [&program] {
        program.output.check_reader();
        return interrupt_requested();
    };
    check_combination(options, format);

    EventStore store = options.database.open_for_reading(program);
    if (format != Format::jsonl) return write_formatted(store, content.window, format, program);
    Progress progress(program.notes, program.clock, "export", "events");
    if (!options.follow && !program.output.is_terminal())
        content.progress = [&](const ExportProgress& now) {
            progress.update(now.events, content.window.is_filtered() ? 0 : now.head.value);
        };
    ExportSummary summary;
    if (options.file == "-") {
        OutputSink sink(program.output);
        summary = export_events(store, sink, content);
    } else {
        summary = export_to_file(store, options.file, {.content = content, .replace = options.force});
    }
    progress.clear();
    if (summary.stopped) throw Interrupted{};
    if (options.file != "-")
        program.notes.note(fmt::format("wrote {}{} to {}", human_noun(summary.events, "event"),
                                       options.results ? " and " + human_noun(summary.results, "result") : "",
                                       escape_cell(options.file)));
    return ExitCode::done;
}

}  // namespace

void add_export(CommandList& commands) {
    auto options = std::make_shared<Options>();
    CLI::App& command = commands.add("export", "Write a window of the log as JSON Lines; import reads them back",
                                     "  daybook export game.db game.jsonl.zst\n"
                                     "  daybook export game.db --stream player-7 --from 2026-01-31 | wc -l",
                                     [options](Program& program) { return run(*options, program); });
    options->database.add_to(command);
    command.add_option("FILE", options->file, "Where to; compressed by .gz or .zst. Default: standard output")
        ->type_name("");
    command.add_flag("--results", options->results, "Also the lines of event_results_log");
    command.add_flag("-f,--follow", options->follow, "Go on with what is appended, until Ctrl-C");
    command.add_flag("--force", options->force, "Replace an existing FILE");
    options->format.add_to(command);
    options->window.add_to(command);
}

}  // namespace daybook::cli
