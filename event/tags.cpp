#include <daybook/event/tags.hpp>

#include <fmt/format.h>

#include <utility>

#include <daybook/event/error.hpp>
#include <daybook/event/json_text.hpp>

#include "event/json_scan.hpp"
#include "event/json_walk.hpp"

namespace daybook {

std::string tags_to_json(const Tags& tags) {
    std::string json = "{";
    for (const auto& [key, value] : tags) {
        if (json.size() > 1) json += ',';
        append_quoted_json(json, key);
        json += ':';
        append_quoted_json(json, value);
    }
    json += '}';
    return json;
}

Tags tags_from_json(std::string_view json, const Limits& limits) {
    // Every byte of a key or a value may be written as an escape of six.
    const std::size_t bytes_max = 2 + limits.tags_max * (2 * 6 * limits.stream_bytes_max + 6);
    check_json(json, {.bytes_max = bytes_max, .nesting_max = limits.nesting_max, .what = "tags"});
    const std::size_t start = json.find_first_not_of(" \t\r\n");
    const std::string_view object = json.substr(start);
    const auto refuse = [](std::size_t offset) {
        throw Error(
            ErrorCode::invalid_json,
            fmt::format("read tags: not an object of strings at byte {}; expected the form {{\"key\":\"value\"}}",
                        offset));
    };
    if (json_kind(object) != JsonKind::object) refuse(start);

    Tags tags;
    JsonWalk walk(object, start);
    while (const auto item = walk.next()) {
        if (json_kind(item->value) != JsonKind::string) refuse(item->offset);
        std::string key = unescape_json(item->quoted_key);
        std::string value = unescape_json(item->value);
        for (const std::string* text : {&key, &value}) {
            if (text->size() <= limits.stream_bytes_max) continue;
            throw Error(ErrorCode::too_large, fmt::format("read tags: a key or value of {} bytes, the cap is {}",
                                                          text->size(), limits.stream_bytes_max));
        }
        tags.emplace(std::move(key), std::move(value));
    }
    if (tags.size() > limits.tags_max) {
        throw Error(ErrorCode::too_large,
                    fmt::format("read tags: {} of them, the cap is {}", tags.size(), limits.tags_max));
    }
    return tags;
}

}  // namespace daybook
