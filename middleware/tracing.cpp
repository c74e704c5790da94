// Spans as OTLP/JSON. The encoding is protobuf's JSON mapping as OTLP narrows it: lowerCamelCase keys, ids as hexadecimal
// text, enum values as numbers, 64-bit integers (times, intValue) as decimal strings; one TracesData object a line.
#include "daybook/middleware/tracing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <iterator>
#include <mutex>
#include <optional>
#include <utility>

#include <daybook/event/error.hpp>
#include <daybook/event/json_text.hpp>
#include <daybook/event/posix_file_system.hpp>
#include <daybook/event/sha256.hpp>

namespace daybook {

namespace {

// opentelemetry.proto.trace.v1: Span.SpanKind and Status.StatusCode.
constexpr int kind_internal = 1;
constexpr int kind_producer = 4;
constexpr int kind_consumer = 5;
constexpr int status_unset = 0;
constexpr int status_ok = 1;
constexpr int status_error = 2;

constexpr std::size_t trace_id_digits = 32;
constexpr std::size_t span_id_digits = 16;

/// The first `digits` hexadecimal digits of the hash of length-prefixed parts; never all zeros, which would be invalid.
std::string hashed_id(std::string_view purpose, std::initializer_list<std::string_view> parts, std::size_t digits) {
    Sha256 hash;
    hash.update(purpose);
    for (const std::string_view part : parts) {
        hash.update(fmt::format(":{}:", part.size()));
        hash.update(part);
    }
    std::string id = hash.finish().to_hex().substr(0, digits);
    if (id.find_first_not_of('0') == std::string::npos) id.back() = '1';
    return id;
}

bool is_trace_id(std::string_view text) noexcept {
    return text.size() == trace_id_digits && text.find_first_not_of("0123456789abcdef") == std::string_view::npos &&
           text.find_first_not_of('0') != std::string_view::npos;
}

std::string trace_id_from(std::string_view key) {
    if (is_trace_id(key)) return std::string(key);
    return hashed_id("daybook-trace", {key}, trace_id_digits);
}

void append_attribute(std::string& out, std::string_view key, std::string_view value) {
    if (out.back() != '[') out += ',';
    out += R"({"key":)";
    append_quoted_json(out, key);
    out += R"(,"value":{"stringValue":)";
    append_quoted_json(out, value);
    out += "}}";
}

void append_attribute(std::string& out, std::string_view key, std::uint64_t value) {
    if (out.back() != '[') out += ',';
    out += R"({"key":)";
    append_quoted_json(out, key);
    fmt::format_to(std::back_inserter(out), R"(,"value":{{"intValue":"{}"}}}})", value);
}

struct SpanHead {
    std::string_view trace_id;
    std::string_view span_id;
    std::string_view parent_span_id;
    std::string name;
    int kind = kind_internal;
    Timestamp start;
    Timestamp end;
};

/// Everything up to the opened attributes' list.
std::string begin_span(const SpanHead& head) {
    std::string out = fmt::format(R"({{"traceId":"{}","spanId":"{}",)", head.trace_id, head.span_id);
    if (!head.parent_span_id.empty())
        fmt::format_to(std::back_inserter(out), R"("parentSpanId":"{}",)", head.parent_span_id);
    out += R"("name":)";
    append_quoted_json(out, head.name);
    // Times are unsigned in OTLP, and a span must not end before it starts, whatever the wall clock did.
    const std::int64_t start = std::max<std::int64_t>(head.start.ns, 0);
    const std::int64_t end = std::max(head.end.ns, start);
    fmt::format_to(std::back_inserter(out),
                   R"(,"kind":{},"startTimeUnixNano":"{}","endTimeUnixNano":"{}","attributes":[)", head.kind, start,
                   end);
    return out;
}

void append_link(std::string& links, std::string_view trace_id, std::string_view span_id, std::string_view event_id) {
    if (!links.empty()) links += ',';
    fmt::format_to(std::back_inserter(links), R"({{"traceId":"{}","spanId":"{}","attributes":[)", trace_id, span_id);
    append_attribute(links, "daybook.event.id", event_id);
    links += "]}";
}

void append_links(std::string& span, const std::string& links) {
    if (!links.empty()) span += R"(,"links":[)" + links + "]";
}

void append_event_attributes(std::string& out, const Event& event) {
    append_attribute(out, "daybook.event.id", event.id);
    append_attribute(out, "daybook.event.type", event.type);
    append_attribute(out, "daybook.event.seq", event.seq.value);
    append_attribute(out, "daybook.event.stream", event.stream);
}

std::string event_span(const Committed& committed) {
    const Event& event = committed.event;
    const std::string trace = trace_id_of(event);
    const std::string span = span_id_of_event(event.id);
    std::string parent;
    std::string links;
    if (committed.emitted_by != nullptr) {
        const EmittedBy& by = *committed.emitted_by;
        const std::string parent_span = span_id_of_handler(by.event_id, by.bus, by.handler, by.attempt);
        // A parent is of the same trace; an event that was given a correlation of its own starts another and is linked.
        if (const std::string parent_trace = trace_id_from(by.correlation); parent_trace == trace) {
            parent = parent_span;
        } else {
            append_link(links, parent_trace, parent_span, by.event_id);
        }
    } else if (event.causation_id) {
        parent = span_id_of_event(*event.causation_id);
    }
    std::string out = begin_span({.trace_id = trace,
                                  .span_id = span,
                                  .parent_span_id = parent,
                                  .name = "emit " + event.type,
                                  .kind = kind_producer,
                                  .start = committed.emitted_at,
                                  .end = committed.durable_at});
    append_event_attributes(out, event);
    append_attribute(out, "daybook.event.version", event.event_version);
    append_attribute(out, "daybook.event.source", event.source);
    append_attribute(out, "daybook.stream.version", event.version.value);
    if (event.causation_id) append_attribute(out, "daybook.event.causation_id", *event.causation_id);
    if (event.correlation_id) append_attribute(out, "daybook.event.correlation_id", *event.correlation_id);
    append_attribute(out, "daybook.bus", committed.bus);
    append_attribute(out, "daybook.handlers", committed.pending.size());
    out += ']';
    append_links(out, links);
    fmt::format_to(std::back_inserter(out), R"(,"status":{{"code":{}}}}})", status_ok);
    return out;
}

std::string commit_span(const Committed& committed) {
    const Event& event = committed.event;
    std::string out = begin_span({.trace_id = trace_id_of(event),
                                  .span_id = hashed_id("daybook-commit", {event.id}, span_id_digits),
                                  .parent_span_id = span_id_of_event(event.id),
                                  .name = "commit",
                                  .kind = kind_internal,
                                  .start = committed.commit_started_at,
                                  .end = committed.durable_at});
    append_event_attributes(out, event);
    out += ']';
    fmt::format_to(std::back_inserter(out), R"(,"status":{{"code":{}}}}})", status_ok);
    return out;
}

std::string handler_span(const Event& event, const EventResult& result) {
    const std::string trace = trace_id_of(event);
    const Timestamp start = result.started_at.value_or(result.recorded_at);
    const Timestamp end = result.finished_at.value_or(result.recorded_at);
    std::string out = begin_span({.trace_id = trace,
                                  .span_id = span_id_of_handler(event.id, result.bus, result.handler, result.attempt),
                                  .parent_span_id = span_id_of_event(event.id),
                                  .name = fmt::format("{} {}", result.handler, event.type),
                                  .kind = kind_consumer,
                                  .start = start,
                                  .end = end});
    append_event_attributes(out, event);
    append_attribute(out, "daybook.bus", result.bus);
    append_attribute(out, "daybook.handler", result.handler);
    append_attribute(out, "daybook.attempt", std::uint64_t{result.attempt});
    append_attribute(out, "daybook.result.status", to_string(result.status));
    append_attribute(out, "daybook.result.seq", result.result_seq.value);
    if (!result.emitted.empty()) append_attribute(out, "daybook.emitted", std::uint64_t{result.emitted.size()});
    out += ']';
    const bool failed = result.status == ResultStatus::error || result.status == ResultStatus::timeout ||
                        result.status == ResultStatus::aborted;
    if (result.error_type) {
        fmt::format_to(std::back_inserter(out), R"(,"events":[{{"timeUnixNano":"{}","name":"exception","attributes":[)",
                       std::max<std::int64_t>(end.ns, 0));
        append_attribute(out, "exception.type", *result.error_type);
        append_attribute(out, "exception.message", result.error_message.value_or(""));
        out += "]}]";
    }
    if (failed) {
        fmt::format_to(std::back_inserter(out), R"(,"status":{{"code":{},"message":)", status_error);
        append_quoted_json(out,
                           result.error_message ? std::string_view(*result.error_message) : to_string(result.status));
        out += "}}";
    } else {
        const int code = result.status == ResultStatus::completed ? status_ok : status_unset;
        fmt::format_to(std::back_inserter(out), R"(,"status":{{"code":{}}}}})", code);
    }
    return out;
}

}  // namespace

std::string trace_id_of(const Event& event) {
    if (event.correlation_id) return trace_id_from(*event.correlation_id);
    if (event.causation_id) return trace_id_from(*event.causation_id);
    return trace_id_from(event.id);
}

std::string span_id_of_event(std::string_view event_id) {
    return hashed_id("daybook-event", {event_id}, span_id_digits);
}

std::string span_id_of_handler(std::string_view event_id, std::string_view bus, std::string_view handler,
                               std::uint32_t attempt) {
    return hashed_id("daybook-handler", {event_id, bus, handler, std::to_string(attempt)}, span_id_digits);
}

std::string traceparent_of(const Event& event) {
    return fmt::format("00-{}-{}-01", trace_id_of(event), span_id_of_event(event.id));
}

void TracingOptions::validate() const {
    std::string faults;
    if (path.empty()) faults += "; path is empty";
    if (path.find('\0') != std::string::npos) faults += "; path holds a NUL";
    if (find_invalid_utf8(service_name) != std::string::npos || service_name.empty()) {
        faults += "; service_name is empty or not UTF-8";
    }
    for (const auto& [key, value] : resource_attributes) {
        if (key.empty() || find_invalid_utf8(key) != std::string::npos ||
            find_invalid_utf8(value) != std::string::npos) {
            faults += "; a resource attribute is empty or not UTF-8";
        }
    }
    if (line_spans_max < 1 || line_spans_max > 100'000) {
        faults += fmt::format("; line_spans_max is {}, allowed are 1 to 100000", line_spans_max);
    }
    if (waiting_spans_max < line_spans_max || waiting_spans_max > 1'000'000) {
        faults += fmt::format("; waiting_spans_max is {}, allowed are line_spans_max ({}) to 1000000",
                              waiting_spans_max, line_spans_max);
    }
    if (line_interval < std::chrono::milliseconds(0) || line_interval > std::chrono::hours(1)) {
        faults += fmt::format("; line_interval is {} ms, allowed are 0 to 3600000", line_interval.count());
    }
    if (!faults.empty()) throw Error(ErrorCode::invalid_argument, "set up tracing: " + faults.substr(2));
}

struct TracingMiddleware::Impl {
    TracingOptions options;
    std::string line_begin;  // up to the opened list of spans

    mutable std::mutex mutex;
    std::unique_ptr<File> file;                // guarded by mutex; null after close()
    std::deque<std::string> waiting;           // guarded by mutex
    std::optional<Timestamp> waiting_since{};  // guarded by mutex
    std::uint64_t written = 0;                 // guarded by mutex
    std::uint64_t dropped = 0;                 // guarded by mutex

    void add(std::string&& span, Timestamp now) {
        if (!file) throw Error(ErrorCode::closed, fmt::format("write a span to {}: tracing was closed", options.path));
        if (waiting.size() >= options.waiting_spans_max) {
            waiting.pop_front();
            ++dropped;
        }
        waiting.push_back(std::move(span));
        if (!waiting_since) waiting_since = now;
    }

    void write_if_due(Timestamp now) {
        const std::int64_t interval = std::chrono::nanoseconds(options.line_interval).count();
        if (waiting.size() >= options.line_spans_max || (waiting_since && now.ns - waiting_since->ns >= interval)) {
            // A file that cannot be written is tried once for each interval or full line, not at every span.
            waiting_since = now;
            write();
        }
    }

    void write() {
        while (!waiting.empty()) {
            const std::size_t count = std::min(waiting.size(), options.line_spans_max);
            std::string line = line_begin;
            for (std::size_t index = 0; index < count; ++index) {
                if (index > 0) line += ',';
                line += waiting[index];
            }
            line += "]}]}]}\n";
            // What a kill or a full disk left of a line is ended first, so that readers lose that line and no other.
            if (const std::uint64_t size = file->size(); size > 0 && file->read_at(size - 1, 1) != "\n")
                line.insert(0, "\n");
            file->append(line);
            written += count;
            waiting.erase(waiting.begin(), waiting.begin() + static_cast<std::ptrdiff_t>(count));
        }
        waiting_since.reset();
    }
};

TracingMiddleware::TracingMiddleware(TracingOptions options) : impl_(std::make_unique<Impl>()) {
    options.validate();
    if (!options.files) options.files = std::make_shared<PosixFileSystem>();
    impl_->options = std::move(options);
    std::string& begin = impl_->line_begin;
    begin = R"({"resourceSpans":[{"resource":{"attributes":[)";
    append_attribute(begin, "service.name", impl_->options.service_name);
    append_attribute(begin, "telemetry.sdk.name", "daybook");
    append_attribute(begin, "telemetry.sdk.language", "cpp");
    for (const auto& [key, value] : impl_->options.resource_attributes) append_attribute(begin, key, value);
    begin += R"(]},"scopeSpans":[{"scope":{"name":"daybook"},"spans":[)";
    impl_->file = impl_->options.files->open(impl_->options.path, OpenMode::create);
}

TracingMiddleware::~TracingMiddleware() {
    try {
        close();
    } catch (const std::exception&) {
        return;  // close() is there for those who want the error
    }
}

void TracingMiddleware::on_committed(const Committed& committed) {
    std::string event = event_span(committed);
    std::string commit = commit_span(committed);
    const std::lock_guard lock(impl_->mutex);
    impl_->add(std::move(event), committed.durable_at);
    impl_->add(std::move(commit), committed.durable_at);
    impl_->write_if_due(committed.durable_at);
}

void TracingMiddleware::on_result(const Event& event, const EventResult& result) {
    if (!is_terminal(result.status)) return;  // its span is written when it has ended
    std::string span = handler_span(event, result);
    const std::lock_guard lock(impl_->mutex);
    impl_->add(std::move(span), result.recorded_at);
    impl_->write_if_due(result.recorded_at);
}

void TracingMiddleware::flush() {
    const std::lock_guard lock(impl_->mutex);
    if (impl_->file) impl_->write();
}

void TracingMiddleware::close() {
    const std::lock_guard lock(impl_->mutex);
    if (!impl_->file) return;
    struct Release {
        Impl& impl;
        ~Release() { impl.file.reset(); }
    } const release{*impl_};
    impl_->write();
}

std::uint64_t TracingMiddleware::spans_written() const {
    const std::lock_guard lock(impl_->mutex);
    return impl_->written;
}

std::uint64_t TracingMiddleware::spans_dropped() const {
    const std::lock_guard lock(impl_->mutex);
    return impl_->dropped;
}

}  // namespace daybook
