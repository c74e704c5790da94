// Tags: a small sorted map of text to text, stored as canonical JSON (keys sorted by their bytes).
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include <daybook/event/limits.hpp>

namespace daybook {

using Tags = std::map<std::string, std::string, std::less<>>;

/// `{"a":"1","b":"2"}`: keys in the order of their bytes; the text that is stored and hashed.
[[nodiscard]] std::string tags_to_json(const Tags& tags);

/// Reads a JSON object of strings. Throws Error: invalid_json - not an object of strings; duplicate_key.
[[nodiscard]] Tags tags_from_json(std::string_view json, const Limits& limits = {});

}  // namespace daybook
