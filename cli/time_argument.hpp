// TIME and DURATION on the command line.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include <daybook/event/clock.hpp>
#include <daybook/event/timestamp.hpp>
#include <daybook/event/window.hpp>

namespace daybook::cli {

/// RFC 3339, a date, or `-15m` before now. Throws Error: invalid_time, naming `option` and what can be written.
[[nodiscard]] Timestamp time_from(std::string_view option, std::string_view text, Clock& clock);

/// `2s`, `1m30s`, `250ms`. Throws Error: invalid_time, naming `option`.
[[nodiscard]] std::chrono::nanoseconds duration_from(std::string_view option, std::string_view text);

/// `occurred` or `recorded`. Throws UsageError.
[[nodiscard]] TimeAxis axis_from(std::string_view text);

}  // namespace daybook::cli
