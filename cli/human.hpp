// Numbers as people read them: 101,759 · 26.6 MiB · 1 min 12 s.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace daybook::cli {

/// `101,759`.
[[nodiscard]] std::string human_count(std::uint64_t count);
/// `26.6 MiB`; below 1 KiB `812 bytes`.
[[nodiscard]] std::string human_bytes(std::uint64_t bytes);
/// `0.42 s`, `12 s`, `3 min 05 s`, `2 h 07 min`, `3 d 04 h`.
[[nodiscard]] std::string human_duration(std::chrono::nanoseconds duration);
/// `1 event`, `2 events`.
[[nodiscard]] std::string human_noun(std::uint64_t count, const std::string& noun);

}  // namespace daybook::cli
