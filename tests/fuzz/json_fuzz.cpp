// JSON text in: minify_json() against nlohmann's parser, and everything that stands on checked text.
//
// The two differ in what nlohmann lets pass: a byte order mark, whatever follows a NUL byte, any depth, a key named
// twice. Everything else that one of them takes the other must take too, and it must mean the same.
//
// Input: the text; after a `q`, text that is to be quoted.
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include <daybook/event/json_nlohmann.hpp>
#include <daybook/event/tags.hpp>

#include "event/json_walk.hpp"
#include "fuzz/fuzz.hpp"

namespace daybook::fuzz {
namespace {

constexpr std::size_t bytes_max = 256;
constexpr std::size_t nesting_max = 12;

// Listens to nlohmann's parser: how deep, and whether an object names a key twice.
struct Listener final : nlohmann::json_sax<nlohmann::json> {
    std::vector<std::set<std::string>> keys;
    std::size_t depth_max = 0;
    bool duplicate = false;

    bool null() override { return true; }
    bool boolean(bool) override { return true; }
    bool number_integer(number_integer_t) override { return true; }
    bool number_unsigned(number_unsigned_t) override { return true; }
    bool number_float(number_float_t, const string_t&) override { return true; }
    bool string(string_t&) override { return true; }
    bool binary(binary_t&) override { return true; }
    bool open() {
        keys.emplace_back();
        depth_max = std::max(depth_max, keys.size());
        return true;
    }
    bool close() {
        keys.pop_back();
        return true;
    }
    bool start_object(std::size_t) override { return open(); }
    bool end_object() override { return close(); }
    bool start_array(std::size_t) override { return open(); }
    bool end_array() override { return close(); }
    bool key(string_t& name) override {
        duplicate = duplicate || !keys.back().insert(name).second;
        return true;
    }
    bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception&) override { return false; }
};

std::string without_blanks(std::string_view text) {
    std::string kept;
    bool in_string = false;
    bool escaped = false;
    for (const char c : text) {
        if (!in_string && (c == ' ' || c == '\t' || c == '\n' || c == '\r')) continue;
        kept += c;
        if (escaped) {
            escaped = false;
        } else if (in_string && c == '\\') {
            escaped = true;
        } else if (c == '"') {
            in_string = !in_string;
        }
    }
    return kept;
}

void require_walk(std::string_view text, const nlohmann::json& value);

void require_item(const JsonWalk::Item& item, const nlohmann::json& value) {
    using Kind = nlohmann::json::value_t;
    switch (json_kind(item.value)) {
        case JsonKind::null:
            return require(value.is_null(), "a walk tells null");
        case JsonKind::boolean:
            return require(value.is_boolean(), "a walk tells true and false");
        case JsonKind::number:
            require(value.is_number(), "a walk tells a number");
            return require(nlohmann::json::parse(item.value) == value, "a walk cuts a number at its ends");
        case JsonKind::string:
            require(value.type() == Kind::string, "a walk tells a string");
            return require_equal(unescape_json(item.value), value.get_ref<const std::string&>(), "a string's text");
        case JsonKind::array:
        case JsonKind::object:
            return require_walk(item.value, value);
    }
}

void require_walk(std::string_view text, const nlohmann::json& value) {
    require(value.is_structured(), "a walk goes through objects and arrays");
    JsonWalk walk(text);
    std::size_t index = 0;
    while (const auto item = walk.next()) {
        if (value.is_array()) {
            require(item->quoted_key.empty() && index < value.size(), "a walk meets an array's items");
            require_item(*item, value[index]);
        } else {
            const auto member = value.find(unescape_json(item->quoted_key));
            require(member != value.end(), "a walk meets an object's members");
            require_item(*item, *member);
        }
        ++index;
    }
    require(index == value.size(), "a walk meets them all");
}

void require_accepted(std::string_view text, const std::string& minified, const Limits& limits) {
    require_equal(minified, without_blanks(text), "minified text lacks the white space and nothing else");
    require_equal(minify_json(minified, limits), minified, "minifying is idempotent");
    const nlohmann::json value = nlohmann::json::parse(text);
    require(parse_json(minified) == value, "minified text means what the text meant");
    if (value.is_structured()) require_walk(minified, value);
    Limits room = limits;
    room.payload_bytes_max = 16 * bytes_max;
    require(nlohmann::json::parse(minify_json(json_text(value, limits), room)) == value,
            "what nlohmann writes of it is accepted and means the same");
}

void require_tags(std::string_view text, const Listener& heard, bool is_json) {
    const Outcome tags{[&] { return tags_from_json(text); }};
    if (!tags) {
        require(tags.refused_as(ErrorCode::invalid_json, ErrorCode::invalid_utf8, ErrorCode::too_large,
                                ErrorCode::too_deep, ErrorCode::duplicate_key, ErrorCode::number_out_of_range),
                "tags are refused for a reason of JSON");
        return;
    }
    require(is_json && !heard.duplicate, "tags are JSON");
    const std::string canonical = tags_to_json(*tags);
    require(tags_from_json(canonical) == *tags, "tags written are tags read");
    const nlohmann::json value = nlohmann::json::parse(text);
    require(value.is_object() && value.size() == tags->size(), "tags are an object's members");
    for (const auto& [key, tag] : *tags) require(value.at(key) == tag, "a tag is the member of its name");
    require(nlohmann::json::parse(canonical) == value, "canonical tags mean the same");
}

// Any UTF-8 text may become a string, and any bytes may be shown in a message.
void require_quoting(std::string_view text) {
    const std::string shown = replace_invalid_utf8(text);
    require(find_invalid_utf8(shown) == std::string_view::npos, "replaced text is UTF-8");
    if (find_invalid_utf8(text) == std::string_view::npos) require_equal(shown, text, "UTF-8 is not replaced");
    const std::string quoted = quote_json(shown);
    require_equal(unescape_json(quoted), shown, "a quoted text is read back");
    require_equal(nlohmann::json::parse(quoted).get_ref<const std::string&>(), shown, "nlohmann reads it back");
    require(minify_json(quoted) == quoted, "a quoted text is minified JSON");
}

}  // namespace

void json(std::string_view text) {
    if (text.starts_with('q')) return require_quoting(text.substr(1));
    Limits limits;
    limits.payload_bytes_max = bytes_max;
    limits.nesting_max = nesting_max;

    Listener heard;
    const bool theirs = nlohmann::json::sax_parse(text, &heard);
    const bool only_theirs = text.starts_with("\xef\xbb\xbf") || text.find('\0') != std::string_view::npos;
    const Outcome ours{[&] { return minify_json(text, limits); }};

    if (ours) {
        require(theirs, "what we accept, nlohmann accepts");
        require(!heard.duplicate, "no key is named twice");
        require(heard.depth_max <= nesting_max, "nesting is capped");
        require(ours->size() <= bytes_max, "size is capped");
        require_accepted(text, *ours, limits);
    } else if (theirs && !only_theirs) {
        if (without_blanks(text).size() > bytes_max) {
            require(ours.refused_as(ErrorCode::too_large), "a text too large is refused as that");
        } else if (heard.depth_max > nesting_max) {
            require(ours.refused_as(ErrorCode::too_deep), "a text too deep is refused as that");
        } else {
            require(heard.duplicate && ours.refused_as(ErrorCode::duplicate_key),
                    fmt::format("what nlohmann accepts, we accept, but for a key named twice: {}", ours.refusal()));
        }
    } else {
        require(ours.refused_as(ErrorCode::invalid_json, ErrorCode::invalid_utf8, ErrorCode::too_large,
                                ErrorCode::too_deep, ErrorCode::duplicate_key, ErrorCode::number_out_of_range),
                "a refusal says which rule");
        if (find_invalid_utf8(text) == std::string_view::npos)
            require(!ours.refused_as(ErrorCode::invalid_utf8), "UTF-8 is not refused as something else");
    }
    if (text.starts_with('{')) require_tags(text, heard, theirs && !only_theirs);
}

}  // namespace daybook::fuzz
