// From NAME=VALUE to what is bound.
#include "cli/sql_parameters.hpp"

#include <fmt/format.h>

#include <charconv>

#include "cli/escape.hpp"
#include "cli/exit_code.hpp"
#include "cli/tag_argument.hpp"

namespace daybook::cli {
namespace {

SqlValue value_from(const std::string& text) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error == std::errc{} && end == text.data() + text.size() && std::to_string(number) == text) return number;
    return text;
}

}  // namespace

std::map<std::string, SqlValue> sql_parameters_from(const std::vector<std::string>& texts) {
    std::map<std::string, SqlValue> parameters;
    for (const std::string& text : texts) {
        auto [name, value] = key_value_from("--param", text);
        if (name.front() == ':' && name.size() > 1) name.erase(0, 1);
        if (!parameters.emplace(name, value_from(value)).second)
            throw UsageError(fmt::format("--param {}: this name is given twice", escape_cell(name)));
    }
    return parameters;
}

}  // namespace daybook::cli
