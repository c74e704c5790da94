// See the header.
#include "middleware/journal_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>

#include <daybook/event/checksum.hpp>
#include <daybook/event/error.hpp>

#include "event/test_hooks.hpp"

namespace daybook {

namespace {

constexpr std::size_t read_bytes = std::size_t{1} << 20;

bool all_digits(std::string_view text) noexcept {
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// The two numbers of a closed file's name; empty when `name` is not one.
std::optional<std::pair<std::string, std::string>> closed_numbers(std::string_view name, std::string_view base) {
    if (name.size() <= base.size() + 1 || name.substr(0, base.size()) != base || name[base.size()] != '.')
        return std::nullopt;
    const std::string_view numbers = name.substr(base.size() + 1);
    const std::size_t dash = numbers.find('-');
    if (dash == std::string_view::npos) return std::nullopt;
    const std::string_view first = numbers.substr(0, dash);
    const std::string_view second = numbers.substr(dash + 1);
    if (first.size() < 12 || second.size() < 12 || !all_digits(first) || !all_digits(second)) return std::nullopt;
    return std::pair(std::string(first), std::string(second));
}

/// Longer digits first count as larger: names have leading zeros up to twelve digits only.
bool smaller_number(const std::string& left, const std::string& right) {
    return left.size() != right.size() ? left.size() < right.size() : left < right;
}

/// Whether `text` may be what a kill left of a journal's first line: its beginning, or blocks that were never written.
bool may_be_begun_journal(std::string_view text) noexcept {
    constexpr std::string_view start = "{\"journal\":";
    const std::size_t compared = std::min(text.size(), start.size());
    return text.substr(0, compared) == start.substr(0, compared) ||
           text.find_first_not_of('\0') == std::string_view::npos;
}

class Scan {
  public:
    Scan(const std::string& path, const Limits& limits, File& lock_file)
        : path_(path), limits_(limits), lock_file_(lock_file) {}

    void line(std::string_view text, std::uint64_t offset) {
        ++line_number_;
        if (torn_) return;
        std::string damage = take(text);
        if (damage.empty()) {
            end_.good_bytes = offset + text.size() + 1;
            return;
        }
        if (DAYBOOK_PLANTED(journal_damage_skipped)) return;
        if (end_.header && offset >= synced_bytes_) {
            torn_ = true;
            return;
        }
        throw Error(
            ErrorCode::corrupt,
            fmt::format(
                "read the journal {}: line {} at byte {} is damaged ({}). Nothing was changed. Move the journal's "
                "files away and it is written anew from the log",
                path_, line_number_, offset, damage));
    }

    /// Whether what comes behind the good bytes may be what a power loss left of unsynced lines.
    [[nodiscard]] bool may_be_torn() const noexcept { return end_.header && end_.good_bytes >= synced_bytes_; }
    [[nodiscard]] JournalEnd& end() noexcept { return end_; }

  private:
    /// What is wrong with the line; empty: nothing, and end_ goes on to it.
    std::string take(std::string_view text) {
        JournalRecord record;
        try {
            record = decode_journal_record(text, limits_);
        } catch (const Error& error) {
            return error.what();
        }
        if (const auto* header = std::get_if<JournalHeader>(&record)) {
            if (line_number_ != 1) return "a second header";
            end_.header = *header;
            end_.head = Head{header->store_id, header->after_seq, header->after_digest, header->after_result_seq,
                             header->after_result_digest};
            synced_bytes_ = read_synced_mark(lock_file_, *header);
            return "";
        }
        if (line_number_ == 1) return "the first line is not a journal's header";
        if (const auto* event = std::get_if<Event>(&record)) {
            if (event->seq.value != end_.head.seq.value + 1 && !DAYBOOK_PLANTED(journal_damage_skipped))
                return fmt::format("event seq {} follows seq {}", event->seq.value, end_.head.seq.value);
            end_.head.seq = event->seq;
            end_.head.digest = event->digest;
        } else if (const auto* result = std::get_if<EventResult>(&record)) {
            if (result->result_seq.value != end_.head.result_seq.value + 1)
                return fmt::format("result seq {} follows result seq {}", result->result_seq.value,
                                   end_.head.result_seq.value);
            end_.head.result_seq = result->result_seq;
            end_.head.result_digest = result->digest;
        }
        ++end_.records;
        return "";
    }

    const std::string& path_;
    const Limits& limits_;
    File& lock_file_;
    std::uint64_t synced_bytes_ = 0;
    JournalEnd end_;
    std::uint64_t line_number_ = 0;
    bool torn_ = false;
};

}  // namespace

namespace {

constexpr std::string_view mark_magic("DAYBKJS\1", 8);
constexpr std::size_t mark_bytes = 64;

}  // namespace

std::string encode_synced_mark(const JournalHeader& header, std::uint64_t synced_bytes) {
    // Text, padded with blanks: what a person who looks into the file can read.
    std::string mark = fmt::format("{}{:016x}{:016x}{:012x}", mark_magic, header.after_seq.value,
                                   header.after_result_seq.value, synced_bytes);
    mark.resize(mark_bytes - 8, ' ');
    return mark + fmt::format("{:08x}", crc32(mark + header.store_id.to_string()));
}

std::uint64_t read_synced_mark(File& lock_file, const JournalHeader& header) {
    const std::string mark = lock_file.read_at(0, mark_bytes);
    constexpr std::size_t number_at = mark_magic.size() + 32;
    if (mark.size() != mark_bytes || !mark.starts_with(mark_magic)) return 0;
    std::uint64_t synced_bytes = 0;
    const char* const number = mark.data() + number_at;
    const auto [end, error] = std::from_chars(number, number + 12, synced_bytes, 16);
    if (error != std::errc() || end != number + 12 || encode_synced_mark(header, synced_bytes) != mark) return 0;
    return synced_bytes;
}

std::string closed_journal_name(const std::string& path, const JournalHeader& header) {
    return fmt::format("{}.{:012}-{:012}", path, header.after_seq.value + 1, header.after_result_seq.value + 1);
}

std::vector<std::string> list_journal_files(FileSystem& files, const std::string& path) {
    const std::string directory = directory_of(path);
    const std::string_view base = base_name_of(path);
    const std::string prefix = path.substr(0, path.size() - base.size());
    std::vector<std::pair<std::pair<std::string, std::string>, std::string>> closed;
    for (const std::string& name : files.list(directory)) {
        if (auto numbers = closed_numbers(name, base)) closed.emplace_back(std::move(*numbers), prefix + name);
    }
    std::sort(closed.begin(), closed.end(), [](const auto& left, const auto& right) {
        if (left.first.first != right.first.first) return smaller_number(left.first.first, right.first.first);
        return smaller_number(left.first.second, right.first.second);
    });
    std::vector<std::string> names;
    names.reserve(closed.size() + 1);
    for (auto& [numbers, name] : closed) names.push_back(std::move(name));
    if (files.exists(path)) names.push_back(path);
    return names;
}

JournalEnd scan_journal_file(File& file, const std::string& path, const Limits& limits, File& lock_file) {
    // The longest line is a result's: three texts as large as a payload, each byte escaped as six, what the handler
    // returned, and the ids of what it emitted.
    const std::size_t line_bytes_max = 24 * limits.payload_bytes_max + (std::size_t{16} << 20);
    Scan scan(path, limits, lock_file);
    std::string pending;           // the beginning of a line whose end has not been read yet
    std::uint64_t pending_at = 0;  // where it begins
    const std::uint64_t size = file.size();
    for (std::uint64_t offset = 0; offset < size;) {
        const std::string chunk = file.read_at(offset, read_bytes);
        if (chunk.empty()) break;
        std::size_t begin = 0;
        for (std::size_t newline = chunk.find('\n'); newline != std::string::npos; newline = chunk.find('\n', begin)) {
            const std::string_view rest(chunk.data() + begin, newline - begin);
            if (pending.empty()) {
                scan.line(rest, offset + begin);
            } else {
                pending += rest;
                scan.line(pending, pending_at);
                pending.clear();
            }
            begin = newline + 1;
        }
        if (begin < chunk.size()) {
            if (pending.empty()) pending_at = offset + begin;
            pending.append(chunk, begin);
            // What follows a tear is at most one batch; a longer stretch without a line end is no tail of ours, but it
            // cannot be told from one without reading on, and memory is bounded.
            if (pending.size() > line_bytes_max) break;
        }
        offset += chunk.size();
    }
    JournalEnd end = scan.end();
    end.torn_bytes = size - end.good_bytes;
    if (!end.header && !may_be_begun_journal(file.read_at(0, read_bytes))) {
        throw Error(
            ErrorCode::target_exists,
            fmt::format(
                "open the journal {}: the file is there and is not a journal. Nothing was changed; give the journal "
                "another path",
                path));
    }
    if (end.torn_bytes > line_bytes_max && !scan.may_be_torn()) {
        throw Error(
            ErrorCode::corrupt,
            fmt::format(
                "read the journal {}: the {} bytes from byte {} on hold no whole line. Nothing was changed. Move "
                "the journal's files away and it is written anew from the log",
                path, end.torn_bytes, end.good_bytes));
    }
    return end;
}

}  // namespace daybook
