// See the header.
#include "daybook/bus/bus_options.hpp"

#include <fmt/format.h>

#include <string>

#include <daybook/event/error.hpp>
#include <daybook/event/event.hpp>
#include <daybook/event/limits.hpp>

namespace daybook {

void BusOptions::validate() const {
    std::string faults;
    const auto within = [&](std::string_view what, std::size_t value, std::size_t least, std::size_t most) {
        if (value >= least && value <= most) return;
        faults += fmt::format("; {} is {}, allowed are {} to {}", what, value, least, most);
    };
    try {
        check_name(name, "bus name", Limits{}.name_bytes_max);
    } catch (const Error& error) {
        faults += fmt::format("; {}", error.what());
    }
    within("worker_threads", worker_threads, 0, 256);
    within("queue_capacity", queue_capacity, 1, 10'000'000);
    within("nesting_max", nesting_max, 1, 1'000);
    within("unsaved_outcomes_max", unsaved_outcomes_max, 1, 1'000'000);
    within("feed_records_max", feed_records_max, 1, 100'000);
    for (const auto& observer : middleware) {
        if (!observer) faults += "; one of the middleware is null";
    }
    if (!faults.empty()) {
        throw Error(ErrorCode::invalid_argument, fmt::format("set up bus '{}': {}", name, faults.substr(2)));
    }
}

}  // namespace daybook
