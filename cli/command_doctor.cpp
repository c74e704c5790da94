// daybook doctor: how the file and its surroundings are, and what to do about it.
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include <daybook/event/json_text.hpp>
#include <daybook/store/diagnosis.hpp>

#include "cli/command.hpp"
#include "cli/database_argument.hpp"
#include "cli/escape.hpp"
#include "cli/format.hpp"
#include "cli/human.hpp"
#include "cli/table.hpp"

namespace daybook::cli {
namespace {

struct Options {
    DatabaseArgument database;
    bool accept_loss = false;
    FormatOption format{{Format::table, Format::json}, DefaultFormat::text_for_people};
};

const char* name_of(Finding::Level level) {
    switch (level) {
        case Finding::Level::ok:
            return "ok";
        case Finding::Level::note:
            return "note";
        case Finding::Level::problem:
            return "problem";
    }
    return "?";
}

void write_json(Output& output, const std::vector<Finding>& findings, bool ok) {
    std::string text = fmt::format(R"({{"ok":{},"findings":[)", ok);
    for (std::size_t i = 0; i < findings.size(); ++i)
        text += fmt::format(R"({}{{"level":"{}","topic":{},"value":{},"advice":{}}})", i == 0 ? "" : ",",
                            name_of(findings[i].level), quote_json(findings[i].topic),
                            quote_json(valid_utf8(findings[i].value)), quote_json(valid_utf8(findings[i].advice)));
    output.line(text + "]}");
}

void write_text(Output& output, const std::vector<Finding>& findings) {
    std::size_t widest = 0;
    for (const Finding& finding : findings) widest = std::max(widest, finding.topic.size());
    std::uint64_t problems = 0;
    for (const Finding& finding : findings) {
        output.line(fmt::format("{:<7}  {:<{}}  {}", name_of(finding.level), finding.topic, widest,
                                escape_cell(finding.value)));
        if (!finding.advice.empty())
            output.line(fmt::format("{:<{}}→ {}", "", widest + 11, escape_cell(finding.advice)));
        if (finding.level == Finding::Level::problem) ++problems;
    }
    output.write("\n");
    output.line(problems == 0 ? "no problems" : human_noun(problems, "problem"));
}

ExitCode run(const Options& options, Program& program) {
    const Format format = options.format.chosen(program);
    if (options.accept_loss) {
        const auto copies = accept_loss(options.database.path(), options.database.options(Access::read_write));
        for (const std::filesystem::path& copy : copies)
            program.notes.message("daybook doctor: kept a copy: " + escape_cell(copy.string()));
    }
    const std::vector<Finding> findings = diagnose(options.database.path(), options.database.options(Access::read));
    const bool ok = std::none_of(findings.begin(), findings.end(),
                                 [](const Finding& finding) { return finding.level == Finding::Level::problem; });
    if (format == Format::json)
        write_json(program.output, findings, ok);
    else
        write_text(program.output, findings);
    return ok ? ExitCode::done : ExitCode::check_found_something;
}

}  // namespace

void add_doctor(CommandList& commands) {
    auto options = std::make_shared<Options>();
    CLI::App& command =
        commands.add("doctor", "How the file and its surroundings are; exit code 1 for a problem",
                     "  daybook doctor game.db", [options](Program& program) { return run(*options, program); });
    options->database.add_to(command);
    command.add_flag("--accept-loss", options->accept_loss,
                     "The log lost its tail and that is accepted: copy the files aside and go on from here");
    options->format.add_to(command);
}

}  // namespace daybook::cli
