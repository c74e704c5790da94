// Reading descriptor 0 to its end.
#include "cli/standard_input.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include <daybook/event/error.hpp>

#include "cli/exit_code.hpp"
#include "cli/interrupt.hpp"

namespace daybook::cli {

void require_standard_input(const Program& program) {
    if (!program.stdin_open)
        throw Error(ErrorCode::invalid_argument,
                    "standard input is closed: there is nothing to read from it; give it a file, a pipe or a terminal");
}

std::string read_standard_input(const Program& program, std::size_t bytes_max) {
    require_standard_input(program);
    if (program.stdin_terminal) program.notes.note("reading from the terminal; end with Ctrl-D");
    std::string text;
    std::array<char, 65536> buffer{};
    while (true) {
        const ssize_t got = ::read(STDIN_FILENO, buffer.data(), buffer.size());
        if (got == 0) return text;
        if (got < 0) {
            throw_if_interrupted();
            if (errno == EINTR) continue;
            throw Error(ErrorCode::io_error, fmt::format("reading standard input: {}", std::strerror(errno)));
        }
        text.append(buffer.data(), static_cast<std::size_t>(got));
        if (text.size() > bytes_max)
            throw Error(ErrorCode::too_large, fmt::format("standard input holds more than {} bytes", bytes_max));
    }
}

}  // namespace daybook::cli
