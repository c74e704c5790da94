// UTF-8 as RFC 3629 has it, one sequence at a time.
#pragma once

#include <cstddef>

namespace daybook {

/// Bytes of the sequence that begins at `at` (1 to 4), or 0 when it is not UTF-8. `at` < `end`.
[[nodiscard]] inline std::size_t utf8_sequence_bytes(const char* at, const char* end) noexcept {
    const auto byte = [at](std::size_t i) { return static_cast<unsigned char>(at[i]); };
    const auto is_tail = [&byte](std::size_t i) { return (byte(i) & 0xc0) == 0x80; };
    const auto left = static_cast<std::size_t>(end - at);
    const unsigned char first = byte(0);
    if (first < 0x80) return 1;
    if (first < 0xc2) return 0;
    if (first < 0xe0) return left >= 2 && is_tail(1) ? 2 : 0;
    if (first < 0xf0) {
        if (left < 3 || !is_tail(1) || !is_tail(2)) return 0;
        if (first == 0xe0 && byte(1) < 0xa0) return 0;  // overlong
        if (first == 0xed && byte(1) > 0x9f) return 0;  // surrogate
        return 3;
    }
    if (first > 0xf4 || left < 4 || !is_tail(1) || !is_tail(2) || !is_tail(3)) return 0;
    if (first == 0xf0 && byte(1) < 0x90) return 0;  // overlong
    if (first == 0xf4 && byte(1) > 0x8f) return 0;  // beyond U+10FFFF
    return 4;
}

}  // namespace daybook
