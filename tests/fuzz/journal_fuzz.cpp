// Journal recovery: scan_journal_file(), by which the writer finds where it goes on, and JournalReader, over damaged, torn
// and well-formed journals.
//
// Input: a byte of flags, a byte that says where a tear falls, then the journal's text. Flag 1: each line's checksum is
// made right first, so that what lies behind it is reached.
#include <fstream>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <daybook/event/checksum.hpp>
#include <daybook/event/journal_record.hpp>
#include <daybook/interchange/journal_reader.hpp>

#include "fuzz/fuzz.hpp"
#include "fuzz/scratch.hpp"
#include "middleware/journal_file.hpp"

namespace daybook::fuzz {
namespace {

class MemoryFile final : public File {
  public:
    explicit MemoryFile(std::string_view bytes) : bytes_(bytes) {}
    [[nodiscard]] std::uint64_t size() override { return bytes_.size(); }
    [[nodiscard]] std::string read_at(std::uint64_t offset, std::size_t bytes) override {
        require(offset <= bytes_.size(), "a scan reads inside the file");
        // A file may always give less than was asked for; small pieces make lines that lie across them.
        return std::string(bytes_.substr(static_cast<std::size_t>(offset), std::min<std::size_t>(bytes, 200)));
    }
    void write_at(std::uint64_t, std::string_view) override { changed(); }
    void append(std::string_view) override { changed(); }
    void truncate(std::uint64_t) override { changed(); }
    void sync() override {}
    void touch() override { changed(); }
    [[nodiscard]] bool try_lock(std::uint64_t, LockMode) override { return true; }
    void unlock(std::uint64_t) override {}
    [[nodiscard]] bool is_locked_by_other(std::uint64_t, std::uint64_t) override { return false; }
    [[nodiscard]] std::optional<std::int64_t> lock_holder(std::uint64_t) override { return std::nullopt; }

  private:
    [[noreturn]] static void changed() { throw Violation("a scan changes nothing"); }
    std::string_view bytes_;
};

// The mark that says of a journal that all of it is synced: then every damaged line is damage.
std::string synced_mark(std::string_view bytes) {
    const Outcome first{[&] { return decode_journal_record(bytes.substr(0, bytes.find('\n'))); }};
    if (!first) return "";
    const auto* header = std::get_if<JournalHeader>(&*first);
    return header == nullptr ? "" : encode_synced_mark(*header, bytes.size());
}

auto scan(std::string_view bytes) {
    return Outcome{[bytes] {
        MemoryFile file(bytes);
        const std::string mark = synced_mark(bytes);
        MemoryFile lock_file(mark);
        return scan_journal_file(file, "journal.jsonl", {}, lock_file);
    }};
}

// The whole lines of `text`, each without its newline.
std::vector<std::string_view> whole_lines(std::string_view text) {
    std::vector<std::string_view> lines;
    for (std::size_t end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
        lines.push_back(text.substr(0, end));
        text.remove_prefix(end + 1);
    }
    return lines;
}

std::string with_right_checksums(std::string_view text) {
    constexpr std::string_view seal = ",\"crc32\":\"";
    constexpr std::size_t seal_bytes = seal.size() + 8 + 2;
    std::string sealed;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        const std::string_view line = text.substr(0, end);
        const std::size_t at = line.size() < seal_bytes ? 0 : line.size() - seal_bytes;
        if (line.size() >= seal_bytes && line.substr(at, seal.size()) == seal) {
            sealed += line.substr(0, at + seal.size());
            sealed += fmt::format("{:08x}", crc32(line.substr(0, at)));
            sealed += line.substr(line.size() - 2);
        } else {
            sealed += line;
        }
        if (end == std::string_view::npos) break;
        sealed += '\n';
        text.remove_prefix(end + 1);
    }
    return sealed;
}

std::string encoded(const JournalRecord& record) {
    if (const auto* event = std::get_if<Event>(&record)) {
        const std::string tags = tags_to_json(event->tags);
        return encode_journal_record(view_of(*event, tags));
    }
    if (const auto* result = std::get_if<EventResult>(&record)) return encode_journal_record(*result);
    return encode_journal_record(std::get<JournalHeader>(record));
}

// What a journal of these lines ends as: empty when a line is damaged or out of its turn.
std::optional<JournalEnd> reference_end(const std::vector<std::string_view>& lines, std::size_t bytes) {
    JournalEnd end;
    for (const std::string_view line : lines) {
        const Outcome record{[&] { return decode_journal_record(line); }};
        if (!record) {
            require(!record.refused_as(ErrorCode::io_error), "a record is refused for what it says");
            return std::nullopt;
        }
        const std::string again = encoded(*record);
        require(decode_journal_record(again) == *record, "a record encoded anew is equal");
        const auto* header = std::get_if<JournalHeader>(&*record);
        if ((header != nullptr) != !end.header) return std::nullopt;
        if (header != nullptr) {
            end.header = *header;
            end.head = {header->store_id, header->after_seq, header->after_digest, header->after_result_seq,
                        header->after_result_digest};
        } else if (const auto* event = std::get_if<Event>(&*record)) {
            if (event->seq.value != end.head.seq.value + 1) return std::nullopt;
            end.head.seq = event->seq;
            end.head.digest = event->digest;
            ++end.records;
        } else {
            const auto& result = std::get<EventResult>(*record);
            if (result.result_seq.value != end.head.result_seq.value + 1) return std::nullopt;
            end.head.result_seq = result.result_seq;
            end.head.result_digest = result.digest;
            ++end.records;
        }
        end.good_bytes += line.size() + 1;
    }
    end.torn_bytes = bytes - end.good_bytes;
    return end;
}

void require_same_end(const JournalEnd& actual, const JournalEnd& expected, std::string_view property) {
    require(actual.header == expected.header && actual.head == expected.head && actual.records == expected.records &&
                actual.good_bytes == expected.good_bytes && actual.torn_bytes == expected.torn_bytes,
            property);
}

// The journal that an input stands for.
struct Damaged {
    explicit Damaged(std::string_view input) {
        Bytes bytes(input);
        const bool right_checksums = (bytes.byte() & 1U) != 0;
        tear = bytes.byte();
        text = right_checksums ? with_right_checksums(bytes.rest()) : std::string(bytes.rest());
    }
    std::string text;
    unsigned tear = 0;
};

}  // namespace

void journal(std::string_view input) {
    const Damaged damaged(input);
    const std::string& text = damaged.text;
    const std::vector<std::string_view> lines = whole_lines(text);
    const auto expected = reference_end(lines, text.size());
    const auto end = scan(text);
    if (end) {
        require(expected.has_value(), "a journal that is accepted has no damaged line");
        require_same_end(*end, *expected, "a scan ends after the last whole line");
        // What a kill or a lost page cache leaves of a good journal is a good journal that ends sooner.
        const auto torn = scan(std::string_view(text).substr(0, text.size() * damaged.tear / 256));
        require(torn.ok(), fmt::format("a torn journal is a journal, {}", torn.refusal()));
        require(torn->good_bytes <= end->good_bytes && torn->records <= end->records, "a torn journal is a prefix");
        if (end->torn_bytes == 0) return;
        JournalEnd cut = *expected;
        cut.torn_bytes = 0;
        require_same_end(*scan(std::string_view(text).substr(0, static_cast<std::size_t>(end->good_bytes))), cut,
                         "a journal whose torn tail was cut ends where it did");
    } else if (expected) {
        require(end.refused_as(ErrorCode::target_exists) && lines.empty(),
                fmt::format("a journal without damage is refused only when it is none, {}", end.refusal()));
    } else {
        require(end.refused_as(ErrorCode::corrupt), fmt::format("damage is named corrupt, not {}", end.refusal()));
    }
}

void journal_reader(std::string_view input) {
    static const Scratch scratch("journal");
    const std::filesystem::path path = scratch / "journal.jsonl";
    const std::string text = Damaged(input).text;
    const std::vector<std::string_view> lines = whole_lines(text);
    std::ofstream(path, std::ios::binary | std::ios::trunc) << text;

    std::vector<JournalRecord> records;
    for (const std::string_view line : lines) {
        // The reader passes over blank lines, and a line may end in "\r\n".
        const std::string_view bare = line.substr(0, line.size() - (line.ends_with('\r') ? 1 : 0));
        if (bare.find_first_not_of(" \t\r") == std::string_view::npos) continue;
        Outcome record{[&] { return decode_journal_record(bare); }};
        if (!record) break;
        records.push_back(record.take());
    }
    JournalReader reader = JournalReader::open(path);
    for (std::size_t read = 0;; ++read) {
        const Outcome next{[&] { return reader.next(); }};
        if (read < records.size()) {
            require(next && *next != nullptr, fmt::format("a good line is read, {}", next.refusal()));
            require(**next == records[read], "the reader's record is the line's");
            continue;
        }
        if (next && *next != nullptr) {  // the last line, whole but for its newline
            const std::size_t last = text.rfind('\n');
            const std::string_view line = std::string_view(text).substr(last == std::string::npos ? 0 : last + 1);
            require(read == records.size() && **next == decode_journal_record(line), "no record is made up");
            require(reader.next() == nullptr, "nothing follows the last line");
        } else if (!next) {
            require(next.refused_as(ErrorCode::invalid_line),
                    fmt::format("damage is an invalid line, not {}", next.refusal()));
        }
        return;
    }
}

}  // namespace daybook::fuzz
