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
    std::uint64_t torn_bytes = 0;           ///< of a last line that stops short
};

/// Reads `file` through in bounded memory; checks each line's checksum and that seq and result_seq go on without a gap.
/// Throws Error: corrupt - a whole line that is damaged, anywhere; names file, line and byte offset.
[[nodiscard]] JournalEnd scan_journal_file(File& file, const std::string& path, const Limits& limits);

}  // namespace daybook
