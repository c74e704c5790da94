// The data read by other means than Daybook's own, so that both can be compared: lines by zlib alone, JSON without its
// white space by counting quotes.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <daybook/event/event.hpp>
#include <daybook/interchange/importer.hpp>
#include <daybook/store/event_store.hpp>
#include <daybook/testkit/temp_directory.hpp>

namespace daybook {

/// Lines of a plain or gzip file.
[[nodiscard]] std::vector<std::string> source_lines(const std::filesystem::path& path);
/// `json` without white space outside of strings.
[[nodiscard]] std::string without_white_space(std::string_view json);
/// The text behind `"key":` at its first occurrence, up to the next comma or closing bracket, without quotes.
[[nodiscard]] std::string value_after(std::string_view json, std::string_view key);

[[nodiscard]] EventStore new_store(const std::filesystem::path& path);
[[nodiscard]] FieldSource field(std::string_view text);
/// All events in the order of seq.
void each_event(const EventStore& store, const std::function<void(const EventView&)>& see);

/// The football matches, imported once a process: times from kick-off, period and second; each stream is a match.
struct Football {
    testkit::TempDirectory directory{};
    std::vector<std::string> lines;  ///< of the source
    std::filesystem::path prepared;  ///< the file that was imported: {"at":ns,"event":line}
    std::vector<Timestamp> times;    ///< of each line
    EventStore store;
    ImportSummary summary;

    explicit Football(const std::filesystem::path& folder);
    [[nodiscard]] static Mapping mapping();
    [[nodiscard]] static Football& in(const std::filesystem::path& folder);
};

/// Both files of the workflow histories, line by line.
[[nodiscard]] std::vector<std::string> temporal_lines(const std::filesystem::path& folder);

}  // namespace daybook
