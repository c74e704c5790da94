// Finding what REF names.
#include "cli/reference.hpp"

#include <fmt/format.h>

#include <charconv>

#include <daybook/event/error.hpp>

#include "cli/escape.hpp"
#include "cli/number_argument.hpp"

namespace daybook::cli {

Event find_event(const EventReader& reader, const std::string& reference) {
    const std::uint64_t head = reader.head().seq.value;
    if (is_digits(reference)) {
        std::uint64_t seq = 0;
        const auto [end, error] = std::from_chars(reference.data(), reference.data() + reference.size(), seq);
        if (error == std::errc{} && seq <= INT64_MAX)
            if (std::optional<Event> event = reader.find(Sequence{seq})) return std::move(*event);
        throw Error(ErrorCode::not_found,
                    fmt::format("no event has seq {}: the log ends at {}; write id:{} if it is an id", reference, head,
                                reference));
    }
    const std::string id = reference.rfind("id:", 0) == 0 ? reference.substr(3) : reference;
    if (std::optional<Event> event = reader.find(std::string_view(id))) return std::move(*event);
    throw Error(ErrorCode::not_found,
                fmt::format("no event has the id '{}' among the log's {}; a seq is written in digits alone",
                            escape_cell(id), head));
}

}  // namespace daybook::cli
