// Bytes as lower-case hexadecimal digits and back.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace daybook {

inline constexpr std::string_view hex_digits = "0123456789abcdef";

/// 0..15, or -1 for anything that is not a hexadecimal digit of either case.
[[nodiscard]] constexpr int hex_value(char digit) noexcept {
    if (digit >= '0' && digit <= '9') return digit - '0';
    if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
    return -1;
}

inline void append_hex(std::string& out, std::span<const std::byte> bytes) {
    for (const std::byte byte : bytes) {
        out += hex_digits[std::to_integer<std::size_t>(byte >> 4)];
        out += hex_digits[std::to_integer<std::size_t>(byte & std::byte{15})];
    }
}

/// Reads exactly `bytes.size()` bytes; false when `hex` is not that.
[[nodiscard]] inline bool read_hex(std::string_view hex, std::span<std::byte> bytes) noexcept {
    if (hex.size() != 2 * bytes.size()) return false;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const int high = hex_value(hex[2 * i]);
        const int low = hex_value(hex[2 * i + 1]);
        if (high < 0 || low < 0) return false;
        bytes[i] = static_cast<std::byte>(high * 16 + low);
    }
    return true;
}

}  // namespace daybook
