#include <daybook/event/journal_record.hpp>

#include <fmt/format.h>

#include <array>
#include <span>

#include <daybook/event/checksum.hpp>
#include <daybook/event/error.hpp>
#include <daybook/event/event_line.hpp>
#include <daybook/event/json_text.hpp>

#include "event/hex.hpp"
#include "event/json_scan.hpp"
#include "event/json_walk.hpp"
#include "event/line_reader.hpp"

namespace daybook {
namespace {

constexpr std::string_view start = "{\"journal\":";
constexpr std::string_view checksum_start = ",\"crc32\":\"";
constexpr std::size_t checksum_digits = 8;
constexpr std::size_t checksum_bytes = checksum_start.size() + checksum_digits + 2;
constexpr std::uint64_t format_version = 1;

// `line` is all but the checksum and the closing brace.
std::string sealed(std::string line) {
    const std::uint32_t checksum = crc32(line);
    line += checksum_start;
    line += fmt::format("{:08x}\"}}", checksum);
    return line;
}

void append_digest(std::string& out, const Digest& digest) {
    out += '"';
    append_hex(out, digest.bytes);
    out += '"';
}

std::string begun(std::string_view kind, const Digest& digest, std::size_t more_bytes) {
    std::string line;
    line.reserve(start.size() + 128 + more_bytes);
    line += start;
    append_quoted_json(line, kind);
    line += ",\"digest\":";
    append_digest(line, digest);
    return line;
}

void check_seal(std::string_view line) {
    if (line.size() < start.size() + checksum_bytes || !line.ends_with("\"}")) {
        refuse_line("the journal record has no checksum at its end", line.size());
    }
    const std::size_t body_bytes = line.size() - checksum_bytes;
    std::array<std::byte, checksum_digits / 2> kept{};
    const std::string_view wanted = line.substr(body_bytes + checksum_start.size(), checksum_digits);
    if (line.substr(body_bytes, checksum_start.size()) != checksum_start || !read_hex(wanted, kept)) {
        refuse_line("the journal record has no checksum at its end", body_bytes);
    }
    // As text: another spelling of the same number is a byte that has changed.
    const std::string actual = fmt::format("{:08x}", crc32(line.substr(0, body_bytes)));
    if (actual != wanted) {
        refuse_line(
            fmt::format("the journal record's checksum says {}, its bytes give {}: it is damaged", wanted, actual),
            body_bytes);
    }
}

Digest read_digest(const JsonWalk::Item& item) {
    Digest digest;
    if (!read_hex(read_string(item), digest.bytes)) refuse_field(item, "64 hexadecimal digits");
    return digest;
}

JournalHeader read_header(std::string_view line) {
    JournalHeader header;
    unsigned met = 0;
    JsonWalk walk(line);
    while (const auto item = walk.next()) {
        const std::string name = unescape_json(item->quoted_key);
        if (name == "format") {
            if (read_number(*item) != format_version) {
                refuse_field(*item, fmt::format("{}, the format that this program reads", format_version));
            }
            met |= 1U;
        } else if (name == "store_id") {
            const auto store_id = Uuid::parse(read_string(*item));
            if (!store_id) refuse_field(*item, "a UUID");
            header.store_id = *store_id;
            met |= 2U;
        } else if (name == "after_seq") {
            header.after_seq.value = read_number(*item);
            met |= 4U;
        } else if (name == "after_digest") {
            header.after_digest = read_digest(*item);
            met |= 8U;
        } else if (name == "after_result_seq") {
            header.after_result_seq.value = read_number(*item);
            met |= 16U;
        } else if (name == "after_result_digest") {
            header.after_result_digest = read_digest(*item);
            met |= 32U;
        }
    }
    if (met != 63U) {
        refuse_line(
            "the journal header lacks one of format, store_id, after_seq, after_digest, after_result_seq, "
            "after_result_digest",
            0);
    }
    return header;
}

}  // namespace

std::string encode_journal_record(const JournalHeader& header) {
    std::string line(start);
    line += fmt::format(
        "\"header\",\"format\":{},\"store_id\":\"{}\",\"after_seq\":{},\"after_digest\":\"{}\","
        "\"after_result_seq\":{},\"after_result_digest\":\"{}\"",
        format_version, header.store_id.to_string(), header.after_seq.value, header.after_digest.to_hex(),
        header.after_result_seq.value, header.after_result_digest.to_hex());
    return sealed(std::move(line));
}

std::string encode_journal_record(const EventView& event) {
    std::string line = begun("event", event.digest, 400 + event.payload.size() + event.metadata.size());
    line += ",\"event\":";
    append_line(line, event);
    return sealed(std::move(line));
}

std::string encode_journal_record(const EventResult& result) {
    std::string line = begun("result", result.digest, 600);
    line += ",\"result\":";
    append_line(line, result);
    return sealed(std::move(line));
}

JournalRecord decode_journal_record(std::string_view line, const Limits& limits) {
    if (!looks_like_journal(line)) refuse_line("it does not begin as a journal record does", 0);
    check_seal(line);
    // Two more levels than a payload may have: the record and the event in it.
    const bool minified = check_json(line, {.bytes_max = line_bytes_max(limits),
                                            .nesting_max = limits.nesting_max + 2,
                                            .what = "a journal record",
                                            .grammar_code = ErrorCode::invalid_line});
    JsonWalk::Item kind;
    JsonWalk::Item digest;
    JsonWalk::Item body;
    JsonWalk walk(line);
    while (const auto item = walk.next()) {
        if (item->quoted_key == "\"journal\"") kind = *item;
        if (item->quoted_key == "\"digest\"") digest = *item;
        if (item->quoted_key == "\"event\"" || item->quoted_key == "\"result\"") body = *item;
    }
    const std::string name = read_string(kind);
    if (name == "header") return read_header(line);
    if (name != "event" && name != "result") refuse_field(kind, "one of header, event, result");
    if (digest.value.empty()) refuse_line(fmt::format("the {} record has no \"digest\"", name), 0);
    if (body.quoted_key != quote_json(name) || json_kind(body.value) != JsonKind::object) {
        refuse_line(fmt::format("the {} record has no object \"{}\"", name, name), 0);
    }
    if (name == "event") {
        Event event = read_event(body.value, body.offset, minified, Fields::committed, limits);
        if (event.seq.value == 0 || event.version.value == 0) {
            refuse_line("the event record's \"seq\" or \"version\" is 0", body.offset);
        }
        event.digest = read_digest(digest);
        return event;
    }
    EventResult result = read_result(body.value, body.offset, minified, Fields::committed, limits);
    if (result.result_seq.value == 0 || result.event_seq.value == 0) {
        refuse_line("the result record's \"result_seq\" or \"event_seq\" is 0", body.offset);
    }
    result.digest = read_digest(digest);
    return result;
}

bool looks_like_journal(std::string_view line) noexcept {
    return line.starts_with(start);
}

}  // namespace daybook
