// Usage line, option column, footer.
#include "cli/help_formatter.hpp"

namespace daybook::cli {

std::string HelpFormatter::make_help(const CLI::App* app, std::string name, CLI::AppFormatMode mode) const {
    std::string text = CLI::Formatter::make_help(app, std::move(name), mode);
    for (std::size_t at = text.find("\n\n\n"); at != std::string::npos; at = text.find("\n\n\n", at)) text.erase(at, 1);
    return text;
}

std::string HelpFormatter::make_usage(const CLI::App* app, std::string name) const {
    std::string text = "Usage: " + (name.empty() ? "daybook" : name);
    if (app->get_parent() == nullptr) return text + " COMMAND DB [ARGS] [OPTIONS]\n";
    for (const CLI::Option* option : app->get_options([](const CLI::Option* o) { return o->get_positional(); })) {
        const std::string positional = option->get_name(true);
        text += option->get_required() ? " " + positional : " [" + positional + "]";
    }
    return text + " [OPTIONS]\n";
}

std::string HelpFormatter::make_option_opts(const CLI::Option* option) const {
    const std::string type = option->get_type_name();
    return option->get_type_size() == 0 || type.empty() ? std::string() : " " + type;
}

std::string HelpFormatter::make_description(const CLI::App* app) const {
    const std::string text = app->get_description();
    return text.empty() ? std::string() : text + ".\n";
}

std::string HelpFormatter::make_footer(const CLI::App* app) const {
    const std::string text = app->get_footer();
    return text.empty() ? std::string() : "\n" + text + "\n";
}

}  // namespace daybook::cli
