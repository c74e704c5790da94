// Layout of one event.
#include "cli/event_text.hpp"

#include <fmt/format.h>

#include <daybook/event/event_line.hpp>

#include "cli/human.hpp"
#include "cli/table.hpp"

namespace daybook::cli {
namespace {

std::string outcome_of(const EventResult& result) {
    if (result.error_type || result.error_message)
        return result.error_type.value_or("") + (result.error_type && result.error_message ? ": " : "") +
               result.error_message.value_or("");
    return result.result.value_or("");
}

std::string took(const EventResult& result) {
    if (!result.started_at || !result.finished_at) return {};
    return human_duration(std::chrono::nanoseconds(result.finished_at->ns - result.started_at->ns));
}

}  // namespace

void write_event_text(Output& output, const Event& event) {
    Table table(output, {{""}, {""}});
    table.row({"seq", std::to_string(event.seq.value)});
    table.row({"id", event.id});
    table.row({"type", event.event_version == "1"
                           ? event.type
                           : fmt::format("{} (event version {})", event.type, event.event_version)});
    table.row({"stream", fmt::format("{}, version {}", event.stream, event.version.value)});
    table.row({"source", event.source});
    table.row({"occurred", event.occurred_at.to_string()});
    table.row({"recorded", event.recorded_at.to_string()});
    if (event.causation_id) table.row({"caused by", *event.causation_id});
    if (event.correlation_id) table.row({"correlation", *event.correlation_id});
    for (const auto& [key, value] : event.tags) table.row({"tag", fmt::format("{} = {}", key, value)});
    table.row({"payload", event.payload});
    if (event.metadata != "{}") table.row({"metadata", event.metadata});
    table.row({"digest", event.digest.to_hex()});
    table.finish();
}

void write_results_text(Output& output, std::span<const EventResult> results) {
    output.write("\n");
    if (results.empty()) {
        output.line("no results: no handler was waiting for it");
        return;
    }
    Table table(output, {{"result", Align::right},
                         {"bus"},
                         {"handler"},
                         {"attempt", Align::right},
                         {"status"},
                         {"took", Align::right},
                         {"outcome"},
                         {"emitted", Align::right},
                         {"note"}});
    for (const EventResult& result : results)
        table.row({std::to_string(result.result_seq.value), result.bus, result.handler, std::to_string(result.attempt),
                   std::string(to_string(result.status)), took(result), outcome_of(result),
                   result.emitted.empty() ? "" : std::to_string(result.emitted.size()), result.note.value_or("")});
    table.finish();
}

std::string results_json(std::span<const EventResult> results) {
    std::string text = "[";
    for (const EventResult& result : results) {
        if (text.size() > 1) text += ',';
        append_line(text, result);
    }
    return text + ']';
}

}  // namespace daybook::cli
