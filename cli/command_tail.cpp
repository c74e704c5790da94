// daybook tail: the last events, and with -f those that come.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <vector>

#include "cli/command.hpp"
#include "cli/database_argument.hpp"
#include "cli/event_writer.hpp"
#include "cli/format.hpp"
#include "cli/interrupt.hpp"
#include "cli/number_argument.hpp"
#include "cli/window_options.hpp"

namespace daybook::cli {
namespace {

struct Options {
    DatabaseArgument database;
    WindowOptions window;
    std::string count = "10";
    bool follow = false;
    FormatOption format{{Format::table, Format::json, Format::jsonl, Format::csv}, DefaultFormat::jsonl};
};

// Where the last `count` events of the window begin.
std::optional<Sequence> start_of_last(const EventReader& reader, Window window, std::uint64_t count) {
    window.reverse = true;
    window.limit = window.limit ? std::min(*window.limit, count) : count;
    std::optional<Sequence> first;
    EventCursor cursor = reader.read(window);
    while (const EventView* event = cursor.next()) {
        first = event->seq;
        throw_if_interrupted();
    }
    return first;
}

void print_last(const EventReader& reader, Window window, std::uint64_t count, EventWriter& writer) {
    if (count == 0) return;
    if (window.reverse) {
        window.limit = window.limit ? std::min(*window.limit, count) : count;
    } else {
        const std::optional<Sequence> first = start_of_last(reader, window, count);
        if (!first) return;
        window.from_seq = *first;
    }
    EventCursor cursor = reader.read(window);
    while (const EventView* event = cursor.next()) {
        writer.event(*event);
        throw_if_interrupted();
    }
}

void follow(EventStore& store, const Position& after, const Window& window, EventWriter& writer, const Output& output) {
    Subscription subscription = store.subscribe({.filter = {.types = window.types,
                                                            .stream = window.stream,
                                                            .source = window.source,
                                                            .correlation_id = window.correlation_id,
                                                            .causation_id = window.causation_id,
                                                            .tags = window.tags},
                                                 .after = after,
                                                 .poll_interval = std::chrono::milliseconds(100)});
    while (true) {
        throw_if_interrupted();
        // What is there goes out in one write; only then the wait.
        const EventView* event = subscription.next(std::chrono::milliseconds(0));
        if (event == nullptr) {
            writer.flush();
            output.check_reader();
            event = subscription.next(std::chrono::milliseconds(100));
        }
        if (event != nullptr && window.contains(*event)) writer.event(*event);
    }
}

ExitCode run(const Options& options, Program& program) {
    const Format format = options.format.chosen(program);
    const Window window = options.window.window(program.clock);
    const std::uint64_t count = number_from("-n", options.count);
    if (options.follow && options.window.has_end())
        throw UsageError("-f goes on for ever: it cannot be combined with --to-seq, --to, --limit or --reverse");
    if (options.follow && format == Format::json)
        throw UsageError("-f never ends, so it cannot close a JSON array: take --format jsonl");
    EventStore store = options.database.open_for_reading(program);
    EventWriter writer(program.output, format);
    const EventReader reader = store.reader();
    print_last(reader, window, count, writer);
    if (options.follow) {
        writer.flush();
        follow(store, reader.head().position(), window, writer, program.output);
    }
    writer.finish();
    return ExitCode::done;
}

}  // namespace

void add_tail(CommandList& commands) {
    auto options = std::make_shared<Options>();
    CLI::App& command = commands.add("tail", "The last events; with -f also those that any process appends",
                                     "  daybook tail game.db -n 3\n"
                                     "  daybook tail game.db -f --type 'player:*'",
                                     [options](Program& program) { return run(*options, program); });
    options->database.add_to(command);
    command.add_option("-n,--lines", options->count, "How many. Default: 10")->type_name("N");
    command.add_flag("-f,--follow", options->follow, "Go on with what is appended, until Ctrl-C");
    options->format.add_to(command);
    options->window.add_to(command);
}

}  // namespace daybook::cli
