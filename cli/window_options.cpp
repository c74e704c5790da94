// From window options to a Window.
#include "cli/window_options.hpp"

#include <fmt/format.h>

#include "cli/exit_code.hpp"
#include "cli/number_argument.hpp"
#include "cli/tag_argument.hpp"
#include "cli/time_argument.hpp"

namespace daybook::cli {
namespace {

std::optional<std::string> optional_text(const std::vector<std::string>& values) {
    if (values.empty()) return std::nullopt;
    return values.front();
}

}  // namespace

CLI::Option* add_repeated(CLI::App& command, const std::string& name, std::vector<std::string>& values,
                          const std::string& description) {
    return command.add_option(name, values, description)->type_size(1)->allow_extra_args(false)->take_all();
}

CLI::Option* add_optional(CLI::App& command, const std::string& name, std::vector<std::string>& value,
                          const std::string& description) {
    return command.add_option(name, value, description)->type_size(1)->allow_extra_args(false)->expected(1);
}

void WindowOptions::add_to(CLI::App& command, Which which) {
    const std::string group = "Window";
    add_optional(command, "--from-seq", from_seq_, "First event, inclusive")->type_name("N")->group(group);
    add_optional(command, "--to-seq", to_seq_, "Last event, inclusive")->type_name("N")->group(group);
    add_optional(command, "--from", from_, "Not before (RFC 3339, a date, or -15m)")->type_name("TIME")->group(group);
    add_optional(command, "--to", to_, "Before (exclusive)")->type_name("TIME")->group(group);
    add_optional(command, "--axis", axis_, "Which time --from and --to mean. Default: occurred")
        ->type_name("occurred|recorded")
        ->group(group);
    add_repeated(command, "--type", types_, "Type pattern; several: any of them")->type_name("PATTERN")->group(group);
    add_optional(command, "--stream", stream_, "Only this stream")->type_name("NAME")->group(group);
    add_optional(command, "--source", source_, "Only from this source")->type_name("NAME")->group(group);
    add_optional(command, "--correlation", correlation_, "Only of this run")->type_name("ID")->group(group);
    add_optional(command, "--causation", causation_, "Only caused by this event")->type_name("ID")->group(group);
    add_repeated(command, "--tag", tags_, "Only with this tag; several: all of them")->type_name("K=V")->group(group);
    if (which.limit) add_optional(command, "--limit", limit_, "At most so many events")->type_name("N")->group(group);
    if (which.reverse) command.add_flag("--reverse", reverse_, "From the newest to the oldest")->group(group);
}

Window WindowOptions::window(Clock& clock) const {
    Window window;
    if (!from_seq_.empty()) window.from_seq = Sequence{number_from("--from-seq", from_seq_.front())};
    if (!to_seq_.empty()) window.to_seq = Sequence{number_from("--to-seq", to_seq_.front())};
    if (!from_.empty()) window.from = time_from("--from", from_.front(), clock);
    if (!to_.empty()) window.to = time_from("--to", to_.front(), clock);
    window.axis = axis_.empty() ? TimeAxis::occurred : axis_from(axis_.front());
    for (const std::string& pattern : types_) {
        try {
            window.types.emplace_back(pattern);
        } catch (const Error& error) {
            throw with_context("--type", error);
        }
    }
    window.stream = optional_text(stream_);
    window.source = optional_text(source_);
    window.correlation_id = optional_text(correlation_);
    window.causation_id = optional_text(causation_);
    for (const std::string& tag : tags_) window.tags.push_back(key_value_from("--tag", tag));
    if (!limit_.empty()) window.limit = number_from("--limit", limit_.front());
    window.reverse = reverse_;
    try {
        window.validate();
    } catch (const Error& error) {
        throw UsageError(message_of(error));  // from > to is a combination, not a value
    }
    return window;
}

bool WindowOptions::has_end() const noexcept {
    return !to_seq_.empty() || !to_.empty() || !limit_.empty() || reverse_;
}

}  // namespace daybook::cli
