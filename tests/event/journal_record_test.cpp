#include <daybook/event/journal_record.hpp>

#include <daybook/event/checksum.hpp>
#include <daybook/event/event_line.hpp>

#include "event/samples.hpp"
#include "event/thrown.hpp"

using namespace daybook;

namespace {

JournalHeader sample_header() {
    return {*Uuid::parse("0190163d-8694-439b-aea5-966c26f8ad91"),
            {10},
            Digest::from_hex(std::string(64, '1')),
            {4},
            Digest::from_hex(std::string(64, '2'))};
}

std::string event_record() {
    const Event event = sample_event();
    const std::string tags = tags_to_json(event.tags);
    return encode_journal_record(view_of(event, tags));
}

// `body` (all before the checksum) with a checksum that is right.
std::string sealed(const std::string& body) {
    return body + fmt::format(",\"crc32\":\"{:08x}\"}}", crc32(body));
}

std::string body_of(const std::string& record) {
    return record.substr(0, record.size() - 20);
}

std::string changed(const std::string& record, std::string_view from, std::string_view to) {
    std::string body = body_of(record);
    return sealed(body.replace(body.find(from), from.size(), to));
}

std::string refusal(std::string_view line) {
    const Error error = thrown([&] { return decode_journal_record(line); });
    CHECK(error.code() == ErrorCode::invalid_line);
    return error.what();
}

}  // namespace

TEST_CASE("journal: a header is read back") {
    const JournalHeader header = sample_header();
    CHECK(std::get<JournalHeader>(decode_journal_record(encode_journal_record(header))) == header);
}

TEST_CASE("journal: a header has this form") {
    const std::string record = encode_journal_record(sample_header());
    CHECK(body_of(record) ==
          R"({"journal":"header","format":1,"store_id":"0190163d-8694-439b-aea5-966c26f8ad91","after_seq":10,)"
          R"("after_digest":"1111111111111111111111111111111111111111111111111111111111111111","after_result_seq":4,)"
          R"("after_result_digest":"2222222222222222222222222222222222222222222222222222222222222222")");
}

TEST_CASE("journal: an event is read back with its digest") {
    CHECK(std::get<Event>(decode_journal_record(event_record())) == sample_event());
}

TEST_CASE("journal: an event record wraps the event's line and its digest") {
    const Event event = sample_event();
    CHECK(event_record() ==
          sealed("{\"journal\":\"event\",\"digest\":\"" + event.digest.to_hex() + "\",\"event\":" + to_line(event)));
}

TEST_CASE("journal: a result is read back with its digest") {
    const EventResult result = sample_result();
    const std::string record = encode_journal_record(result);
    CHECK(std::get<EventResult>(decode_journal_record(record)) == result);
    CHECK(record == sealed("{\"journal\":\"result\",\"digest\":\"" + result.digest.to_hex() +
                           "\",\"result\":" + to_line(result)));
}

TEST_CASE("journal: a payload nested to the cap is read back") {
    Event event = sample_event();
    event.payload = std::string(128, '[') + std::string(128, ']');
    const std::string tags = tags_to_json(event.tags);
    CHECK(std::get<Event>(decode_journal_record(encode_journal_record(view_of(event, tags)))) == event);
}

TEST_CASE("journal: one flipped bit anywhere is found") {
    const std::string record = event_record();
    for (std::size_t bit = 0; bit < record.size() * 8; ++bit) {
        std::string damaged = record;
        damaged[bit / 8] = static_cast<char>(static_cast<unsigned char>(damaged[bit / 8]) ^ (1U << bit % 8));
        CAPTURE(bit);
        CHECK(thrown_code([&] { return decode_journal_record(damaged); }) == ErrorCode::invalid_line);
    }
}

TEST_CASE("journal: a line cut short anywhere is found") {
    const std::string record = event_record();
    for (std::size_t bytes = 0; bytes < record.size(); ++bytes) {
        CHECK(thrown_code([&] { return decode_journal_record(record.substr(0, bytes)); }) == ErrorCode::invalid_line);
    }
}

TEST_CASE("journal: the message gives both checksums") {
    std::string record = event_record();
    record.replace(record.find("player-7"), 8, "player-8");
    CHECK_THAT(refusal(record), Catch::Contains("checksum says") && Catch::Contains("damaged"));
}

TEST_CASE("journal: a record that does not say what its kind must is refused, its checksum being right") {
    CHECK_THAT(refusal(changed(event_record(), "\"event\"", "\"evening\"")), Catch::Contains("header, event, result"));
    CHECK_THAT(refusal(changed(event_record(), "\"digest\"", "\"digits\"")), Catch::Contains("no \"digest\""));
    CHECK_THAT(refusal(changed(event_record(), sample_event().digest.to_hex(), "12")), Catch::Contains("64 hexa"));
    CHECK_THAT(refusal(changed(event_record(), "\"seq\":42", "\"sec\":42")), Catch::Contains("\"seq\""));
    CHECK_THAT(refusal(changed(event_record(), "\"recorded_at\"", "\"recorded_up\"")),
               Catch::Contains("\"recorded_at\""));
    CHECK_THAT(refusal(changed(event_record(), "\"event\":{", "\"result\":{")), Catch::Contains("no object \"event\""));
    CHECK_THAT(refusal(sealed("{\"journal\":5")), Catch::Contains("\"journal\""));
    CHECK_THAT(refusal(changed(encode_journal_record(sample_result()), "\"event_seq\":42", "\"event_seq\":0")),
               Catch::Contains("\"event_seq\""));
    const std::string header = encode_journal_record(sample_header());
    CHECK_THAT(refusal(changed(header, "\"format\":1", "\"format\":2")), Catch::Contains("\"format\""));
    CHECK_THAT(refusal(changed(header, "\"after_seq\"", "\"seq\"")), Catch::Contains("after_seq"));
    CHECK_THAT(refusal(changed(header, "0190163d", "nonsense")), Catch::Contains("\"store_id\""));
}

TEST_CASE("journal: a journal's lines are told by their beginning") {
    CHECK(looks_like_journal(event_record()));
    CHECK(looks_like_journal("{\"journal\":"));
    CHECK_FALSE(looks_like_journal(to_line(sample_event())));
    CHECK_FALSE(looks_like_journal(""));
    CHECK_FALSE(looks_like_journal(" {\"journal\":"));
}
