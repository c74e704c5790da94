// Tracing: spans of emits, commits and handlers as OTLP/JSON lines (OpenTelemetry's file exporter: one
// TracesData object a line), with W3C ids that are computed from the events, so that every process finds the
// same ones.
//
// One event is a producer span `emit TYPE` with a child `commit`; each handler that has an outcome is a
// consumer span below it, and an event that was emitted in a handler is a span below that handler's.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <daybook/event/file_system.hpp>
#include <daybook/middleware/middleware.hpp>

namespace daybook {

/// 32 lower-case hexadecimal digits. A hash of the event's correlation; of its cause's id when it has none;
/// of its own id when it has neither. A correlation that is a trace id already (32 lower-case hexadecimal
/// digits, not all 0) is itself.
[[nodiscard]] std::string trace_id_of(const Event& event);
/// 16 digits: of the span of the event with this id.
[[nodiscard]] std::string span_id_of_event(std::string_view event_id);
/// 16 digits: of the span of a handler's run.
[[nodiscard]] std::string span_id_of_handler(std::string_view event_id, std::string_view bus, std::string_view handler,
                                             std::uint32_t attempt);
/// The W3C header that carries the event's span to another program: `00-<trace id>-<span id>-01`.
[[nodiscard]] std::string traceparent_of(const Event& event);

/// Effect, unit, default and limits of each are said beside it. validate() reports all faults at once.
struct TracingOptions {
    /// The file, appended to; `.jsonl` is the customary ending. Required.
    std::string path{};
    /// Resource attribute service.name. Default: "daybook".
    std::string service_name = "daybook";
    /// More resource attributes.
    std::vector<std::pair<std::string, std::string>> resource_attributes{};
    /// Spans gathered into one line. Default: 512; 1..100,000.
    std::size_t line_spans_max = 512;
    /// Longest that a span waits for its line, looked at when the next one comes. Default: 1 s; 0..1 h.
    std::chrono::milliseconds line_interval{1'000};
    /// Spans kept while the file cannot be written; beyond it the oldest are dropped and counted. Default:
    /// 10,000; line_spans_max..1,000,000.
    std::size_t waiting_spans_max = 10'000;
    /// Seam for tests. Empty = the machine's own.
    std::shared_ptr<FileSystem> files{};

    /// Throws Error: invalid_argument.
    void validate() const;
};

/// Thread-safety: safe from any thread. Payloads and results are not written.
class TracingMiddleware final : public Middleware {
  public:
    /// Throws Error: invalid_argument, io_error, permission_denied, no_such_file.
    explicit TracingMiddleware(TracingOptions options);
    /// Writes what is left; errors are swallowed: close() reports them.
    ~TracingMiddleware() override;

    [[nodiscard]] std::string_view name() const noexcept override { return "tracing"; }
    void on_committed(const Committed& committed) override;
    void on_result(const Event& event, const EventResult& result) override;
    /// Writes the gathered spans. Throws Error: disk_full, io_error - they are kept for the next try.
    void flush() override;
    void close() override;

    [[nodiscard]] std::uint64_t spans_written() const;
    [[nodiscard]] std::uint64_t spans_dropped() const;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace daybook
