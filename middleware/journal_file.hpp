// The journal's files: their names, and reading one back to find where it ends.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <daybook/event/file_system.hpp>
#include <daybook/event/journal_record.hpp>

namespace daybook {

/// `<path>.<first seq>-<first result seq>`: the name of a closed file that begins as `header` says.
[[nodiscard]] std::string closed_journal_name(const std::string& path, const JournalHeader& header);
/// The journal's files, oldest first, `path` itself last; set-aside and lock files are not among them.
[[nodiscard]] std::vector<std::string> list_journal_files(FileSystem& files, const std::string& path);

/// Where a file of the journal ends.
struct JournalEnd {
    std::optional<JournalHeader> header{};  ///< empty: not even the header is whole
    Head head;                              ///< after its last whole record
    std::uint64_t records = 0;              ///< without the header
    std::uint64_t good_bytes = 0;           ///< up to the end of its last whole line
    std::uint64_t torn_bytes = 0;           ///< behind them: a last line that stops short, or what no sync had kept
};

/// Reads `file` through in bounded memory; checks each line's checksum and that seq and result_seq go on without a gap.
/// A damaged line ends the file when it lies behind what `lock_file` says was synced: a power loss may leave any part of
/// the rest, later lines without earlier ones too.
/// Throws Error: corrupt - a whole line before that is damaged; names file, line and byte offset.
[[nodiscard]] JournalEnd scan_journal_file(File& file, const std::string& path, const Limits& limits, File& lock_file);

/// How much of the file that begins with `header` is known to be synced: kept in the journal's lock file, written there
/// without a sync, so that it may lag and never lead.
[[nodiscard]] std::string encode_synced_mark(const JournalHeader& header, std::uint64_t synced_bytes);
/// 0 when `lock_file` holds no mark, or one of another file.
[[nodiscard]] std::uint64_t read_synced_mark(File& lock_file, const JournalHeader& header);

}  // namespace daybook
