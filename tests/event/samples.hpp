// One event and one result with every field filled, each with a value that no other field has.
#pragma once

#include <string>

#include <daybook/event/event.hpp>
#include <daybook/event/event_result.hpp>

namespace daybook {

[[nodiscard]] inline Event sample_event() {
    Event event;
    event.seq = {42};
    event.id = "0190163d-8694-739b-aea5-966c26f8ad91";
    event.type = "player:move";
    event.event_version = "2";
    event.stream = "player-7";
    event.version = {3};
    event.source = "arena";
    event.correlation_id = "run-1";
    event.causation_id = "0190163d-8694-739b-aea5-966c26f8ad90";
    event.occurred_at = Timestamp::parse("2026-01-31T12:00:00Z");
    event.recorded_at = Timestamp::parse("2026-01-31T12:00:00.000123456Z");
    event.tags = {{"level", "9"}, {"arena", "n\"orth"}};
    event.payload = R"({"z":1.0,"a":[12345678901234567890,"\u0041"]})";
    event.metadata = R"({"host":"a"})";
    event.digest = Digest::from_hex(std::string(62, 'a') + "01");
    return event;
}

[[nodiscard]] inline EventResult sample_result() {
    EventResult result;
    result.result_seq = {7};
    result.event_seq = {42};
    result.event_id = "0190163d-8694-739b-aea5-966c26f8ad91";
    result.bus = "main";
    result.handler = "score";
    result.attempt = 2;
    result.status = ResultStatus::completed;
    result.owner = "host/77/1";
    result.result = R"({"goals":2.50})";
    result.error_type = "std::runtime_error";
    result.error_message = "it \"broke\"";
    result.started_at = Timestamp::parse("2026-01-31T12:00:01Z");
    result.finished_at = Timestamp::parse("2026-01-31T12:00:01.5Z");
    result.emitted = {"e-1", "e-2"};
    result.note = "a re-run that differed";
    result.imported = true;
    result.events_head = {44};
    result.recorded_at = Timestamp::parse("2026-01-31T12:00:02Z");
    result.digest = Digest::from_hex(std::string(62, 'b') + "02");
    return result;
}

}  // namespace daybook
