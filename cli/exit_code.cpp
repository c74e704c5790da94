// The table from ErrorCode to exit code.
#include "cli/exit_code.hpp"

#include <fmt/format.h>

namespace daybook::cli {

ExitCode exit_code_of(ErrorCode code) noexcept {
    switch (code) {
        case ErrorCode::unknown_format:  // "say --type": the option is what is missing
        case ErrorCode::name_taken:      // "say --import-name"
            return ExitCode::usage;
        case ErrorCode::cancelled:
            return ExitCode::interrupted;
        case ErrorCode::out_of_memory:
            return ExitCode::storage;
        case ErrorCode::closed:
        case ErrorCode::wrong_process:
        case ErrorCode::reentrant_emit:
        case ErrorCode::internal:
            return ExitCode::bug;
        default:
            break;
    }
    const auto number = static_cast<int>(code);
    if (number < 200) return ExitCode::refused_input;
    if (number < 300) return ExitCode::conflict;
    if (number < 400) return ExitCode::storage;
    return ExitCode::bug;
}

std::string message_of(const Error& error) {
    std::string message = error.what();
    const std::string code = fmt::format(" [{}]", to_string(error.code()));
    if (message.size() >= code.size() && message.compare(message.size() - code.size(), code.size(), code) == 0)
        message.resize(message.size() - code.size());
    return message;
}

Error with_context(const std::string& prefix, const Error& error) {
    return Error(error.code(), fmt::format("{}: {}", prefix, message_of(error)));
}

}  // namespace daybook::cli
