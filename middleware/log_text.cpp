// See the header.
#include "middleware/log_text.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <iterator>

namespace daybook {

namespace {

struct Decoded {
    char32_t code_point = 0;
    std::size_t bytes = 0;  // 0: not UTF-8
};

// RFC 3629: no overlong forms, no surrogates, nothing beyond U+10FFFF.
Decoded decode(std::string_view text) noexcept {
    const auto byte = [&](std::size_t index) { return static_cast<unsigned char>(text[index]); };
    const unsigned char lead = byte(0);
    if (lead < 0x80) return {lead, 1};
    std::size_t length = 0;
    char32_t value = 0;
    if (lead >= 0xc2 && lead <= 0xdf) {
        length = 2;
        value = lead & 0x1fU;
    } else if ((lead & 0xf0U) == 0xe0) {
        length = 3;
        value = lead & 0x0fU;
    } else if (lead >= 0xf0 && lead <= 0xf4) {
        length = 4;
        value = lead & 0x07U;
    } else {
        return {};
    }
    if (text.size() < length) return {};
    for (std::size_t index = 1; index < length; ++index) {
        if ((byte(index) & 0xc0U) != 0x80) return {};
        value = (value << 6U) | (byte(index) & 0x3fU);
    }
    if (length == 3 && (value < 0x800 || (value >= 0xd800 && value <= 0xdfff))) return {};
    if (length == 4 && (value < 0x10000 || value > 0x10ffff)) return {};
    return {value, length};
}

bool is_dangerous(char32_t c) noexcept {
    return c < 0x20 || (c >= 0x7f && c <= 0x9f)       // C0, DEL, C1
           || c == 0xad || c == 0x61c || c == 0x180e  // soft hyphen, Arabic letter mark, Mongolian vowel separator
           || (c >= 0x200b && c <= 0x200f)            // zero width, direction marks
           || (c >= 0x2028 && c <= 0x202e)            // line and paragraph separators, embeddings, overrides
           || (c >= 0x2060 && c <= 0x206f)            // invisible operators, isolates
           || c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb) || (c >= 0xe0000 && c <= 0xe007f);
}

bool is_plain(std::string_view value) noexcept {
    if (value.empty()) return false;
    for (std::size_t index = 0; index < value.size();) {
        const Decoded decoded = decode(value.substr(index));
        const char32_t c = decoded.code_point;
        if (decoded.bytes == 0 || is_dangerous(c) || c == U' ' || c == U'"' || c == U'\\' || c == U'=' || c == 0xa0)
            return false;
        index += decoded.bytes;
    }
    return true;
}

void append_escaped_except_quotes(std::string& out, std::string_view text, bool escape_quotes) {
    for (std::size_t index = 0; index < text.size();) {
        const Decoded decoded = decode(text.substr(index));
        if (decoded.bytes == 0) {
            fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<unsigned char>(text[index]));
            ++index;
            continue;
        }
        const char32_t c = decoded.code_point;
        if (c == U'\n') {
            out += "\\n";
        } else if (c == U'\r') {
            out += "\\r";
        } else if (c == U'\t') {
            out += "\\t";
        } else if (c == U'\\') {
            out += "\\\\";
        } else if (c == U'"' && escape_quotes) {
            out += "\\\"";
        } else if (is_dangerous(c)) {
            fmt::format_to(std::back_inserter(out), "\\u{{{:x}}}", static_cast<std::uint32_t>(c));
        } else {
            out.append(text.substr(index, decoded.bytes));
        }
        index += decoded.bytes;
    }
}

}  // namespace

void append_escaped(std::string& out, std::string_view text) {
    append_escaped_except_quotes(out, text, false);
}

void append_field(std::string& out, std::string_view key, std::string_view value) {
    out += ' ';
    out += key;
    out += '=';
    if (is_plain(value)) {
        out += value;
        return;
    }
    out += '"';
    append_escaped_except_quotes(out, value, true);
    out += '"';
}

std::string_view utf8_prefix(std::string_view text, std::size_t bytes_max) noexcept {
    if (text.size() <= bytes_max) return text;
    std::size_t end = bytes_max;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80) --end;
    return text.substr(0, end);
}

}  // namespace daybook
