// Escaping and measuring of UTF-8 text, one code point at a time.
#include "cli/escape.hpp"

#include <fmt/format.h>

#include <array>

namespace daybook::cli {
namespace {

constexpr char32_t bad_byte = 0xFFFFFFFF;

struct CodePoint {
    char32_t value = bad_byte;
    std::size_t bytes = 1;
};

CodePoint decode(std::string_view text, std::size_t at) noexcept {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char first = byte(at);
    if (first < 0x80) return {first, 1};
    std::size_t length = 0;
    char32_t value = 0;
    char32_t smallest = 0;
    if ((first & 0xE0) == 0xC0) {
        length = 2, value = first & 0x1F, smallest = 0x80;
    } else if ((first & 0xF0) == 0xE0) {
        length = 3, value = first & 0x0F, smallest = 0x800;
    } else if ((first & 0xF8) == 0xF0) {
        length = 4, value = first & 0x07, smallest = 0x10000;
    } else {
        return {};
    }
    if (at + length > text.size()) return {};
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(at + i) & 0xC0) != 0x80) return {};
        value = (value << 6) | (byte(at + i) & 0x3Fu);
    }
    if (value < smallest || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) return {};
    return {value, length};
}

bool is_dangerous(char32_t value) noexcept {
    return value < 0x20 || (value >= 0x7F && value <= 0x9F) || value == 0x061C || value == 0x200E || value == 0x200F ||
           (value >= 0x2028 && value <= 0x202E) || (value >= 0x2066 && value <= 0x2069);
}

std::string escape(std::string_view text, bool newline_too) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        const CodePoint point = decode(text, at);
        if (point.value == bad_byte) {
            out += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[at]));
        } else if (point.value == '\n') {
            out += newline_too ? "\\n" : "\n";
        } else if (is_dangerous(point.value)) {
            out += fmt::format("\\u{:04x}", static_cast<std::uint32_t>(point.value));
        } else {
            out.append(text.substr(at, point.bytes));
        }
        at += point.bytes;
    }
    return out;
}

struct Range {
    char32_t first;
    char32_t last;
};

constexpr std::array<Range, 13> wide_ranges{{{0x1100, 0x115F},
                                             {0x2E80, 0x303E},
                                             {0x3041, 0x33FF},
                                             {0x3400, 0x4DBF},
                                             {0x4E00, 0x9FFF},
                                             {0xA000, 0xA4CF},
                                             {0xAC00, 0xD7A3},
                                             {0xF900, 0xFAFF},
                                             {0xFE30, 0xFE6F},
                                             {0xFF00, 0xFF60},
                                             {0xFFE0, 0xFFE6},
                                             {0x1F300, 0x1FAFF},
                                             {0x20000, 0x3FFFD}}};
constexpr std::array<Range, 6> empty_ranges{
    {{0x0300, 0x036F}, {0x200B, 0x200F}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F}, {0xE0100, 0xE01EF}}};

template <std::size_t N>
bool within(const std::array<Range, N>& ranges, char32_t value) noexcept {
    for (const Range& range : ranges)
        if (value >= range.first && value <= range.last) return true;
    return false;
}

}  // namespace

std::string escape_for_terminal(std::string_view text) {
    return escape(text, false);
}

std::string escape_cell(std::string_view text) {
    return escape(text, true);
}

std::string valid_utf8(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        const CodePoint point = decode(text, at);
        if (point.value == bad_byte)
            out += "\xEF\xBF\xBD";
        else
            out.append(text.substr(at, point.bytes));
        at += point.bytes;
    }
    return out;
}

std::size_t display_width(std::string_view text) noexcept {
    std::size_t width = 0;
    for (std::size_t at = 0; at < text.size();) {
        const CodePoint point = decode(text, at);
        if (within(wide_ranges, point.value))
            width += 2;
        else if (!within(empty_ranges, point.value))
            width += 1;
        at += point.bytes;
    }
    return width;
}

}  // namespace daybook::cli
