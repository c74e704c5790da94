// One event and its results for people, and results as a JSON array.
#pragma once

#include <span>
#include <string>

#include <daybook/event/event.hpp>
#include <daybook/event/event_result.hpp>

#include "cli/output.hpp"

namespace daybook::cli {

/// Field by field, one a line.
void write_event_text(Output& output, const Event& event);
/// A table of what each handler did; one line when there is none.
void write_results_text(Output& output, std::span<const EventResult> results);
/// `[{…},{…}]`.
[[nodiscard]] std::string results_json(std::span<const EventResult> results);

}  // namespace daybook::cli
