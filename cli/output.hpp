// Standard output and standard error of the program.
//
// Everything that goes to a terminal is escaped here, so no command can forget it. A reader that went away ends the
// program quietly (BrokenPipe); any other failure to write is an Error.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace daybook::cli {

/// A buffered descriptor. Thread-safety: one thread at a time.
class Output {
  public:
    Output(int descriptor, bool terminal) : descriptor_(descriptor), terminal_(terminal) {}
    Output(const Output&) = delete;
    Output& operator=(const Output&) = delete;

    [[nodiscard]] bool is_terminal() const noexcept { return terminal_; }
    /// Escaped for the terminal if it is one; otherwise byte for byte.
    /// Throws BrokenPipe; Error: io_error, disk_full.
    void write(std::string_view text);
    /// `text` and a newline.
    void line(std::string_view text);
    void flush();
    /// For those who wait and write nothing meanwhile. Throws BrokenPipe when the reader has gone.
    void check_reader() const;

  private:
    void write_all(std::string_view bytes) const;

    static constexpr std::size_t buffer_bytes = std::size_t{64} << 10;
    int descriptor_;
    bool terminal_;
    std::string buffer_;
};

/// Messages to standard error: never buffered, never throws, one line each.
class Notes {
  public:
    Notes(int descriptor, bool terminal) : descriptor_(descriptor), terminal_(terminal) {}

    [[nodiscard]] bool is_terminal() const noexcept { return terminal_; }
    /// A message that the user must see.
    void message(std::string_view text) const noexcept;
    /// Something nice to know: shown on a terminal only.
    void note(std::string_view text) const noexcept;
    /// Bytes as they are, for the progress line.
    void raw(std::string_view bytes) const noexcept;

  private:
    int descriptor_;
    bool terminal_;
};

}  // namespace daybook::cli
