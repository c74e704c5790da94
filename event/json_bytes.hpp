// Bytes of JSON text: what the checker and the walk both look for.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

#include "event/hex.hpp"

namespace daybook {

[[nodiscard]] constexpr bool is_space(char c) {
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}
[[nodiscard]] constexpr bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

// First byte from `at` that is not plain string text: a quote, a backslash, a control character, or not
// ASCII.
[[nodiscard]] inline const char* skip_plain(const char* at, const char* end) noexcept {
    constexpr std::uint64_t ones = 0x0101010101010101;
    constexpr std::uint64_t highs = 0x8080808080808080;
    if constexpr (std::endian::native == std::endian::little) {
        while (end - at >= 8) {
            std::uint64_t word = 0;
            std::memcpy(&word, at, 8);
            const std::uint64_t quote = word ^ (ones * '"');
            const std::uint64_t backslash = word ^ (ones * '\\');
            // In each term the lowest marked byte is exact; a borrow can only mark bytes above it.
            const std::uint64_t found = (((quote - ones) & ~quote) | ((backslash - ones) & ~backslash) |
                                         ((word - ones * 0x20) & ~word) | word) &
                                        highs;
            if (found != 0) return at + std::countr_zero(found) / 8;
            at += 8;
        }
    }
    while (at != end) {
        const auto byte = static_cast<unsigned char>(*at);
        if (byte == '"' || byte == '\\' || byte < 0x20 || byte >= 0x80) break;
        ++at;
    }
    return at;
}

// Four hexadecimal digits, or -1.
[[nodiscard]] inline int code_unit(const char* at, const char* end) noexcept {
    if (end - at < 4) return -1;
    int value = 0;
    for (int i = 0; i < 4; ++i) {
        const int digit = hex_value(at[i]);
        if (digit < 0) return -1;
        value = value * 16 + digit;
    }
    return value;
}

}  // namespace daybook
