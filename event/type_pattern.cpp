#include <daybook/event/type_pattern.hpp>

#include <fmt/format.h>

#include <utility>

#include <daybook/event/error.hpp>
#include <daybook/event/json_text.hpp>

namespace daybook {
namespace {

constexpr bool is_separator(char c) {
    return c == ':' || c == '.';
}

[[noreturn]] void refuse(std::string_view text, std::size_t byte, std::string_view reason) {
    throw Error(ErrorCode::invalid_pattern,
                fmt::format("read pattern {}: {} at column {}; a '*' stands for one whole segment (player:*), a final "
                            "'**' for the rest (phase.**), and \\* is a literal asterisk",
                            quote_json(replace_invalid_utf8(text.substr(0, 256))), reason, byte + 1));
}

std::string without_code(const Error& error) {
    const std::string message = error.what();
    return message.substr(0, message.rfind(" ["));
}

}  // namespace

TypePattern::TypePattern(std::string_view text) : text_(text) {
    if (text.empty()) refuse(text, 0, "it is empty");
    if (const std::size_t byte = find_invalid_utf8(text); byte != std::string_view::npos) {
        refuse(text, byte, "not UTF-8");
    }
    literal_ = true;
    char separator = '\0';
    for (std::size_t at = 0;; ++at) {
        Segment segment;
        segment.separator = separator;
        const std::size_t start = at;
        std::size_t stars = 0;
        for (; at < text.size() && !is_separator(text[at]); ++at) {
            if (text[at] == '*') {
                ++stars;
            } else if (text[at] == '\\') {
                ++at;
                if (at == text.size() || (text[at] != '*' && text[at] != '\\')) {
                    refuse(text, at - 1, "after a backslash only '*' or another backslash has a meaning");
                }
                segment.text += text[at];
            } else {
                segment.text += text[at];
            }
            if (stars > 0 && !segment.text.empty()) refuse(text, start, "a '*' inside a word");
        }
        if (stars > 2) refuse(text, start, "more than two asterisks");
        if (stars == 2 && at != text.size()) refuse(text, start, "a '**' that is not the last segment");
        segment.any = stars > 0;
        rest_ = stars == 2;
        if (segment.any) literal_ = false;
        if (separator != '\0') literal_text_ += separator;
        literal_text_ += segment.text;
        segments_.push_back(std::move(segment));
        if (at == text.size()) break;
        separator = text[at];
    }
    all_ = segments_.size() == 1 && segments_.front().any;
    if (!literal_) literal_text_.clear();
}

bool TypePattern::matches(std::string_view type) const noexcept {
    if (all_) return true;
    if (literal_) return type == literal_text_;
    std::size_t at = 0;
    for (std::size_t i = 0; i < segments_.size(); ++i) {
        const Segment& segment = segments_[i];
        if (i > 0) {
            if (at == type.size() || type[at] != segment.separator) return false;
            ++at;
        }
        if (rest_ && i + 1 == segments_.size()) return true;
        const std::size_t start = at;
        while (at < type.size() && !is_separator(type[at])) ++at;
        if (!segment.any && type.substr(start, at - start) != segment.text) return false;
    }
    return at == type.size();
}

std::vector<TypePattern> parse_pattern_list(std::string_view text) {
    const auto fail = [text](std::size_t at, std::string_view reason) {
        throw Error(ErrorCode::invalid_pattern,
                    fmt::format("read pattern list {}: {} at column {}; expected patterns separated by commas, such as "
                                "Shot, \"Free Kick\"",
                                quote_json(replace_invalid_utf8(text.substr(0, 256))), reason, at + 1));
    };
    const auto is_blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
    std::size_t at = 0;
    const auto skip_blanks = [&] {
        while (at < text.size() && is_blank(text[at])) ++at;
    };

    std::vector<TypePattern> patterns;
    for (;;) {
        skip_blanks();
        const std::size_t start = at;
        std::string pattern;
        if (at < text.size() && text[at] == '"') {
            for (++at;; ++at) {
                if (at == text.size()) fail(start, "a double quote is not closed");
                if (text[at] == '"') {
                    if (at + 1 == text.size() || text[at + 1] != '"') break;
                    ++at;
                }
                pattern += text[at];
            }
            ++at;
        } else {
            while (at < text.size() && text[at] != ',' && !is_blank(text[at])) {
                if (text[at] == '"') fail(at, "a double quote inside a pattern that does not begin with one");
                pattern += text[at++];
            }
        }
        if (pattern.empty()) fail(start, "a pattern is missing");
        try {
            patterns.emplace_back(pattern);
        } catch (const Error& error) {
            fail(start, fmt::format("a pattern that is refused ({})", without_code(error)));
        }
        skip_blanks();
        if (at == text.size()) return patterns;
        if (text[at] != ',') fail(at, "a comma is missing, or quotes around a pattern with a space,");
        ++at;
    }
}

}  // namespace daybook
