// daybook stats: what is in the log, counted.
#include <fmt/format.h>

#include <cmath>
#include <memory>

#include <daybook/event/json_text.hpp>
#include <daybook/store/stats.hpp>

#include "cli/command.hpp"
#include "cli/database_argument.hpp"
#include "cli/escape.hpp"
#include "cli/format.hpp"
#include "cli/human.hpp"
#include "cli/number_argument.hpp"
#include "cli/table.hpp"
#include "cli/window_options.hpp"

namespace daybook::cli {
namespace {

struct Options {
    DatabaseArgument database;
    WindowOptions window;
    std::string streams_max = "10";
    FormatOption format{{Format::table, Format::json}, DefaultFormat::text_for_people};
};

// Events a second of recorded time; empty when the span is nothing.
std::optional<double> rate_of(const LogStats& stats) {
    if (!stats.first_recorded_at || !stats.last_recorded_at) return std::nullopt;
    const double seconds = static_cast<double>(stats.last_recorded_at->ns - stats.first_recorded_at->ns) / 1e9;
    if (seconds <= 0) return std::nullopt;
    return static_cast<double>(stats.events) / seconds;
}

std::string json_of(const std::optional<Timestamp>& time) {
    return time ? '"' + time->to_string() + '"' : "null";
}
std::string json_of(const std::optional<Sequence>& seq) {
    return seq ? std::to_string(seq->value) : "null";
}

std::string to_json(const LogStats& stats) {
    std::string text = fmt::format(
        R"({{"events":{},"streams":{},"results":{},"unfinished":{},"first_seq":{},"last_seq":{},)", stats.events,
        stats.streams, stats.results, stats.unfinished, json_of(stats.first_seq), json_of(stats.last_seq));
    text += fmt::format(R"("first_recorded_at":{},"last_recorded_at":{},"first_occurred_at":{},"last_occurred_at":{},)",
                        json_of(stats.first_recorded_at), json_of(stats.last_recorded_at),
                        json_of(stats.first_occurred_at), json_of(stats.last_occurred_at));
    const std::optional<double> rate = rate_of(stats);
    text += fmt::format(R"("events_per_second":{},"payload_bytes":{},"database_bytes":{},"wal_bytes":{},)",
                        rate ? fmt::format("{:.6g}", *rate) : "null", stats.payload_bytes, stats.database_bytes,
                        stats.wal_bytes);
    text += "\"types\":[";
    for (std::size_t i = 0; i < stats.types.size(); ++i)
        text += fmt::format(R"({}{{"type":{},"events":{}}})", i == 0 ? "" : ",", quote_json(stats.types[i].type),
                            stats.types[i].events);
    text += "],\"largest_streams\":[";
    for (std::size_t i = 0; i < stats.largest_streams.size(); ++i)
        text += fmt::format(R"({}{{"stream":{},"events":{},"last_seq":{}}})", i == 0 ? "" : ",",
                            quote_json(stats.largest_streams[i].stream), stats.largest_streams[i].events,
                            stats.largest_streams[i].last_seq.value);
    text += "],\"frozen_spans\":[";
    for (std::size_t i = 0; i < stats.frozen_spans.size(); ++i)
        text +=
            fmt::format(R"({}{{"first_seq":{},"last_seq":{},"recorded_at":"{}","behind_ns":{}}})", i == 0 ? "" : ",",
                        stats.frozen_spans[i].first_seq.value, stats.frozen_spans[i].last_seq.value,
                        stats.frozen_spans[i].recorded_at.to_string(), stats.frozen_spans[i].behind.count());
    text += fmt::format(R"(],"normal_durability_since":{},"store_id":"{}","schema_version":{}}})",
                        json_of(stats.normal_durability_since), stats.store_id, stats.schema_version);
    return text;
}

std::string span_text(const std::optional<Timestamp>& first, const std::optional<Timestamp>& last) {
    if (!first || !last) return "none";
    return fmt::format("{} … {}", first->to_string(), last->to_string());
}

std::string share(std::uint64_t part, std::uint64_t whole) {
    return whole == 0 ? "" : fmt::format("{:.1f} %", 100.0 * static_cast<double>(part) / static_cast<double>(whole));
}

void write_summary(Output& output, const LogStats& stats) {
    Table table(output, {{""}, {""}});
    std::string events = human_count(stats.events);
    if (stats.first_seq && stats.last_seq)
        events += fmt::format(" (seq {} to {})", stats.first_seq->value, stats.last_seq->value);
    table.row({"events", events});
    table.row({"streams", human_count(stats.streams)});
    table.row(
        {"results", human_count(stats.results) +
                        (stats.unfinished > 0 ? fmt::format(" ({} unfinished)", human_count(stats.unfinished)) : "")});
    table.row({"recorded", span_text(stats.first_recorded_at, stats.last_recorded_at)});
    table.row({"occurred", span_text(stats.first_occurred_at, stats.last_occurred_at)});
    if (const std::optional<double> rate = rate_of(stats))
        table.row({"rate", *rate >= 100 ? human_count(static_cast<std::uint64_t>(std::llround(*rate))) + " events/s"
                                        : fmt::format("{:.3g} events/s", *rate)});
    table.row({"payloads", human_bytes(stats.payload_bytes)});
    table.row({"file", human_bytes(stats.database_bytes) +
                           (stats.wal_bytes > 0 ? fmt::format(" and {} in -wal", human_bytes(stats.wal_bytes)) : "")});
    table.row({"store", fmt::format("{}, schema {}", stats.store_id, stats.schema_version)});
    table.row({"durability", stats.normal_durability_since
                                 ? "NORMAL since " + stats.normal_durability_since->to_string() +
                                       ": the last commits may go with the power"
                                 : "always FULL"});
    table.finish();
}

void write_text(Output& output, const LogStats& stats) {
    write_summary(output, stats);
    if (!stats.types.empty()) {
        output.write("\n");
        Table table(output, {{"type"}, {"events", Align::right}, {"share", Align::right}});
        for (const LogStats::Type& type : stats.types)
            table.row({type.type, human_count(type.events), share(type.events, stats.events)});
        table.finish();
    }
    if (!stats.largest_streams.empty()) {
        output.write("\n");
        Table table(output, {{stats.largest_streams.size() < stats.streams
                                  ? fmt::format("stream (the {} largest of {})", stats.largest_streams.size(),
                                                human_count(stats.streams))
                                  : "stream"},
                             {"events", Align::right},
                             {"last seq", Align::right}});
        for (const LogStats::Stream& stream : stats.largest_streams)
            table.row({stream.stream, human_count(stream.events), std::to_string(stream.last_seq.value)});
        table.finish();
    }
    if (!stats.frozen_spans.empty()) {
        output.write("\n");
        Table table(
            output,
            {{"clock stood still from seq", Align::right}, {"to", Align::right}, {"at"}, {"behind", Align::right}});
        for (const FrozenSpan& span : stats.frozen_spans)
            table.row({std::to_string(span.first_seq.value), std::to_string(span.last_seq.value),
                       span.recorded_at.to_string(), human_duration(span.behind)});
        table.finish();
    }
}

ExitCode run(const Options& options, Program& program) {
    const Format format = options.format.chosen(program);
    StatsOptions stats_options;
    stats_options.window = options.window.window(program.clock);
    stats_options.streams_max = number_from("--streams", options.streams_max, 0, 1'000'000);
    stats_options.store = options.database.options(Access::read);
    const LogStats counted = stats(options.database.path(), stats_options);
    if (format == Format::json)
        program.output.line(to_json(counted));
    else
        write_text(program.output, counted);
    return ExitCode::done;
}

}  // namespace

void add_stats(CommandList& commands) {
    auto options = std::make_shared<Options>();
    CLI::App& command = commands.add("stats", "Counts, rates and sizes, by type and by stream",
                                     "  daybook stats game.db\n"
                                     "  daybook stats game.db --from -1d --type 'player:*' --format json",
                                     [options](Program& program) { return run(*options, program); });
    options->database.add_to(command);
    command.add_option("--streams", options->streams_max, "How many of the largest streams. Default: 10")
        ->type_name("N");
    options->format.add_to(command);
    options->window.add_to(command, {.limit = false, .reverse = false});
}

}  // namespace daybook::cli
