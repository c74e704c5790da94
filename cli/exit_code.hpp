// Exit codes of the program, and the two ways a command ends early that are not a daybook::Error.
//
// The list is fixed: scripts depend on it. DESIGN, the command line.
#pragma once

#include <stdexcept>
#include <string>

#include <daybook/event/error.hpp>

namespace daybook::cli {

enum class ExitCode : int {
    done = 0,
    check_found_something = 1,  ///< verify, doctor
    usage = 2,                  ///< a command, option or combination that the program does not know
    refused_input = 3,          ///< a value or input that was read and refused
    conflict = 4,               ///< expected version, idempotency
    storage = 5,                ///< no such file, not a daybook, too new, I/O, full, busy, read-only
    bug = 70,
    interrupted = 130,
};

[[nodiscard]] constexpr int to_int(ExitCode code) noexcept {
    return static_cast<int>(code);
}

/// What the program answers to an Error with `code`.
[[nodiscard]] ExitCode exit_code_of(ErrorCode code) noexcept;

/// A command, option or combination that the program does not know. Exit code 2.
class UsageError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

/// SIGINT came. Exit code 130, without a message.
struct Interrupted {};

/// The reader of standard output has gone (`| head`). Exit code 0, without a message.
struct BrokenPipe {};

/// The message of `error` without the code at its end, so that it can be put into a longer one.
[[nodiscard]] std::string message_of(const Error& error);

/// `error` again, with `prefix` and ": " before its message.
[[nodiscard]] Error with_context(const std::string& prefix, const Error& error);

}  // namespace daybook::cli
