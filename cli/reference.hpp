// REF on the command line: digits are a seq, `id:…` forces an id, anything else is an id.
#pragma once

#include <string>

#include <daybook/event/event.hpp>
#include <daybook/store/event_reader.hpp>

namespace daybook::cli {

/// Throws Error: not_found - what was looked for, and where the log ends.
[[nodiscard]] Event find_event(const EventReader& reader, const std::string& reference);

}  // namespace daybook::cli
