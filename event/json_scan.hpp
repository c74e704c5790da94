// Checking JSON text in place, without recursion and, for ordinary texts, without an allocation.
// minify_json(), tags and the line codecs stand on it; json_walk.hpp reads what was checked.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <daybook/event/error.hpp>

namespace daybook {

struct JsonCheck {
    std::size_t bytes_max = 0;
    std::size_t nesting_max = 0;
    std::string_view what;                             ///< names the text in messages
    ErrorCode grammar_code = ErrorCode::invalid_json;  ///< for text that is not JSON
};

/// Makes every check of minify_json(). When `minified` is given, the text without white space is appended to
/// it. Returns whether `text` has no insignificant white space.
bool check_json(std::string_view text, const JsonCheck& check, std::string* minified = nullptr);

}  // namespace daybook
