// Lines of a file or a stream: plain, gzip (several members too) or zstd, told apart by their first bytes.
//
// Not here: what a line means (mapping.hpp, journal_reader.hpp). Memory is bounded by the longest line
// allowed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace daybook {

struct LineSourceOptions {
    /// A longer line is the error too_large. Bytes. Default: 16 MiB; 1..1 GiB.
    std::size_t line_bytes_max = std::size_t{16} << 20;
};

/// One line, lent until the next call of next().
struct SourceLine {
    std::uint64_t number = 0;  ///< counted from 1, blank lines too
    std::string_view text;     ///< without `\n` or `\r\n`
    bool ended = true;         ///< false: the input ended without a newline after it
};

/// Thread-safety: one thread at a time.
class LineSource {
  public:
    /// Throws Error: no_such_file, permission_denied, unsupported_path (a directory), io_error,
    /// invalid_argument.
    [[nodiscard]] static LineSource open(const std::filesystem::path& path, LineSourceOptions options = {});
    /// Reads `descriptor` from where it stands and does not close it. `name` is for messages: `stdin`.
    [[nodiscard]] static LineSource from_descriptor(int descriptor, std::string name, LineSourceOptions options = {});
    /// Reads `stream`, which must outlive this.
    [[nodiscard]] static LineSource from_stream(std::istream& stream, std::string name, LineSourceOptions options = {});

    LineSource(LineSource&&) noexcept;
    LineSource& operator=(LineSource&&) noexcept;
    ~LineSource();

    /// The next line that is not blank (nothing, or spaces and tabs only), or null at the end.
    ///
    /// Blocks:       while a pipe has nothing to give.
    /// Throws Error: too_large - the line is over the cap; the next call goes on behind it.
    ///               invalid_line - compressed data that is damaged or cut short; each later call says the
    ///               same. io_error - likewise. Messages name the source, the line and the bytes.
    [[nodiscard]] const SourceLine* next();

    /// Number of the line that next() answered or failed on last.
    [[nodiscard]] std::uint64_t line_number() const noexcept;
    /// As given to open() or to from_…().
    [[nodiscard]] const std::string& name() const noexcept;
    /// The real, absolute path of a file; empty for descriptors and streams.
    [[nodiscard]] const std::filesystem::path& real_path() const noexcept;
    /// Bytes taken from the file or stream so far (compressed ones, where it is compressed), for progress.
    [[nodiscard]] std::uint64_t bytes_read() const noexcept;
    /// Size of the file; empty when it is not a regular file.
    [[nodiscard]] std::optional<std::uint64_t> bytes_total() const noexcept;

  private:
    struct Impl;
    explicit LineSource(std::unique_ptr<Impl> impl) noexcept;
    std::unique_ptr<Impl> impl_;
};

}  // namespace daybook
