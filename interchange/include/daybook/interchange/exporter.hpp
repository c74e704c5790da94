// Export: a window of the log as JSON Lines, to a file, a stream or a pipe; resumable, and able to follow.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <daybook/event/position.hpp>
#include <daybook/event/window.hpp>
#include <daybook/store/event_reader.hpp>
#include <daybook/store/event_store.hpp>

namespace daybook {

/// Where exported text goes. Thread-safety: one thread at a time.
class ExportSink {
  public:
    virtual ~ExportSink() = default;
    /// Takes whole lines with their newlines. False when whoever read them is gone: the export ends quietly.
    /// Throws Error: io_error, disk_full.
    [[nodiscard]] virtual bool write(std::string_view lines) = 0;
    /// Pass on what is held back. False as write().
    [[nodiscard]] virtual bool flush() { return true; }
};

/// Writes to `descriptor`, which stays open. A broken pipe is answered, not signalled.
[[nodiscard]] std::unique_ptr<ExportSink> sink_to_descriptor(int descriptor, std::string name);
/// Writes to `stream`, which must outlive the sink. A stream that fails is the error io_error.
[[nodiscard]] std::unique_ptr<ExportSink> sink_to_stream(std::ostream& stream, std::string name);

struct ExportProgress {
    std::uint64_t events = 0;
    std::uint64_t results = 0;
    Sequence seq;   ///< of the last event written
    Sequence head;  ///< the log's, when this pass began
};

struct ExportOptions {
    Window window{};
    /// Also the results of the window's events, as lines among them in journal order: an event comes before
    /// the results committed while it was the last. With window.reverse, each event is followed by its own
    /// results.
    bool results = false;
    /// Go on after this position, as ExportSummary::end gave it. Default: from the start.
    std::optional<Head> after{};
    /// Keep on exporting what is committed until `stop` says true. Not with to_seq, to or reverse.
    bool follow = false;
    /// Asked at least every 100 ms while following, and every 1,000 lines. True ends the export in good
    /// order.
    std::function<bool()> stop{};
    std::function<void(const ExportProgress&)> progress{};

    /// Throws Error: invalid_argument - all faults at once.
    void validate() const;
};

struct ExportSummary {
    std::uint64_t events = 0;
    std::uint64_t results = 0;
    Head end;                  ///< pass it as `after` to go on where this ended; result_seq moves only with `results`
    bool reader_gone = false;  ///< the sink said so
    bool stopped = false;      ///< `stop` said so
};

/// Writes the window to `sink`.
///
/// Thread-safety: safe from any thread, one sink each. Reads one head, pinned at the start (following: one
/// after another). Throws Error: history_diverged - `after` is not of this history; what the
/// sink and the store throw.
ExportSummary export_events(EventStore& store, ExportSink& sink, const ExportOptions& options = {});

struct ExportFileOptions {
    ExportOptions content{};
    bool replace = false;  ///< put it in the place of an existing file. Default: false
};

/// Writes the window to a temporary name beside `target`, syncs it, and names it `target`; compressed when
/// the name ends in `.gz` or `.zst`. On failure, and when `stop` said so, nothing is left behind. Throws
/// Error: target_exists; unsupported_path - one of the log's own files (log_files.hpp), a link, a directory or a device;
///               invalid_argument - follow; disk_full; io_error; as export_events().
ExportSummary export_to_file(EventStore& store, const std::filesystem::path& target,
                             const ExportFileOptions& options = {});

}  // namespace daybook
