// One walk down the pointers' own tree: what no pointer asks for is skipped by counting brackets.
#include "interchange/json_spans.hpp"

#include <algorithm>

namespace daybook::interchange {
namespace {

std::size_t skip_string(std::string_view json, std::size_t at) noexcept {
    for (++at; at < json.size(); ++at) {
        if (json[at] == '\\') {
            ++at;
        } else if (json[at] == '"') {
            return at + 1;
        }
    }
    return json.size();
}

std::optional<std::uint64_t> array_index(std::string_view token) {
    if (token.empty() || token.size() > 18 || (token.size() > 1 && token[0] == '0')) return std::nullopt;
    std::uint64_t index = 0;
    for (const char digit : token) {
        if (digit < '0' || digit > '9') return std::nullopt;
        index = index * 10 + static_cast<std::uint64_t>(digit - '0');
    }
    return index;
}

unsigned hex_value(char digit) noexcept {
    if (digit <= '9') return static_cast<unsigned>(digit - '0');
    return static_cast<unsigned>((digit | 0x20) - 'a') + 10U;
}

void append_utf8(std::string& out, std::uint32_t code) {
    const auto byte = [&out](std::uint32_t value) { out.push_back(static_cast<char>(value)); };
    if (code < 0x80U) {
        byte(code);
    } else if (code < 0x800U) {
        byte(0xc0U | (code >> 6U));
        byte(0x80U | (code & 0x3fU));
    } else if (code < 0x10000U) {
        byte(0xe0U | (code >> 12U));
        byte(0x80U | ((code >> 6U) & 0x3fU));
        byte(0x80U | (code & 0x3fU));
    } else {
        byte(0xf0U | (code >> 18U));
        byte(0x80U | ((code >> 12U) & 0x3fU));
        byte(0x80U | ((code >> 6U) & 0x3fU));
        byte(0x80U | (code & 0x3fU));
    }
}

bool same_key(std::string_view quoted, std::string_view token) {
    const std::string_view inner = quoted.substr(1, quoted.size() - 2);
    if (inner.find('\\') == std::string_view::npos) return inner == token;
    return unescape_json(quoted) == token;
}

}  // namespace

std::size_t skip_value(std::string_view json, std::size_t at) noexcept {
    if (json[at] == '"') return skip_string(json, at);
    if (json[at] != '{' && json[at] != '[') {
        const std::size_t end = json.find_first_of(",]}", at);
        return end == std::string_view::npos ? json.size() : end;
    }
    std::size_t depth = 0;
    while (at < json.size()) {
        switch (json[at]) {
            case '"':
                at = skip_string(json, at);
                continue;
            case '{':
            case '[':
                ++depth;
                break;
            case '}':
            case ']':
                if (--depth == 0) return at + 1;
                break;
            default:
                break;
        }
        ++at;
    }
    return at;
}

std::string unescape_json(std::string_view quoted) {
    const std::string_view inner = quoted.substr(1, quoted.size() - 2);
    std::string out;
    out.reserve(inner.size());
    for (std::size_t at = 0; at < inner.size(); ++at) {
        if (inner[at] != '\\') {
            out.push_back(inner[at]);
            continue;
        }
        const char escaped = inner[++at];
        const auto unit = [&inner](std::size_t from) {
            std::uint32_t value = 0;
            for (std::size_t i = from; i < from + 4; ++i) value = value * 16 + hex_value(inner[i]);
            return value;
        };
        switch (escaped) {
            case 'b':
                out.push_back('\b');
                break;
            case 'f':
                out.push_back('\f');
                break;
            case 'n':
                out.push_back('\n');
                break;
            case 'r':
                out.push_back('\r');
                break;
            case 't':
                out.push_back('\t');
                break;
            case 'u': {
                std::uint32_t code = unit(at + 1);
                at += 4;
                if (code >= 0xd800U && code < 0xdc00U) {  // the other half follows: lone ones were refused
                    code = 0x10000U + ((code - 0xd800U) << 10U) + (unit(at + 3) - 0xdc00U);
                    at += 6;
                }
                append_utf8(out, code);
                break;
            }
            default:
                out.push_back(escaped);  // a quote, a slash, a backslash
        }
    }
    return out;
}

std::size_t PointerSet::add(const std::vector<std::string>& tokens) {
    std::size_t node = 0;
    for (const std::string& token : tokens) {
        const auto& children = nodes_[node].children;
        const auto known = std::find_if(children.begin(), children.end(),
                                        [&token](const Child& child) { return child.token == token; });
        if (known != children.end()) {
            node = known->node;
            continue;
        }
        nodes_.emplace_back();
        nodes_[node].children.push_back({token, array_index(token), nodes_.size() - 1});
        node = nodes_.size() - 1;
    }
    nodes_[node].slots.push_back(slots_);
    return slots_++;
}

void PointerSet::locate(std::string_view json, std::vector<std::optional<std::string_view>>& found) const {
    found.assign(slots_, std::nullopt);
    if (!json.empty()) visit(nodes_.front(), json, 0, found);
}

// Recursion goes as deep as both the pointer and the text do, and the text's nesting is capped.
std::size_t PointerSet::visit(const Node& node, std::string_view json, std::size_t at,
                              std::vector<std::optional<std::string_view>>& found) const {
    std::size_t end = 0;
    if (!node.children.empty() && json[at] == '{') {
        end = visit_object(node, json, at, found);
    } else if (!node.children.empty() && json[at] == '[') {
        end = visit_array(node, json, at, found);
    } else {
        end = skip_value(json, at);
    }
    for (const std::size_t slot : node.slots) found[slot] = json.substr(at, end - at);
    return end;
}

std::size_t PointerSet::visit_object(const Node& node, std::string_view json, std::size_t at,
                                     std::vector<std::optional<std::string_view>>& found) const {
    ++at;
    while (json[at] != '}') {
        if (json[at] == ',') ++at;
        const std::size_t key_end = skip_string(json, at);
        const std::string_view key = json.substr(at, key_end - at);
        at = key_end + 1;  // the colon
        const auto wanted = std::find_if(node.children.begin(), node.children.end(),
                                         [key](const Child& child) { return same_key(key, child.token); });
        at = wanted != node.children.end() ? visit(nodes_[wanted->node], json, at, found) : skip_value(json, at);
    }
    return at + 1;
}

std::size_t PointerSet::visit_array(const Node& node, std::string_view json, std::size_t at,
                                    std::vector<std::optional<std::string_view>>& found) const {
    ++at;
    for (std::uint64_t index = 0; json[at] != ']'; ++index) {
        if (json[at] == ',') ++at;
        const auto wanted = std::find_if(node.children.begin(), node.children.end(),
                                         [index](const Child& child) { return child.index == index; });
        at = wanted != node.children.end() ? visit(nodes_[wanted->node], json, at, found) : skip_value(json, at);
    }
    return at + 1;
}

}  // namespace daybook::interchange
