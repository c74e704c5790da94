// The wire formats against their schemas: what is written is valid, and the schemas do refuse what is not.

#include <daybook/event/event_line.hpp>
#include <daybook/event/journal_record.hpp>
#include <daybook/event/json_nlohmann.hpp>

#include "event/json_schema.hpp"
#include "event/samples.hpp"

using namespace daybook;

namespace {

// The results of one attempt, from its first row to its last.
EventResult pending_result() {
    EventResult result;
    result.result_seq = {1};
    result.event_seq = {1};
    result.event_id = "e";
    result.bus = "main";
    result.handler = "h";
    return result;
}

// `json` with the value at `pointer` replaced.
std::string changed(const std::string& json, const std::string& pointer, const nlohmann::json& value) {
    nlohmann::json document = nlohmann::json::parse(json);
    document[nlohmann::json::json_pointer(pointer)] = value;
    return document.dump();
}

std::string without(const std::string& json, const std::string& key) {
    nlohmann::json document = nlohmann::json::parse(json);
    REQUIRE(document.erase(key) == 1);
    return document.dump();
}

const std::string head_json = R"({"store_id":"0190163d-8694-439b-aea5-966c26f8ad91","seq":1,"digest":")" +
                              std::string(64, 'a') + R"(","result_seq":0,"result_digest":")" + std::string(64, '0') +
                              "\"}";

}  // namespace

TEST_CASE("schema: an event's line is valid, with every field and with the fewest") {
    Event event = sample_event();
    CHECK(schema_faults("event", to_line(event)) == "");
    event.correlation_id.reset();
    event.causation_id.reset();
    event.tags.clear();
    event.payload = "null";
    event.metadata = "{}";
    CHECK(schema_faults("event", to_line(event)) == "");
}

TEST_CASE("schema: the event's keys are exactly those of the line") {
    const std::string line = to_line(sample_event());
    const nlohmann::json document = nlohmann::json::parse(line);
    for (const auto& [key, value] : document.items()) {
        CAPTURE(key);
        CHECK(schema_faults("event", without(line, key)) != "");
    }
    CHECK(schema_faults("event", changed(line, "/digest", "x")) != "");
}

TEST_CASE("schema: an event of wrong kinds is refused") {
    const std::string line = to_line(sample_event());
    CHECK(schema_faults("event", changed(line, "/seq", 0)) != "");
    CHECK(schema_faults("event", changed(line, "/seq", "1")) != "");
    CHECK(schema_faults("event", changed(line, "/type", "")) != "");
    CHECK(schema_faults("event", changed(line, "/occurred_at", "2026-01-31T12:00:00Z")) != "");
    CHECK(schema_faults("event", changed(line, "/metadata", nlohmann::json::array())) != "");
    CHECK(schema_faults("event", changed(line, "/tags/level", 9)) != "");
}

TEST_CASE("schema: a result's line is valid at every status") {
    EventResult result = pending_result();
    for (const ResultStatus status :
         {ResultStatus::pending, ResultStatus::started, ResultStatus::completed, ResultStatus::error,
          ResultStatus::timeout, ResultStatus::cancelled, ResultStatus::aborted, ResultStatus::late}) {
        result.status = status;
        CHECK(schema_faults("result", to_line(result)) == "");
    }
    CHECK(schema_faults("result", to_line(sample_result())) == "");
}

TEST_CASE("schema: a result without one of its keys, or with a status that is none, is refused") {
    const std::string line = to_line(pending_result());
    const nlohmann::json document = nlohmann::json::parse(line);
    for (const auto& [key, value] : document.items()) {
        CAPTURE(key);
        CHECK(schema_faults("result", without(line, key)) != "");
    }
    CHECK(schema_faults("result", changed(line, "/status", "done")) != "");
    CHECK(schema_faults("result", changed(line, "/attempt", 0)) != "");
}

TEST_CASE("schema: the three kinds of journal lines are valid") {
    const Event event = sample_event();
    const std::string tags = tags_to_json(event.tags);
    JournalHeader header;
    header.store_id = *Uuid::parse("0190163d-8694-439b-aea5-966c26f8ad91");
    CHECK(schema_faults("journal", encode_journal_record(header)) == "");
    CHECK(schema_faults("journal", encode_journal_record(view_of(event, tags))) == "");
    CHECK(schema_faults("journal", encode_journal_record(sample_result())) == "");
}

TEST_CASE("schema: a journal line of another kind, format or content is refused") {
    const Event event = sample_event();
    const std::string tags = tags_to_json(event.tags);
    const std::string record = encode_journal_record(view_of(event, tags));
    CHECK(schema_faults("journal", changed(record, "/journal", "result")) != "");
    CHECK(schema_faults("journal", changed(record, "/event/seq", "x")) != "");
    CHECK(schema_faults("journal", without(record, "crc32")) != "");
    CHECK(schema_faults("journal", changed(encode_journal_record(JournalHeader{}), "/format", 2)) != "");
}

TEST_CASE("schema: show and tree hold events and results, to any depth") {
    const std::string event = to_line(sample_event());
    const std::string result = to_line(sample_result());
    CHECK(schema_faults("show", "{\"event\":" + event + ",\"results\":[" + result + "]}") == "");
    const std::string leaf = "{\"event\":" + event + ",\"results\":[],\"more\":3,\"children\":[]}";
    const std::string middle = "{\"event\":" + event + ",\"results\":[" + result + "],\"children\":[" + leaf + "]}";
    const auto tree = [&](const std::string& child) {
        return "{\"causes\":[" + event + "],\"more_causes\":1,\"event\":" + event +
               ",\"results\":[],\"cycle\":true,\"children\":[" + child + "]}";
    };
    CHECK(schema_faults("tree", tree(middle)) == "");
    CHECK(schema_faults("tree", tree(changed(middle, "/children/0/event/seq", 0))) != "");
    CHECK(schema_faults("tree", tree(changed(middle, "/children/0/causes", nlohmann::json::array()))) != "");
}

TEST_CASE("schema: verify and backup name both chains' heads") {
    CHECK(schema_faults("verify", R"({"ok":false,"events":1,"results":0,"head":)" + head_json +
                                      R"(,"problems":[{"code":"gap","seq":null,"message":"m"}],"problems_total":2})") ==
          "");
    CHECK(schema_faults("verify", R"({"ok":true,"events":1,"results":0,"head":{},"problems":[]})") != "");
    CHECK(schema_faults("backup", "{\"path\":\"b\",\"head\":" + head_json + "}") == "");
}

TEST_CASE("schema: rows are objects of numbers, strings and nulls; a state is its tables or rows") {
    CHECK(schema_faults("rows", R"([{"a":1,"b":2.5,"c":"x","d":null},{}])") == "");
    CHECK(schema_faults("rows", R"([{"a":[1]}])") != "");
    CHECK(schema_faults("rows", R"({"a":1})") != "");
    CHECK(schema_faults("state", R"({"score":[{"team":1}],"empty":[]})") == "");
    CHECK(schema_faults("state", R"([{"team":1}])") == "");
    CHECK(schema_faults("state", R"({"score":{"team":1}})") != "");
}

TEST_CASE("schema: the summary of an import has its eight numbers") {
    const std::string summary =
        R"({"read":3,"appended":2,"already_there":1,"skipped":0,"without_time":0,"without_id":3,"first_seq":1,"last_seq":2})";
    CHECK(schema_faults("import", summary) == "");
    CHECK(schema_faults("import", changed(changed(summary, "/first_seq", nullptr), "/last_seq", nullptr)) == "");
    CHECK(schema_faults("import", changed(summary, "/results", 4)) == "");
    CHECK(schema_faults("import", without(summary, "skipped")) != "");
    CHECK(schema_faults("import", changed(summary, "/read", -1)) != "");
}
