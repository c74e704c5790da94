#include <catch2/catch.hpp>

#include <map>
#include <nlohmann/json.hpp>

#include <daybook/event/error.hpp>
#include <daybook/middleware/tracing.hpp>
#include <daybook/testkit/temp_directory.hpp>

#include "event/json_schema.hpp"
#include "middleware/samples.hpp"

namespace daybook {

using nlohmann::json;
using testkit::committed;
using testkit::event_at;
using testkit::lines_of;
using testkit::noon_ns;
using testkit::result_at;

namespace {

struct World {
    testkit::TempDirectory directory;
    std::string path = (directory / "trace.jsonl").string();
    std::shared_ptr<testkit::FaultyFiles> files = std::make_shared<testkit::FaultyFiles>();

    [[nodiscard]] TracingOptions options() const {
        TracingOptions options;
        options.path = path;
        options.files = files;
        return options;
    }
    /// All spans of the file; each line is judged by the schema first.
    [[nodiscard]] std::vector<json> spans() const {
        std::vector<json> all;
        for (const std::string& line : lines_of(path)) {
            CHECK(schema_faults("trace", line) == "");
            const json traces = json::parse(line);
            for (const json& span : traces["resourceSpans"][0]["scopeSpans"][0]["spans"]) all.push_back(span);
        }
        return all;
    }
    [[nodiscard]] json span_named(const std::string& name) const {
        for (const json& span : spans()) {
            if (span["name"] == name) return span;
        }
        FAIL("no span " + name);
        return {};
    }
};

json attribute(const json& span, const std::string& key) {
    for (const json& attribute : span["attributes"]) {
        if (attribute["key"] == key) return attribute["value"];
    }
    return nullptr;
}

}  // namespace

TEST_CASE("tracing: an event is a producer span with its commit below it") {
    World world;
    TracingMiddleware tracing(world.options());
    const Event event = event_at(7);
    tracing.on_committed(committed(event));
    tracing.close();
    const json emit = world.span_named("emit player:moved");
    CHECK(emit["kind"] == 4);
    CHECK_FALSE(emit.contains("parentSpanId"));
    CHECK(emit["traceId"] == trace_id_of(event));
    CHECK(emit["spanId"] == span_id_of_event("event-7"));
    CHECK(emit["startTimeUnixNano"] == std::to_string(noon_ns - 3'000));
    CHECK(emit["endTimeUnixNano"] == std::to_string(noon_ns + 1'000'000));
    CHECK(attribute(emit, "daybook.event.seq") == json{{"intValue", "7"}});
    CHECK(attribute(emit, "daybook.event.type") == json{{"stringValue", "player:moved"}});
    const json commit = world.span_named("commit");
    CHECK(commit["kind"] == 1);
    CHECK(commit["parentSpanId"] == emit["spanId"]);
    CHECK(commit["traceId"] == emit["traceId"]);
    CHECK(commit["startTimeUnixNano"] == std::to_string(noon_ns - 2'000));
    CHECK(tracing.spans_written() == 2);
}

TEST_CASE("tracing: a handler is a consumer span below its event, an event it emitted below the handler") {
    World world;
    TracingMiddleware tracing(world.options());
    const Event cause = event_at(1, "order:placed");
    Event effect = event_at(2, "bill:sent");
    effect.causation_id = cause.id;
    effect.correlation_id = cause.id;
    const EmittedBy by{cause.id, cause.id, "main", "h", 1};
    tracing.on_committed(committed(cause));
    tracing.on_committed(committed(effect, &by));
    tracing.on_result(cause, result_at(1, 1));
    tracing.close();
    const json placed = world.span_named("emit order:placed");
    const json handler = world.span_named("h order:placed");
    const json sent = world.span_named("emit bill:sent");
    CHECK(handler["kind"] == 5);
    CHECK(handler["parentSpanId"] == placed["spanId"]);
    CHECK(sent["parentSpanId"] == handler["spanId"]);
    CHECK(sent["traceId"] == placed["traceId"]);
    CHECK(handler["traceId"] == placed["traceId"]);
    CHECK(handler["status"] == json{{"code", 1}});
    CHECK(handler["startTimeUnixNano"] == std::to_string(noon_ns));
    CHECK(handler["endTimeUnixNano"] == std::to_string(noon_ns + 1'500'000));
    // The parent of every span that has one is in the file, and no id is there twice.
    std::map<std::string, int> ids;
    for (const json& span : world.spans()) ++ids[span["spanId"].get<std::string>()];
    for (const auto& [id, times] : ids) CHECK(times == 1);
    for (const json& span : world.spans()) {
        if (span.contains("parentSpanId")) CHECK(ids.count(span["parentSpanId"].get<std::string>()) == 1);
    }
}

TEST_CASE("tracing: ids follow from the events alone, so that other processes find the same") {
    Event root = event_at(1);
    Event child = event_at(2);
    child.causation_id = root.id;
    CHECK(trace_id_of(child) == trace_id_of(root));
    child.correlation_id = root.id;
    CHECK(trace_id_of(child) == trace_id_of(root));
    child.correlation_id = "another run";
    CHECK(trace_id_of(child) != trace_id_of(root));
    child.correlation_id = "4bf92f3577b34da6a3ce929d0e0e4736";
    CHECK(trace_id_of(child) == "4bf92f3577b34da6a3ce929d0e0e4736");
    child.correlation_id = std::string(32, '0');
    CHECK(trace_id_of(child) != std::string(32, '0'));
    CHECK(span_id_of_event("a").size() == 16);
    CHECK(span_id_of_handler("a", "b", "c", 1) != span_id_of_handler("a", "b", "c", 2));
    CHECK(span_id_of_handler("a", "bc", "d", 1) != span_id_of_handler("a", "b", "cd", 1));
    // Written down once: they may never change.
    CHECK(traceparent_of(root) == "00-" + trace_id_of(root) + "-" + span_id_of_event("event-1") + "-01");
}

TEST_CASE("tracing: an event with a cause that is not being handled here hangs below that cause") {
    World world;
    TracingMiddleware tracing(world.options());
    Event event = event_at(2);
    event.causation_id = "elsewhere";
    tracing.on_committed(committed(event));
    tracing.close();
    CHECK(world.span_named("emit player:moved")["parentSpanId"] == span_id_of_event("elsewhere"));
}

TEST_CASE("tracing: an event that begins a trace of its own in a handler is linked, not parented") {
    World world;
    TracingMiddleware tracing(world.options());
    Event event = event_at(2);
    event.causation_id = "event-1";
    event.correlation_id = "its own run";
    const EmittedBy by{"event-1", "event-1", "main", "h", 1};
    tracing.on_committed(committed(event, &by));
    tracing.close();
    const json span = world.span_named("emit player:moved");
    CHECK_FALSE(span.contains("parentSpanId"));
    REQUIRE(span["links"].size() == 1);
    CHECK(span["links"][0]["spanId"] == span_id_of_handler("event-1", "main", "h", 1));
    CHECK(span["links"][0]["traceId"] == trace_id_of(event_at(1)));
}

TEST_CASE("tracing: a failed handler has an error status and an exception event") {
    World world;
    TracingMiddleware tracing(world.options());
    EventResult result = result_at(1, 1, ResultStatus::error);
    result.error_type = "std::out_of_range";
    result.error_message = "no such \"seat\"\n";
    tracing.on_result(event_at(1), result);
    tracing.close();
    const json span = world.span_named("h player:moved");
    CHECK(span["status"] == json{{"code", 2}, {"message", "no such \"seat\"\n"}});
    REQUIRE(span["events"].size() == 1);
    CHECK(span["events"][0]["name"] == "exception");
    CHECK(attribute(span["events"][0], "exception.type") == json{{"stringValue", "std::out_of_range"}});
}

TEST_CASE("tracing: started rows are no spans, and no span ends before it starts") {
    World world;
    TracingMiddleware tracing(world.options());
    tracing.on_result(event_at(1), result_at(1, 1, ResultStatus::started));
    EventResult result = result_at(2, 1);
    result.finished_at = Timestamp{result.started_at->ns - 5};
    tracing.on_result(event_at(1), result);
    tracing.close();
    const std::vector<json> spans = world.spans();
    REQUIRE(spans.size() == 1);
    CHECK(spans[0]["endTimeUnixNano"] == spans[0]["startTimeUnixNano"]);
}

TEST_CASE("tracing: spans are gathered into lines of at most line_spans_max, at once when one is full") {
    World world;
    TracingOptions options = world.options();
    options.line_spans_max = 4;
    TracingMiddleware tracing(options);
    for (std::uint64_t seq = 1; seq <= 3; ++seq) {
        const Event event = event_at(seq);
        tracing.on_committed(committed(event));
    }
    CHECK(lines_of(world.path).size() == 1);
    tracing.flush();
    CHECK(lines_of(world.path).size() == 2);
    CHECK(world.spans().size() == 6);
}

TEST_CASE("tracing: a span waits no longer than line_interval when others come") {
    World world;
    TracingMiddleware tracing(world.options());
    EventResult result = result_at(1, 1);
    tracing.on_result(event_at(1), result);
    CHECK(lines_of(world.path).empty());
    result.recorded_at.ns += 1'000'000'000;
    tracing.on_result(event_at(1), result);
    CHECK(lines_of(world.path).size() == 1);
}

TEST_CASE("tracing: a full disk keeps spans for later, up to a bound, and drops the oldest beyond it") {
    World world;
    TracingOptions options = world.options();
    options.line_spans_max = 2;
    options.waiting_spans_max = 4;
    TracingMiddleware tracing(options);
    world.files->full = true;
    world.files->bytes_before_full = 11;
    for (std::uint64_t seq = 1; seq <= 6; ++seq) {
        const Event event = event_at(seq);
        CHECK_THROWS_AS(tracing.on_committed(committed(event)), Error);
        if (seq == 1) world.files->bytes_before_full = 0;
    }
    CHECK(tracing.spans_dropped() == 8);
    world.files->full = false;
    tracing.flush();
    // The first line is what the full disk left; the spans follow whole.
    const std::vector<std::string> lines = lines_of(world.path);
    REQUIRE(lines.size() == 3);
    CHECK(schema_faults("trace", lines[1]) == "");
    CHECK(schema_faults("trace", lines[2]) == "");
    CHECK(tracing.spans_written() == 4);
}

TEST_CASE("tracing: the resource names the service and what else it is told") {
    World world;
    TracingOptions options = world.options();
    options.service_name = "shop";
    options.resource_attributes = {{"service.instance.id", "a\"b"}};
    TracingMiddleware tracing(options);
    tracing.on_result(event_at(1), result_at(1, 1));
    tracing.flush();
    const json resource = json::parse(lines_of(world.path).at(0))["resourceSpans"][0]["resource"];
    CHECK(attribute(resource, "service.name") == json{{"stringValue", "shop"}});
    CHECK(attribute(resource, "service.instance.id") == json{{"stringValue", "a\"b"}});
}

TEST_CASE("tracing: options out of bounds are named together") {
    TracingOptions options;
    options.service_name = "";
    options.line_spans_max = 0;
    options.waiting_spans_max = 2'000'000;
    options.line_interval = std::chrono::milliseconds(-1);
    try {
        options.validate();
        FAIL("accepted");
    } catch (const Error& error) {
        const std::string what = error.what();
        for (const char* fault : {"path", "service_name", "line_spans_max", "waiting_spans_max", "line_interval"}) {
            INFO(fault);
            CHECK(what.find(fault) != std::string::npos);
        }
    }
}

}  // namespace daybook
