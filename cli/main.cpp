// The program `daybook`: the three descriptors, the signals and the machine's clock, then one command line.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include <daybook/event/clock.hpp>
#include <daybook/event/random_source.hpp>

#include "cli/command_line.hpp"
#include "cli/interrupt.hpp"
#include "cli/output.hpp"
#include "cli/program.hpp"

namespace daybook::cli {
namespace {

bool is_open(int descriptor) {
    return ::fcntl(descriptor, F_GETFD) != -1 || errno != EBADF;
}

// A closed 0, 1 or 2 would be given to the next file that is opened, and a message would be written into the database.
void occupy(int descriptor) {
    if (is_open(descriptor)) return;
    const int null_device = ::open("/dev/null", O_RDWR);
    if (null_device >= 0 && null_device != descriptor) {
        ::dup2(null_device, descriptor);
        ::close(null_device);
    }
}

int main_function(int argc, const char* const* argv) {
    const bool stdin_open = is_open(STDIN_FILENO);
    const bool stdout_open = is_open(STDOUT_FILENO);
    for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) occupy(descriptor);
    install_signal_handlers();
    SystemClock clock;
    SystemRandom random;
    Output output(STDOUT_FILENO, ::isatty(STDOUT_FILENO) == 1);
    const Notes notes(STDERR_FILENO, ::isatty(STDERR_FILENO) == 1);
    Program program{clock, random, output, notes, stdin_open, ::isatty(STDIN_FILENO) == 1, stdout_open};
    return run_command_line(program, argc, argv);
}

}  // namespace
}  // namespace daybook::cli

int main(int argc, char** argv) {
    return daybook::cli::main_function(argc, argv);
}
