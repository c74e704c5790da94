// Reads a JSONL journal with its rotated parts, and compares it with the log that it was written from.
//
// The line's codec is event/journal_record.hpp; the writer is middleware's journal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <daybook/event/journal_record.hpp>
#include <daybook/store/event_reader.hpp>
#include <daybook/store/verify.hpp>

namespace daybook {

/// The files of the journal at `path`, oldest first, `path` itself last. Parts set aside as diverged are not
/// among them. Throws Error: no_such_file - none of them is there.
[[nodiscard]] std::vector<std::filesystem::path> journal_parts(const std::filesystem::path& path);

/// Thread-safety: one thread at a time.
class JournalReader {
  public:
    /// Throws Error: no_such_file, permission_denied, io_error.
    [[nodiscard]] static JournalReader open(const std::filesystem::path& path, Limits limits = {});
    JournalReader(JournalReader&&) noexcept;
    JournalReader& operator=(JournalReader&&) noexcept;
    ~JournalReader();

    /// The next record, headers of parts included, or null at the end. Lives until the next call.
    /// Throws Error: invalid_line - damage that is not a torn tail, naming file and line. The next call goes
    /// on behind it.
    [[nodiscard]] const JournalRecord* next();
    /// What was found at the end instead of a whole line; empty when the journal ends well.
    [[nodiscard]] const std::string& torn_tail() const noexcept;
    /// File and line of the last record, `journal.jsonl:17`.
    [[nodiscard]] std::string where() const;

  private:
    struct Impl;
    explicit JournalReader(std::unique_ptr<Impl> impl) noexcept;
    std::unique_ptr<Impl> impl_;
};

struct JournalComparison {
    std::uint64_t events = 0;   ///< event records read
    std::uint64_t results = 0;  ///< result records read
    /// journal_other_store · journal_ahead (the log ends before it) · journal_digest (header or record of
    /// another history) · journal_differs (a record's fields are not the log's) · journal_gap (records are
    /// missing in it) · journal_order (a result does not stand behind the last event that its commit saw) ·
    /// journal_damaged · journal_no_header
    std::vector<VerifyProblem> problems;
    std::uint64_t problems_total = 0;
    /// No problems, but worth saying: a torn tail, a journal that lags behind the log.
    std::vector<std::string> notes;
    [[nodiscard]] bool ok() const noexcept { return problems_total == 0; }
};

struct CompareOptions {
    std::size_t problems_max = 100;  ///< after so many, the rest is counted only. Default: 100
    Limits limits{};
    std::function<void(std::uint64_t records)> progress{};
};

/// Reads the whole journal at `path` beside the log: the same events and results, in the same order, of the
/// same history. Throws Error: no_such_file; io_error; corrupt - the log cannot be read.
[[nodiscard]] JournalComparison compare_journal(const EventReader& log, const std::filesystem::path& path,
                                                CompareOptions options = {});

}  // namespace daybook
