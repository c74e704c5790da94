// Lines of the logger. spdlog's sinks write and rotate; its logger class is passed over, because it swallows
// what a sink throws, and failures are to be counted here.
#include "daybook/middleware/logger.hpp"

#include <fmt/format.h>
#include <spdlog/details/log_msg.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <atomic>
#include <chrono>
#include <iterator>
#include <utility>

#include <daybook/event/error.hpp>

#include "middleware/log_text.hpp"

namespace daybook {

namespace {

spdlog::level::level_enum to_spdlog(LogLevel level) noexcept {
    switch (level) {
        case LogLevel::debug:
            return spdlog::level::debug;
        case LogLevel::info:
            return spdlog::level::info;
        case LogLevel::warning:
            return spdlog::level::warn;
        case LogLevel::error:
            return spdlog::level::err;
        case LogLevel::off:
            break;
    }
    return spdlog::level::off;
}

LogLevel level_of(ResultStatus status) noexcept {
    switch (status) {
        case ResultStatus::pending:
        case ResultStatus::started:
            return LogLevel::debug;
        case ResultStatus::completed:
            return LogLevel::info;
        case ResultStatus::cancelled:
        case ResultStatus::late:
            return LogLevel::warning;
        case ResultStatus::error:
        case ResultStatus::timeout:
        case ResultStatus::aborted:
            break;
    }
    return LogLevel::error;
}

template <typename Number>
void append_number(std::string& out, std::string_view key, Number value) {
    fmt::format_to(std::back_inserter(out), " {}={}", key, value);
}

}  // namespace

void LoggerOptions::validate() const {
    std::string faults;
    if (rotate_bytes < 1024) faults += fmt::format("; rotate_bytes is {}, at least 1024", rotate_bytes);
    if (rotated_files_max > 1000) faults += fmt::format("; rotated_files_max is {}, at most 1000", rotated_files_max);
    if (payload_bytes_max < 16 || payload_bytes_max > (std::size_t{16} << 20)) {
        faults += fmt::format("; payload_bytes_max is {}, allowed are 16 to 16777216", payload_bytes_max);
    }
    if (path.find('\0') != std::string::npos) faults += "; path holds a NUL";
    if (!faults.empty()) throw Error(ErrorCode::invalid_argument, "set up the logger: " + faults.substr(2));
}

struct LoggerMiddleware::Impl {
    LoggerOptions options;
    spdlog::sink_ptr sink;
    std::atomic<std::uint64_t> lines{0};
    std::atomic<std::uint64_t> failed{0};

    [[nodiscard]] bool wants(LogLevel level) const noexcept {
        return options.level != LogLevel::off && level >= options.level;
    }

    void write(LogLevel level, Timestamp time, const std::string& text) {
        using SystemTime = spdlog::log_clock::time_point;
        const SystemTime when{std::chrono::duration_cast<SystemTime::duration>(std::chrono::nanoseconds(time.ns))};
        try {
            sink->log(spdlog::details::log_msg(when, spdlog::source_loc{}, "daybook", to_spdlog(level), text));
            if (options.flush_each_line || level >= LogLevel::error) sink->flush();
        } catch (const std::exception& error) {
            ++failed;
            throw Error(ErrorCode::io_error,
                        fmt::format("write a log line to {}: {}; the line is lost, the event is not",
                                    options.path.empty() ? "stderr" : options.path, error.what()));
        }
        ++lines;
    }

    void append_json(std::string& out, std::string_view key, std::string_view json) const {
        if (!options.payload) {
            append_number(out, fmt::format("{}_bytes", key), json.size());
            return;
        }
        // Last on its line and JSON: it needs no quotes, only escapes for what could end the line.
        const std::string_view shown = utf8_prefix(json, options.payload_bytes_max);
        fmt::format_to(std::back_inserter(out), " {}=", key);
        append_escaped(out, shown);
        if (shown.size() < json.size())
            fmt::format_to(std::back_inserter(out), "...(+{} bytes)", json.size() - shown.size());
    }
};

LoggerMiddleware::LoggerMiddleware(LoggerOptions options) : impl_(std::make_unique<Impl>()) {
    options.validate();
    impl_->options = std::move(options);
    try {
        if (impl_->options.path.empty()) {
            impl_->sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
        } else {
            impl_->sink = std::make_shared<spdlog::sinks::rotating_file_sink_mt>(
                impl_->options.path, impl_->options.rotate_bytes, impl_->options.rotated_files_max);
        }
    } catch (const std::exception& error) {
        throw Error(ErrorCode::io_error, fmt::format("open the log file {}: {}", impl_->options.path, error.what()));
    }
    impl_->sink->set_formatter(std::make_unique<spdlog::pattern_formatter>("%Y-%m-%dT%H:%M:%S.%fZ %l %v",
                                                                           spdlog::pattern_time_type::utc, "\n"));
}

LoggerMiddleware::~LoggerMiddleware() = default;

void LoggerMiddleware::on_committed(const Committed& committed) {
    if (!impl_->wants(LogLevel::info)) return;
    const Event& event = committed.event;
    std::string line = "event";
    append_number(line, "seq", event.seq.value);
    append_field(line, "type", event.type);
    append_field(line, "id", event.id);
    append_field(line, "stream", event.stream);
    append_number(line, "version", event.version.value);
    append_field(line, "source", event.source);
    if (event.correlation_id) append_field(line, "correlation", *event.correlation_id);
    if (event.causation_id) append_field(line, "cause", *event.causation_id);
    append_field(line, "bus", committed.bus);
    append_number(line, "handlers", committed.pending.size());
    fmt::format_to(std::back_inserter(line), " commit_us={}",
                   (committed.durable_at.ns - committed.commit_started_at.ns) / 1000);
    impl_->append_json(line, "payload", event.payload);
    impl_->write(LogLevel::info, event.recorded_at, line);
}

void LoggerMiddleware::on_result(const Event& event, const EventResult& result) {
    const LogLevel level = level_of(result.status);
    if (!impl_->wants(level)) return;
    std::string line = "result";
    append_number(line, "seq", event.seq.value);
    append_field(line, "type", event.type);
    append_field(line, "bus", result.bus);
    append_field(line, "handler", result.handler);
    append_number(line, "attempt", result.attempt);
    append_field(line, "status", to_string(result.status));
    if (result.started_at && result.finished_at) {
        append_number(line, "took_us", (result.finished_at->ns - result.started_at->ns) / 1000);
    }
    if (!result.emitted.empty()) append_number(line, "emitted", result.emitted.size());
    if (result.error_type) append_field(line, "error_type", *result.error_type);
    if (result.error_message)
        append_field(line, "error", utf8_prefix(*result.error_message, impl_->options.payload_bytes_max));
    if (result.note) append_field(line, "note", utf8_prefix(*result.note, impl_->options.payload_bytes_max));
    if (result.result) impl_->append_json(line, "result", *result.result);
    impl_->write(level, result.recorded_at, line);
}

void LoggerMiddleware::flush() {
    try {
        impl_->sink->flush();
    } catch (const std::exception& error) {
        throw Error(ErrorCode::io_error, fmt::format("flush the log {}: {}", impl_->options.path, error.what()));
    }
}

void LoggerMiddleware::close() {
    flush();
}

std::uint64_t LoggerMiddleware::lines() const noexcept {
    return impl_->lines.load();
}
std::uint64_t LoggerMiddleware::failed_lines() const noexcept {
    return impl_->failed.load();
}

}  // namespace daybook
