// Writing to descriptors: whole, or a reason.
#include "cli/output.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include <daybook/event/error.hpp>

#include "cli/escape.hpp"
#include "cli/exit_code.hpp"

namespace daybook::cli {

void Output::write(std::string_view text) {
    if (terminal_)
        buffer_ += escape_for_terminal(text);
    else
        buffer_ += text;
    if (buffer_.size() >= buffer_bytes) flush();
}

void Output::line(std::string_view text) {
    write(text);
    write("\n");
}

void Output::flush() {
    // Emptied first: after a failure the same bytes must not be tried again by whoever flushes at the end.
    std::string bytes;
    bytes.swap(buffer_);
    write_all(bytes);
    bytes.clear();
    buffer_.swap(bytes);
}

void Output::check_reader() const {
    pollfd end{descriptor_, 0, 0};
    if (::poll(&end, 1, 0) == 1 && (end.revents & POLLERR) != 0) throw BrokenPipe{};
}

void Output::write_all(std::string_view bytes) const {
    while (!bytes.empty()) {
        const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
        if (written < 0) {
            if (errno == EINTR) continue;
            if (errno == EPIPE) throw BrokenPipe{};
            throw Error(errno == ENOSPC ? ErrorCode::disk_full : ErrorCode::io_error,
                        fmt::format("writing {} bytes to standard output: {}", bytes.size(), std::strerror(errno)));
        }
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
}

void Notes::message(std::string_view text) const noexcept {
    try {
        raw(escape_for_terminal(text) + "\n");
    } catch (...) {
        raw(text);
    }
}

void Notes::note(std::string_view text) const noexcept {
    if (terminal_) message(text);
}

void Notes::raw(std::string_view bytes) const noexcept {
    while (!bytes.empty()) {
        const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return;  // nobody is left to be told
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
}

}  // namespace daybook::cli
