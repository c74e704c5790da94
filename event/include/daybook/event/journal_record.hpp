// The lines of the JSONL journal ("JSONL WAL"): a header, then one record for each committed event and result.
//
// Every line is a JSON object that ends in `,"crc32":"xxxxxxxx"}`: the CRC-32 (zlib) of the bytes before that comma.
// A line that stops short is a torn tail when it is the last; anywhere else it is damage.
// Writer: middleware/journal. Readers: interchange (import, verify --against). Schema: journal.schema.json.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include <daybook/event/event.hpp>
#include <daybook/event/event_result.hpp>
#include <daybook/event/position.hpp>

namespace daybook {

/// The first line of each journal file: where in which history it begins.
struct JournalHeader {
    Uuid store_id;
    Sequence after_seq;  ///< its first event is the next one
    Digest after_digest;
    ResultSequence after_result_seq;
    Digest after_result_digest;
    bool operator==(const JournalHeader&) const = default;
};

using JournalRecord = std::variant<JournalHeader, Event, EventResult>;

/// With the checksum, without the newline.
[[nodiscard]] std::string encode_journal_record(const JournalHeader& header);
[[nodiscard]] std::string encode_journal_record(const EventView& event);
[[nodiscard]] std::string encode_journal_record(const EventResult& result);

/// Throws Error: invalid_line - no checksum, a wrong one, or a line that does not say what its kind must.
[[nodiscard]] JournalRecord decode_journal_record(std::string_view line, const Limits& limits = {});

/// Whether `line` begins as a journal's lines do (`{"journal":…`), whatever follows.
[[nodiscard]] bool looks_like_journal(std::string_view line) noexcept;

}  // namespace daybook
