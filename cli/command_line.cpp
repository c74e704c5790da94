// See the header. Each command is in command_<name>.cpp.
#include "cli/command_line.hpp"

#include <fmt/format.h>

#include <exception>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>

#include <daybook/event/error.hpp>

#include "cli/command.hpp"
#include "cli/escape.hpp"
#include "cli/exit_code.hpp"
#include "cli/help_formatter.hpp"
#include "cli/interrupt.hpp"
#include "cli/suggestion.hpp"

namespace daybook::cli {
namespace {

std::vector<std::string> command_names(const CLI::App& app) {
    std::vector<std::string> names;
    for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
        names.push_back(command->get_name());
    return names;
}

std::vector<std::string> option_names(const CLI::App& command) {
    std::vector<std::string> names;
    for (const CLI::Option* option : command.get_options())
        for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    return names;
}

std::string who_speaks(const CLI::App* command) {
    return command == nullptr ? "daybook" : "daybook " + command->get_name();
}

// CLI11's complaint in our words, with what to do next.
std::string explain(const CLI::App& app, const CLI::App* command, const CLI::ParseError& error, int argc,
                    const char* const* argv) {
    std::string text = escape_cell(error.what());
    if (command == nullptr) {
        const std::string word = argc > 1 ? argv[1] : "";
        text = word.rfind('-', 0) == 0 ? fmt::format("'{}': no such option before a command", escape_cell(word))
                                       : fmt::format("'{}': no such command", escape_cell(word));
        const std::string nearest = nearest_name(word, command_names(app));
        return text + (nearest.empty() ? "; `daybook --help` lists them all"
                                       : fmt::format("; did you mean `daybook {}`?", nearest));
    }
    const std::string help = fmt::format("`daybook {} --help`", command->get_name());
    if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr) {
        const std::vector<std::string> extras = command->remaining();
        const std::string word = extras.empty() ? "" : extras.front();
        const bool is_option = word.size() > 1 && word.front() == '-';
        const std::string nearest =
            is_option ? nearest_name(word.substr(0, word.find('=')), option_names(*command)) : "";
        return fmt::format("'{}': {}; {}see {}", escape_cell(word),
                           is_option ? "no such option" : "one argument too many",
                           nearest.empty() ? "" : fmt::format("did you mean {}? ", nearest), help);
    }
    if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr) {
        const std::string option = text.substr(0, text.find(':'));
        const bool twice = text.find("At Most") != std::string::npos;
        return fmt::format("{}: {}; see {}", option, twice ? "it can be given once" : "its value is missing", help);
    }
    if (!text.empty() && text.back() == '.') text.pop_back();
    return fmt::format("{}; see {}", text, help);
}

void build(CLI::App& app, CommandList& commands) {
    app.formatter(std::make_shared<HelpFormatter>());
    app.set_version_flag("--version", "daybook " DAYBOOK_VERSION, "Print the version and leave");
    app.set_help_flag("-h,--help", "Print this and leave");
    app.require_subcommand(1);
    app.footer(
        "Example:\n"
        "  daybook emit game.db player:joined '{\"name\":\"Ada\"}' --stream player-7\n"
        "  daybook tail game.db\n"
        "\n"
        "DB is one file; init, emit and import make it. TIME is 2018-06-14T15:00:00Z (any offset), 2018-06-14 or "
        "-15m.\n"
        "Exit codes: 0 done, 1 a check found something, 2 usage, 3 input refused, 4 conflict, 5 storage, 70 a bug,\n"
        "130 interrupted.  `daybook COMMAND --help` says more.");
    for (const auto add :
         {add_init, add_emit, add_import, add_export, add_query, add_tail, add_show, add_tree, add_replay, add_state,
          add_verify, add_head, add_unfinished, add_stats, add_doctor, add_backup})
        add(commands);
}

const CLI::App* chosen_command(const CLI::App& app, int argc, const char* const* argv) {
    if (argc < 2) return nullptr;
    const std::string_view name = argv[1];
    const auto named = app.get_subcommands([name](const CLI::App* command) { return command->get_name() == name; });
    return named.empty() ? nullptr : named.front();
}

class Main {
  public:
    Main(Program& program, int argc, const char* const* argv) : program_(program), argc_(argc), argv_(argv) {}

    int run() {
        CLI::App app{"An event log in one file: record what happened, replay it, ask it", "daybook"};
        CommandList commands(app);
        build(app, commands);
        if (argc_ < 2) {
            program_.output.write(app.help());
            program_.output.flush();
            return to_int(ExitCode::done);
        }
        const CLI::App* command = chosen_command(app, argc_, argv_);
        who_ = who_speaks(command);
        try {
            app.parse(argc_, argv_);
        } catch (const CLI::CallForHelp&) {
            program_.output.write(command == nullptr ? app.help() : command->help("daybook"));
            program_.output.flush();
            return to_int(ExitCode::done);
        } catch (const CLI::CallForVersion& version) {
            program_.output.line(version.what());
            program_.output.flush();
            return to_int(ExitCode::done);
        } catch (const CLI::ParseError& error) {
            return complain(explain(app, command, error, argc_, argv_) + " [usage]", ExitCode::usage);
        }
        const ExitCode code = commands.run_of(*app.get_subcommands().front())(program_);
        program_.output.flush();
        return to_int(code);
    }

    int guarded() {
        try {
            if (!program_.stdout_open)
                throw Error(ErrorCode::io_error,
                            "standard output is closed: redirect it to /dev/null if nobody wants it");
            return run();
        } catch (const Interrupted&) {
            return finish(ExitCode::interrupted);
        } catch (const BrokenPipe&) {
            return to_int(ExitCode::done);
        } catch (const UsageError& error) {
            return complain(fmt::format("{}; see `{} --help` [usage]", error.what(), who_), ExitCode::usage);
        } catch (const Error& error) {
            const ExitCode code = interrupt_requested() ? ExitCode::interrupted : exit_code_of(error.code());
            if (error.code() == ErrorCode::network_file_system)
                return complain(with_context("--allow-network-file-system opens it all the same", error).what(), code);
            return complain(error.what(), code);
        } catch (const std::bad_alloc&) {
            return complain("out of memory [out_of_memory]", exit_code_of(ErrorCode::out_of_memory));
        } catch (const std::exception& error) {
            return complain(fmt::format("{}: this is a bug of ours, please report it [internal]", error.what()),
                            ExitCode::bug);
        }
    }

  private:
    // What was printed before the error belongs to the user.
    int finish(ExitCode code) {
        try {
            program_.output.flush();
        } catch (...) {
            return to_int(code);
        }
        return to_int(code);
    }
    int complain(const std::string& message, ExitCode code) {
        const int number = finish(code);
        program_.notes.message(who_ + ": " + message);
        return number;
    }

    Program& program_;
    int argc_;
    const char* const* argv_;
    std::string who_ = "daybook";
};

// `daybook help emit` is `daybook emit --help`.
std::vector<const char*> with_help_as_option(int argc, const char* const* argv) {
    std::vector<const char*> words(argv, argv + argc);
    if (argc < 2 || std::string_view(argv[1]) != "help") return words;
    words.erase(words.begin() + 1);
    words.push_back("--help");
    return words;
}

}  // namespace

int run_command_line(Program& program, int argc, const char* const* argv) {
    const std::vector<const char*> words = with_help_as_option(argc, argv);
    return Main(program, static_cast<int>(words.size()), words.data()).guarded();
}

}  // namespace daybook::cli
