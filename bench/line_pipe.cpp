#include "bench/line_pipe.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <utility>

#include "bench/setting.hpp"

namespace daybook::bench {

namespace {

// A reader that gives up ends the thread by EPIPE, not this program by SIGPIPE.
void block_broken_pipe() {
    sigset_t signals;
    ::sigemptyset(&signals);
    ::sigaddset(&signals, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

}  // namespace

LinePipe::LinePipe(std::uint64_t bytes, std::function<void()> at_a_tenth) {
    std::array<int, 2> ends{};
    require(::pipe2(ends.data(), O_CLOEXEC) == 0, "a pipe can be made");
    read_end_ = ends[0];
    write_end_ = ends[1];
    writer_ = std::thread([this, bytes, told = std::move(at_a_tenth)] { write(bytes, told); });
}

LinePipe::~LinePipe() {
    ::close(read_end_);
    if (writer_.joinable()) writer_.join();
}

std::string LinePipe::path() const {
    return fmt::format("/dev/fd/{}", read_end_);
}

std::uint64_t LinePipe::lines() {
    if (writer_.joinable()) writer_.join();
    return lines_;
}

void LinePipe::write(std::uint64_t bytes, const std::function<void()>& at_a_tenth) {
    block_broken_pipe();
    std::FILE* const out = ::fdopen(write_end_, "w");
    StreamNames names(1000);
    for (std::uint64_t written = 0, before = 0; written < bytes; ++lines_, before = written) {
        const std::string line =
            fmt::format("{{\"id\":\"{}\",\"type\":\"bench:appended\",\"stream\":\"{}\",\"payload\":{}}}\n",
                        ordered_id(lines_), StreamNames::name(names.next_number()), payload);
        if (std::fwrite(line.data(), 1, line.size(), out) != line.size()) break;
        written += line.size();
        if (before < bytes / 10 && written >= bytes / 10) at_a_tenth();
    }
    std::fclose(out);
}

}  // namespace daybook::bench
