// daybook verify: is the log whole, and is it the one that a kept head or a journal says it is?
#include <fmt/format.h>

#include <memory>
#include <vector>

#include <daybook/event/json_text.hpp>
#include <daybook/interchange/journal_reader.hpp>
#include <daybook/store/head_signature.hpp>
#include <daybook/store/verify.hpp>

#include "cli/command.hpp"
#include "cli/database_argument.hpp"
#include "cli/escape.hpp"
#include "cli/format.hpp"
#include "cli/head_json.hpp"
#include "cli/human.hpp"
#include "cli/interrupt.hpp"
#include "cli/progress.hpp"
#include "cli/table.hpp"
#include "cli/text_file.hpp"
#include "cli/window_options.hpp"

namespace daybook::cli {
namespace {

struct Options {
    DatabaseArgument database;
    std::vector<std::string> head, public_key, journal;
    FormatOption format{{Format::table, Format::json}, DefaultFormat::text_for_people};
};

std::optional<Head> kept_head(const Options& options, const Program& program) {
    if (options.head.empty()) {
        if (!options.public_key.empty())
            throw UsageError("--public-key checks the signature of --head, and none is given");
        return std::nullopt;
    }
    std::string line = options.head.front();
    while (!line.empty() && (line.back() == '\n' || line.back() == '\r' || line.back() == ' ')) line.pop_back();
    try {
        if (!options.public_key.empty())
            return check_signed_head(line, read_text_file(options.public_key.front(), "--public-key"));
        const std::size_t signature = line.find(" sig=");
        if (signature != std::string::npos) {
            program.notes.message("warning: the signature of --head is not checked: give --public-key FILE");
            line.resize(signature);
        }
        return Head::from_line(line);
    } catch (const Error& error) {
        if (exit_code_of(error.code()) == ExitCode::storage) throw;  // the key's file, which the message names
        throw with_context("--head", error);
    }
}

struct Findings {
    VerifyReport report;
    std::optional<JournalComparison> journal;

    [[nodiscard]] bool ok() const { return report.ok() && (!journal || journal->ok()); }
    [[nodiscard]] std::vector<VerifyProblem> problems() const {
        std::vector<VerifyProblem> all = report.problems;
        if (journal) all.insert(all.end(), journal->problems.begin(), journal->problems.end());
        return all;
    }
    [[nodiscard]] std::uint64_t problems_total() const {
        return report.problems_total + (journal ? journal->problems_total : 0);
    }
};

void write_json(Output& output, const Findings& findings) {
    std::string text = fmt::format(R"({{"ok":{},"events":{},"results":{},"head":{},"problems":[)", findings.ok(),
                                   findings.report.events, findings.report.results, head_json(findings.report.head));
    const std::vector<VerifyProblem> problems = findings.problems();
    for (std::size_t i = 0; i < problems.size(); ++i) {
        if (i > 0) text += ',';
        text += fmt::format(R"({{"code":{},"seq":{},"message":{}}})", quote_json(problems[i].code),
                            problems[i].seq ? std::to_string(*problems[i].seq) : "null",
                            quote_json(valid_utf8(problems[i].message)));
    }
    text += ']';
    if (findings.problems_total() > problems.size())
        text += fmt::format(R"(,"problems_total":{})", findings.problems_total());
    if (findings.journal)
        text += fmt::format(R"(,"journal":{{"ok":{},"events":{},"results":{}}})", findings.journal->ok(),
                            findings.journal->events, findings.journal->results);
    output.line(text + "}");
}

void write_text(Output& output, const Options& options, const Findings& findings) {
    const VerifyReport& report = findings.report;
    const std::string what =
        fmt::format("{} and {}", human_noun(report.events, "event"), human_noun(report.results, "result"));
    if (findings.ok()) {
        output.line(fmt::format("ok: {} in {}", what, escape_cell(options.database.path().string())));
        if (!options.head.empty()) output.line("    the log contains the kept head");
        if (findings.journal)
            output.line(fmt::format("    the journal agrees: {} and {}", human_noun(findings.journal->events, "event"),
                                    human_noun(findings.journal->results, "result")));
        output.line("    " + report.head.to_line());
        return;
    }
    output.line(fmt::format("NOT OK: {} in {} ({} read)", human_noun(findings.problems_total(), "problem"),
                            escape_cell(options.database.path().string()), what));
    output.write("\n");
    Table table(output, {{"code"}, {"seq", Align::right}, {"problem"}});
    const std::vector<VerifyProblem> problems = findings.problems();
    for (const VerifyProblem& problem : problems)
        table.row({problem.code, problem.seq ? std::to_string(*problem.seq) : "", problem.message});
    table.finish();
    if (findings.problems_total() > problems.size())
        output.line(fmt::format("… and {} more", human_count(findings.problems_total() - problems.size())));
}

ExitCode run(const Options& options, Program& program) {
    const Format format = options.format.chosen(program);
    Progress progress(program.notes, program.clock, "verify", "rows");
    VerifyOptions verify_options;
    verify_options.head = kept_head(options, program);
    verify_options.store = options.database.options(Access::read);
    verify_options.progress = [&](std::uint64_t done, std::uint64_t total) {
        throw_if_interrupted();
        progress.update(done, total);
    };
    Findings findings{verify(options.database.path(), verify_options), std::nullopt};
    if (!options.journal.empty()) {
        const EventStore store = options.database.open_for_reading(program);
        Progress comparing(program.notes, program.clock, "journal", "records");
        findings.journal =
            compare_journal(store.reader(), options.journal.front(), {.progress = [&](std::uint64_t records) {
                                throw_if_interrupted();
                                comparing.update(records, 0);
                            }});
        comparing.clear();
        for (const std::string& note : findings.journal->notes) program.notes.message("note: " + note);
    }
    progress.clear();
    if (format == Format::json)
        write_json(program.output, findings);
    else
        write_text(program.output, options, findings);
    return findings.ok() ? ExitCode::done : ExitCode::check_found_something;
}

}  // namespace

void add_verify(CommandList& commands) {
    auto options = std::make_shared<Options>();
    CLI::App& command = commands.add("verify", "Check the whole log; exit code 1 when something is wrong",
                                     "  daybook verify game.db\n"
                                     "  daybook verify game.db --head \"$(cat head.txt)\" --public-key key.pub.pem",
                                     [options](Program& program) { return run(*options, program); });
    options->database.add_to(command);
    add_optional(command, "--head", options->head, "A line of `daybook head` that the log must still contain")
        ->type_name("LINE");
    add_optional(command, "--public-key", options->public_key, "Check that line's signature")->type_name("FILE");
    add_optional(command, "--against", options->journal, "Compare with a journal of the same log")
        ->type_name("JOURNAL");
    options->format.add_to(command);
}

}  // namespace daybook::cli
