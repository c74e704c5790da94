// The demo's live part: emits each line of a history through a bus with handlers and the three middlewares, and prints
// each id once its emit has returned. Killed at any moment and run again, it recovers and completes the log.
//
// Usage: demo_live LOG.db HISTORY.jsonl > acknowledged
#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include <daybook/bus/event_bus.hpp>
#include <daybook/event/json_nlohmann.hpp>
#include <daybook/middleware/journal.hpp>
#include <daybook/middleware/logger.hpp>
#include <daybook/middleware/tracing.hpp>

namespace {

using namespace daybook;

NewEvent event_of(const std::string& line) {
    const nlohmann::json fields = parse_json(line);
    NewEvent event{.type = fields.at("type"), .payload = line, .stream = fields.at("stream"), .id = fields.at("id")};
    event.source = "git";
    event.occurred_at = Timestamp::parse(fields.at("time").get<std::string>());
    event.correlation_id = fields.at("commit").get<std::string>();
    if (!fields.at("cause").is_null()) event.causation_id = fields.at("cause").get<std::string>();
    return event;
}

void run(const std::string& path, const std::string& history) {
    EventStore store = EventStore::open(path, {.access = Access::create});
    const std::string stem = std::filesystem::path(path).replace_extension().string();
    const auto logger = std::make_shared<LoggerMiddleware>(LoggerOptions{.path = stem + ".log"});
    const auto journal = std::make_shared<JournalMiddleware>(JournalOptions{.path = stem + ".journal"});
    const auto tracing = std::make_shared<TracingMiddleware>(TracingOptions{.path = stem + ".trace.jsonl"});
    EventBus bus(store,
                 {.name = "demo",
                  .middleware = {logger, journal, tracing},
                  .on_failure = [](const FailureReport& report) { fmt::print(stderr, "{}\n", report.message); }});

    // Answers with JSON, which is recorded as the handler's outcome.
    const Registration sizes = bus.on("*", {.name = "sizes"}, [](const Event& event) {
        return nlohmann::json{{"payload_bytes", event.payload.size()}};
    });
    // Emits an event of its own: a child of the commit's event, under the same correlation.
    const Registration announcer =
        bus.on("CommitLanded", {.name = "announcer"}, [](const Event& event, HandlerContext& context) {
            context.emit({.type = "commit:announced",
                          .payload = json_text({{"subject", payload_of(event).at("subject")}}),
                          .stream = "announcements",
                          .source = "announcer"});
        });

    const RecoverReport recovered = bus.recover();
    std::ifstream lines(history);
    if (!lines) throw std::runtime_error("cannot read " + history);
    std::size_t emitted = 0, there_already = 0;
    for (std::string line; std::getline(lines, line);) {
        const Emitted done = bus.emit(event_of(line));
        (done.already_appended ? there_already : emitted) += 1;
        fmt::print("{}\n", done.event.id);
        std::fflush(stdout);  // the id is out before the next emit begins: this is the acknowledgement
    }
    bus.close();
    fmt::print(stderr, "recovered {} handler runs, emitted {} events, {} were there already; journal: {} records\n",
               recovered.results.size(), emitted, there_already, journal->status().records);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) {
        fmt::print(stderr, "usage: demo_live LOG.db HISTORY.jsonl\n");
        return 2;
    }
    try {
        run(argv[1], argv[2]);
        return 0;
    } catch (const std::exception& error) {
        fmt::print(stderr, "demo_live: {}\n", error.what());
        return 1;
    }
}
