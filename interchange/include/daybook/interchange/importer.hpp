// Import: JSON Lines into a store, Daybook's own or anybody's, so that running it again adds nothing twice.
//
// Lines come from line_source.hpp, foreign ones go through mapping.hpp, journals through journal_reader.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <daybook/event/position.hpp>
#include <daybook/event/uuid.hpp>
#include <daybook/interchange/line_source.hpp>
#include <daybook/interchange/mapping.hpp>
#include <daybook/store/event_store.hpp>

namespace daybook {

enum class ImportFormat : std::uint8_t {
    automatic,  ///< any mapping: json; else the first line decides
    daybook,    ///< lines that export, tail and the journal write: ids, times, nulls, tags and results are kept
    json,       ///< anybody's lines, by ImportOptions::mapping
};

enum class OnBadLine : std::uint8_t {
    stop,  ///< the batch that holds the bad line is not written, earlier ones stay; an Error names the line
    skip,  ///< bad lines, guards' refusals and id conflicts are reported to `on_skipped` and left out
};

struct ImportSummary {
    std::uint64_t read = 0;               ///< lines read that are not blank, without journal headers and results
    std::uint64_t appended = 0;           ///< events
    std::uint64_t already_there = 0;      ///< events that were in the log with the same content
    std::uint64_t skipped = 0;            ///< bad lines left out (OnBadLine::skip)
    std::uint64_t without_time = 0;       ///< events that took the time of their commit
    std::uint64_t without_id = 0;         ///< events whose id was derived from name, line number and line
    std::uint64_t results = 0;            ///< result rows read (daybook lines only)
    std::optional<Sequence> first_seq{};  ///< of the events that this run appended; empty when none
    std::optional<Sequence> last_seq{};
    bool operator==(const ImportSummary&) const = default;
};

/// `{"read":…,"appended":…,"already_there":…,"skipped":…,"without_time":…,"without_id":…,"first_seq":…,"last_seq":…}`;
/// seqs are null when nothing was appended, and `"results":n` is added when there were result lines.
[[nodiscard]] std::string to_json(const ImportSummary& summary);

struct ImportProgress {
    std::uint64_t lines = 0;  ///< the last line read
    std::uint64_t bytes = 0;  ///< of the file, as LineSource::bytes_read()
    std::optional<std::uint64_t> bytes_total{};
    const ImportSummary& summary;  ///< so far; all of it is durable
};

struct ImportOptions {
    ImportFormat format = ImportFormat::automatic;  ///< Default: automatic.
    Mapping mapping{};
    /// Names the input in derived ids; needed for streams when the mapping has no id. At most 255 bytes.
    /// Default: the file's base name without `.gz` and `.zst`.
    std::string name{};
    OnBadLine on_bad_line = OnBadLine::stop;  ///< Default: stop.
    /// Longest line; the same as LineSourceOptions. Default: 16 MiB.
    std::size_t line_bytes_max = std::size_t{16} << 20;
    /// Called after each batch is durable, on the calling thread. May throw to stop; what was committed
    /// stays.
    std::function<void(const ImportProgress&)> progress{};
    /// Asked before each batch and now and then between; true ends the import with Error cancelled.
    std::function<bool()> cancelled{};
    /// Told of each line that was skipped: one line of text, naming file and line.
    std::function<void(std::string_view message)> on_skipped{};
    /// Told what is worth knowing and no error: a journal's torn tail.
    std::function<void(std::string_view message)> on_note{};
};

/// Namespace of derived ids. An event without an id gets
/// UUIDv5(import_namespace, import name + "\n" + line number in decimal + "\n" + the line's bytes without its
/// end).
inline constexpr std::string_view import_namespace = "52946f7a-0267-4503-8687-bdc7917309cc";

/// The id that an import gives to a line without one. Source: docs/importing.md
[[nodiscard]] std::string derived_event_id(std::string_view import_name, std::uint64_t line_number,
                                           std::string_view line);

/// The default import name: the base name of `path` without `.gz` or `.zst`.
[[nodiscard]] std::string import_name_of(const std::filesystem::path& path);

/// Reads all of `source` into `store` in batches of at most batch_events_max events and batch_bytes_max
/// bytes.
///
/// Thread-safety: safe from any thread, one source each. Other appends may run beside it.
/// Repeatable:   an event that is in the log is passed over, so an interrupted import is finished by running
/// it again. Blocks:       for each batch's commit. Throws Error: every message about input names the source
/// and the line, and the last line committed.
///               unknown_format - the format cannot be told from the first line: name it, or give a mapping.
///               invalid_argument - the options; name_taken - the import name was used for another file.
///               idempotency_conflict - an id is in the log with other content.
///               cancelled; and everything that LineSource, LineMapper and EventStore::append throw.
ImportSummary import_events(EventStore& store, LineSource& source, ImportOptions options = {});

/// Opens `path` and imports it. A journal's rotated parts are read before it, oldest first.
ImportSummary import_file(EventStore& store, const std::filesystem::path& path, ImportOptions options = {});

}  // namespace daybook
