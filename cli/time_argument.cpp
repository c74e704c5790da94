// Times as options give them, with the option's name in every complaint.
#include "cli/time_argument.hpp"

#include <fmt/format.h>

#include "cli/escape.hpp"
#include "cli/exit_code.hpp"

namespace daybook::cli {

Timestamp time_from(std::string_view option, std::string_view text, Clock& clock) {
    try {
        return Timestamp::parse_relative(text, clock.now());
    } catch (const Error& error) {
        throw Error(error.code(), fmt::format("{} '{}': {}; or -15m for a quarter of an hour ago", option,
                                              escape_cell(text), message_of(error)));
    }
}

std::chrono::nanoseconds duration_from(std::string_view option, std::string_view text) {
    try {
        return parse_duration(text);
    } catch (const Error& error) {
        throw Error(error.code(), fmt::format("{} '{}': {}", option, escape_cell(text), message_of(error)));
    }
}

TimeAxis axis_from(std::string_view text) {
    if (text == "occurred") return TimeAxis::occurred;
    if (text == "recorded") return TimeAxis::recorded;
    throw UsageError(fmt::format("--axis '{}': occurred or recorded", escape_cell(text)));
}

}  // namespace daybook::cli
