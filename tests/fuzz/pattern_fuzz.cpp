// Type patterns: TypePattern against a matcher that walks pattern and type side by side and keeps nothing.
//
// Input: a pattern, a newline, a type.
#include <string>
#include <vector>

#include <daybook/event/type_pattern.hpp>

#include "fuzz/fuzz.hpp"

namespace daybook::fuzz {
namespace {

bool is_separator(char c) {
    return c == ':' || c == '.';
}

// The grammar, said once more: raw segments, each a word without '*', or '*', or a last '**'.
bool is_pattern(std::string_view text) {
    if (text.empty() || find_invalid_utf8(text) != std::string_view::npos) return false;
    for (std::size_t begin = 0;;) {
        std::size_t end = begin;
        bool star = false;
        while (end < text.size() && !is_separator(text[end])) {
            if (text[end] == '\\') {
                if (end + 1 == text.size() || (text[end + 1] != '*' && text[end + 1] != '\\')) return false;
                ++end;
            } else if (text[end] == '*') {
                star = true;
            }
            ++end;
        }
        const std::string_view segment = text.substr(begin, end - begin);
        const bool last = end == text.size();
        if (star && segment != "*" && (segment != "**" || !last)) return false;
        if (last) return true;
        begin = end + 1;
    }
}

bool matches_rest(std::string_view pattern, std::string_view type) {
    if (pattern == "**") return true;
    if (pattern.starts_with('*')) {
        pattern.remove_prefix(1);
        while (!type.empty() && !is_separator(type.front())) type.remove_prefix(1);
    } else {
        while (!pattern.empty() && !is_separator(pattern.front())) {
            if (pattern.front() == '\\') pattern.remove_prefix(1);
            if (type.empty() || type.front() != pattern.front()) return false;
            pattern.remove_prefix(1);
            type.remove_prefix(1);
        }
    }
    if (pattern.empty() || type.empty()) return pattern.empty() && type.empty();
    if (pattern.front() != type.front()) return false;
    return matches_rest(pattern.substr(1), type.substr(1));
}

bool matches(std::string_view pattern, std::string_view type) {
    return pattern == "*" || matches_rest(pattern, type);
}

std::string quoted(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
    return out + "\"";
}

void require_list(std::string_view text) {
    const Outcome list{[&] { return parse_pattern_list(text); }};
    if (!list) return require(list.refused_as(ErrorCode::invalid_pattern), "a list is refused as a pattern");
    require(!list->empty(), "a list has a pattern");
    std::string again;
    for (const TypePattern& pattern : *list) {
        if (!again.empty()) again += " ,\t";
        again += quoted(pattern.text());
    }
    require(parse_pattern_list(again) == *list, "a list written with quotes is read back");
}

}  // namespace

void pattern(std::string_view input) {
    Bytes bytes(input);
    const std::string_view text = bytes.until('\n');
    const std::string_view type = bytes.rest();
    const Outcome read{[&] { return TypePattern(text); }};
    require(read.ok() == is_pattern(text), fmt::format("the grammar's verdict on the pattern, {}", read.refusal()));
    if (text.find_first_of(",\" ") != std::string_view::npos) require_list(text);
    if (!read) return require(read.refused_as(ErrorCode::invalid_pattern), "a pattern is refused as that");

    require_equal(read->text(), text, "a pattern keeps its text");
    require(read->matches(type) == matches(text, type), "the reference matcher agrees");
    require(!read->matches_all() || read->matches(type), "what matches all matches this");
    if (read->is_literal()) {
        require(read->matches(read->literal()), "a literal matches itself");
        require(read->matches(type) == (type == read->literal()), "a literal matches nothing else");
    }
    const std::vector<TypePattern> list = parse_pattern_list(quoted(text));
    require(list.size() == 1 && list.front() == *read, "a quoted pattern is a list of one");
}

}  // namespace daybook::fuzz
