// What the tests of this floor share: files, compressed text, the error that a call throws.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <daybook/event/error.hpp>
#include <daybook/event/event.hpp>
#include <daybook/event/event_result.hpp>
#include <daybook/store/event_store.hpp>

namespace daybook {

void write_file(const std::filesystem::path& path, std::string_view bytes);
[[nodiscard]] std::string read_file(const std::filesystem::path& path);
[[nodiscard]] std::vector<std::string> split_lines(const std::string& text);
[[nodiscard]] std::string gzipped(std::string_view text);
[[nodiscard]] std::string zstd_compressed(std::string_view text);
/// Reads a .gz, .zst or plain file to its end.
[[nodiscard]] std::string unpacked(const std::filesystem::path& path);

/// Runs `call`, which must throw an Error, and returns it.
[[nodiscard]] Error error_of(const std::function<void()>& call);

[[nodiscard]] EventStore new_store(const std::filesystem::path& path);
[[nodiscard]] std::vector<Event> events_of(const EventStore& store);
[[nodiscard]] std::vector<EventResult> results_of(const EventStore& store);
/// As an export and an import into another file must leave them: without recorded_at and digest.
[[nodiscard]] std::vector<Event> without_commit(std::vector<Event> events);

}  // namespace daybook
