#include <daybook/event/json_text.hpp>

#include <cstdint>
#include <cstring>

#include "event/hex.hpp"
#include "event/json_scan.hpp"
#include "event/utf8.hpp"

namespace daybook {

std::string minify_json(std::string_view text, const Limits& limits, std::string_view what) {
    std::string minified;
    minified.reserve(text.size());
    check_json(text, {.bytes_max = limits.payload_bytes_max, .nesting_max = limits.nesting_max, .what = what},
               &minified);
    return minified;
}

std::string quote_json(std::string_view text) {
    std::string out;
    out.reserve(text.size() + 2);
    append_quoted_json(out, text);
    return out;
}

void append_quoted_json(std::string& out, std::string_view text) {
    const auto escape = [&out](unsigned code) {
        out += "\\u00";
        out += hex_digits[code >> 4];
        out += hex_digits[code & 15];
    };
    out += '"';
    std::size_t kept = 0;  // what begins here is not yet in `out`
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        // U+0080 .. U+009F are C2 80 .. C2 9F.
        const bool c1 = byte == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0;
        if (byte >= 0x20 && byte != '"' && byte != '\\' && byte != 0x7f && !c1) continue;
        out.append(text, kept, i - kept);
        switch (byte) {
            case '"':
                out += "\\\"";
                break;
            case '\\':
                out += "\\\\";
                break;
            case '\b':
                out += "\\b";
                break;
            case '\f':
                out += "\\f";
                break;
            case '\n':
                out += "\\n";
                break;
            case '\r':
                out += "\\r";
                break;
            case '\t':
                out += "\\t";
                break;
            default:
                if (c1) ++i;
                escape(static_cast<unsigned char>(text[i]));
                break;
        }
        kept = i + 1;
    }
    out.append(text, kept);
    out += '"';
}

std::size_t find_invalid_utf8(std::string_view text) noexcept {
    const char* at = text.data();
    const char* const end = at + text.size();
    while (at != end) {
        std::uint64_t word = 0;
        while (end - at >= 8 && (std::memcpy(&word, at, 8), (word & 0x8080808080808080) == 0)) at += 8;
        if (at == end) break;
        const std::size_t bytes = utf8_sequence_bytes(at, end);
        if (bytes == 0) return static_cast<std::size_t>(at - text.data());
        at += bytes;
    }
    return std::string_view::npos;
}

std::string replace_invalid_utf8(std::string_view text) {
    std::string out;
    for (;;) {
        const std::size_t bad = find_invalid_utf8(text);
        out += text.substr(0, bad);
        if (bad == std::string_view::npos) return out;
        out += "\xef\xbf\xbd";
        text.remove_prefix(bad + 1);
    }
}

}  // namespace daybook
