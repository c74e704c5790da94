#include "event/json_walk.hpp"

#include <cstdint>

#include "event/json_bytes.hpp"

namespace daybook {
namespace {

char* put_utf8(char* to, std::uint32_t code) noexcept {
    const auto put = [&to](std::uint32_t byte) { *to++ = static_cast<char>(byte); };
    if (code < 0x80) {
        put(code);
    } else if (code < 0x800) {
        put(0xc0 | code >> 6);
        put(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        put(0xe0 | code >> 12);
        put(0x80 | (code >> 6 & 0x3f));
        put(0x80 | (code & 0x3f));
    } else {
        put(0xf0 | code >> 18);
        put(0x80 | (code >> 12 & 0x3f));
        put(0x80 | (code >> 6 & 0x3f));
        put(0x80 | (code & 0x3f));
    }
    return to;
}

}  // namespace

char* unescape_json_into(char* to, std::string_view inner) noexcept {
    const char* at = inner.data();
    const char* const end = at + inner.size();
    while (at != end) {
        if (*at != '\\') {
            *to++ = *at++;
            continue;
        }
        const char kind = at[1];
        at += 2;
        switch (kind) {
            case 'b':
                *to++ = '\b';
                break;
            case 'f':
                *to++ = '\f';
                break;
            case 'n':
                *to++ = '\n';
                break;
            case 'r':
                *to++ = '\r';
                break;
            case 't':
                *to++ = '\t';
                break;
            case 'u': {
                auto code = static_cast<std::uint32_t>(code_unit(at, end));
                at += 4;
                if (code >= 0xd800 && code < 0xdc00 && end - at >= 6 && at[0] == '\\' && at[1] == 'u') {
                    const auto low = static_cast<std::uint32_t>(code_unit(at + 2, end));
                    if (low >= 0xdc00 && low < 0xe000) {
                        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
                        at += 6;
                    }
                }
                to = put_utf8(to, code);
                break;
            }
            default:
                *to++ = kind;
                break;
        }
    }
    return to;
}

std::string unescape_json(std::string_view quoted) {
    const std::string_view inner = quoted.substr(1, quoted.size() - 2);
    std::string text(inner);
    if (inner.find('\\') == std::string_view::npos) return text;
    char* const end = unescape_json_into(text.data(), inner);
    text.resize(static_cast<std::size_t>(end - text.data()));
    return text;
}

std::string_view unescape_json(std::string_view quoted, std::string& storage) {
    if (quoted.find('\\') == std::string_view::npos) return quoted.substr(1, quoted.size() - 2);
    storage = unescape_json(quoted);
    return storage;
}

JsonKind json_kind(std::string_view value) noexcept {
    switch (value.front()) {
        case 'n':
            return JsonKind::null;
        case 't':
        case 'f':
            return JsonKind::boolean;
        case '"':
            return JsonKind::string;
        case '[':
            return JsonKind::array;
        case '{':
            return JsonKind::object;
        default:
            return JsonKind::number;
    }
}

JsonWalk::JsonWalk(std::string_view text, std::size_t offset) noexcept
    : text_(text), offset_(offset), object_(text.front() == '{') {}

void JsonWalk::skip_space() noexcept {
    while (is_space(text_[at_])) ++at_;
}

std::string_view JsonWalk::take_value() noexcept {
    const std::size_t start = at_;
    std::size_t depth = 0;
    do {
        const char c = text_[at_];
        if (c == '"') {
            const char* at = text_.data() + at_ + 1;
            const char* const end = text_.data() + text_.size();
            for (;;) {
                at = skip_plain(at, end);
                if (*at == '"') break;
                at += *at == '\\' ? 2 : 1;
            }
            at_ = static_cast<std::size_t>(at - text_.data()) + 1;
        } else if (c == '{' || c == '[') {
            ++depth;
            ++at_;
        } else if (c == '}' || c == ']') {
            --depth;
            ++at_;
        } else if (depth > 0) {
            ++at_;
        } else {
            while (text_[at_] != ',' && text_[at_] != '}' && text_[at_] != ']' && !is_space(text_[at_])) ++at_;
        }
    } while (depth > 0);
    return text_.substr(start, at_ - start);
}

std::optional<JsonWalk::Item> JsonWalk::next() noexcept {
    skip_space();
    if (text_[at_] == ',') {
        ++at_;
        skip_space();
    }
    if (text_[at_] == '}' || text_[at_] == ']') return std::nullopt;
    Item item;
    if (object_) {
        item.quoted_key = take_value();
        skip_space();
        ++at_;  // ':'
        skip_space();
    }
    item.offset = offset_ + at_;
    item.value = take_value();
    return item;
}

}  // namespace daybook
