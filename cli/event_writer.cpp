// One event, four ways.
#include "cli/event_writer.hpp"

#include <fmt/format.h>

#include <daybook/event/event_line.hpp>

namespace daybook::cli {
namespace {

SqlValue text(std::string_view value) {
    return std::string(value);
}
SqlValue text(const std::optional<std::string_view>& value) {
    return value ? SqlValue(std::string(*value)) : SqlValue();
}
SqlValue number(std::uint64_t value) {
    return static_cast<std::int64_t>(value);
}

}  // namespace

EventWriter::EventWriter(Output& output, Format format) : output_(output), format_(format) {
    if (format_ == Format::table)
        table_ = std::make_unique<Table>(
            output_,
            std::vector<Table::Column>{
                {"seq", Align::right}, {"occurred_at"}, {"stream"}, {"version", Align::right}, {"type"}, {"payload"}});
    if (format_ == Format::csv)
        rows_ = std::make_unique<RowWriter>(
            output_, format_,
            std::vector<std::string>{"seq", "id", "type", "event_version", "stream", "version", "source",
                                     "correlation_id", "causation_id", "occurred_at", "recorded_at", "tags", "payload",
                                     "metadata"});
}

void EventWriter::event(const EventView& event) {
    ++events_;
    if (table_) {
        table_->row({std::to_string(event.seq.value), event.occurred_at.to_string(), std::string(event.stream),
                     std::to_string(event.version.value), std::string(event.type), std::string(event.payload)});
        return;
    }
    if (rows_) {
        rows_->row({number(event.seq.value), text(event.id), text(event.type), text(event.event_version),
                    text(event.stream), number(event.version.value), text(event.source), text(event.correlation_id),
                    text(event.causation_id), event.occurred_at.to_string(), event.recorded_at.to_string(),
                    text(event.tags), text(event.payload), text(event.metadata)});
        return;
    }
    line_.clear();
    if (format_ == Format::json) line_ = events_ == 1 ? "[\n" : ",\n";
    append_line(line_, event);
    if (format_ == Format::jsonl) line_ += '\n';
    output_.write(line_);
}

void EventWriter::flush() {
    if (table_) table_->finish();
    output_.flush();
}

void EventWriter::finish() {
    if (table_) table_->finish();
    if (format_ == Format::json) output_.write(events_ == 0 ? "[]\n" : "\n]\n");
}

}  // namespace daybook::cli
