// The look of --help.
#pragma once

#include <CLI/CLI.hpp>

namespace daybook::cli {

/// CLI11's layout, with our column width and without the noise (TEXT, REQUIRED, …).
class HelpFormatter final : public CLI::Formatter {
  public:
    HelpFormatter() { column_width(36); }
    std::string make_help(const CLI::App* app, std::string name, CLI::AppFormatMode mode) const override;
    std::string make_usage(const CLI::App* app, std::string name) const override;
    std::string make_option_opts(const CLI::Option* option) const override;
    std::string make_description(const CLI::App* app) const override;
    std::string make_footer(const CLI::App* app) const override;
};

}  // namespace daybook::cli
