// Reading and describing --format.
#include "cli/format.hpp"

#include <fmt/format.h>

#include "cli/escape.hpp"
#include "cli/exit_code.hpp"
#include "cli/program.hpp"

namespace daybook::cli {
namespace {

const char* name_of(Format format) {
    switch (format) {
        case Format::table:
            return "table";
        case Format::json:
            return "json";
        case Format::jsonl:
            return "jsonl";
        case Format::csv:
            return "csv";
    }
    return "?";
}

std::string names(const std::vector<Format>& formats) {
    std::string out;
    for (const Format format : formats) {
        if (!out.empty()) out += "|";
        out += name_of(format);
    }
    return out;
}

}  // namespace

void FormatOption::add_to(CLI::App& command) {
    const char* otherwise = "jsonl";
    if (otherwise_ == DefaultFormat::json) otherwise = "json";
    if (otherwise_ == DefaultFormat::text_for_people) otherwise = "table on a terminal, json elsewhere";
    command.add_option("--format", text_, fmt::format("Default: {}", otherwise))->type_name(names(known_));
}

Format FormatOption::chosen(const Program& program) const {
    if (text_.empty()) {
        if (otherwise_ == DefaultFormat::jsonl) return Format::jsonl;
        if (otherwise_ == DefaultFormat::json) return Format::json;
        return program.output.is_terminal() ? Format::table : Format::json;
    }
    for (const Format format : known_)
        if (text_ == name_of(format)) return format;
    throw UsageError(fmt::format("--format '{}': this command knows {}", escape_cell(text_), names(known_)));
}

}  // namespace daybook::cli
