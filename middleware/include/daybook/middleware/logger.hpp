// The logger: one line for each event and each outcome of its bus, through spdlog, to stderr or to a rotating
// file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <daybook/middleware/middleware.hpp>

namespace daybook {

/// Of a line: `debug` started · `info` an event, completed · `warning` cancelled, late · `error` error,
/// timeout, aborted.
enum class LogLevel : std::uint8_t { debug, info, warning, error, off };

/// Effect, unit, default and limits of each are said beside it. validate() reports all faults at once.
struct LoggerOptions {
    /// Lines below it are not written. Default: info.
    LogLevel level = LogLevel::info;
    /// The log file; its directory must exist. Default: empty, stderr.
    std::string path{};
    /// Size at which the file becomes `name.1.ext`, `name.1.ext` becomes `name.2.ext`, and so on. Default: 16
    /// MiB; at least 1 KiB.
    std::size_t rotate_bytes = std::size_t{16} << 20;
    /// Old files that are kept. Default: 5; 0..1,000.
    std::size_t rotated_files_max = 5;
    /// Write payloads and results, and not only their sizes. They may hold secrets. Default: false.
    bool payload = false;
    /// Bytes of a payload or result that are written. Default: 1,024; 16..16 MiB.
    std::size_t payload_bytes_max = 1024;
    /// Hand each line to the system at once; otherwise at errors, flush() and close. Default: true.
    bool flush_each_line = true;

    /// Throws Error: invalid_argument.
    void validate() const;
};

/// A line: time, level, `event` or `result`, then `key=value` pairs. A value with anything but plain
/// characters stands in quotes; C0, DEL, C1, line separators, direction marks and bytes that are not UTF-8
/// are escaped everywhere, so that no event can forge a line or repaint a terminal.
///
/// A sink that fails (disk full) makes the hook throw, which the bus counts and reports; no line is tried
/// again. Thread-safety: safe from any thread.
class LoggerMiddleware final : public Middleware {
  public:
    /// Throws Error: invalid_argument; io_error - the file cannot be opened.
    explicit LoggerMiddleware(LoggerOptions options = {});
    ~LoggerMiddleware() override;

    [[nodiscard]] std::string_view name() const noexcept override { return "logger"; }
    void on_committed(const Committed& committed) override;
    void on_result(const Event& event, const EventResult& result) override;
    void flush() override;
    void close() override;

    /// Lines written, and lines that a sink refused.
    [[nodiscard]] std::uint64_t lines() const noexcept;
    [[nodiscard]] std::uint64_t failed_lines() const noexcept;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace daybook
