// JSON kept as text: checked and minified, and otherwise exactly as it was given. No number is re-rounded,
// no key reordered, no escape rewritten. nlohmann adaptors are in json_nlohmann.hpp.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <daybook/event/limits.hpp>

namespace daybook {

/// Returns `text` without insignificant white space.
///
/// Checks, in this order: size, UTF-8, nesting (counted before parsing), grammar (RFC 8259), duplicate keys
/// (compared after unescaping), numbers (any precision; beyond the range of a double is refused), lone
/// surrogates in escapes (invalid_json). A byte order mark is not JSON. The size is that of the minified text.
/// Throws Error: too_large, invalid_utf8, too_deep, invalid_json, duplicate_key, number_out_of_range - each
/// with the byte offset. `what` names the thing in the message ("payload").
[[nodiscard]] std::string minify_json(std::string_view text, const Limits& limits = {},
                                      std::string_view what = "payload");

/// `text` as a JSON string with its quotes. Control characters (C0, DEL, C1) are escaped, everything else is kept.
/// `text` must be UTF-8.
[[nodiscard]] std::string quote_json(std::string_view text);
/// Appends what quote_json() returns.
void append_quoted_json(std::string& out, std::string_view text);

/// The offset of the first byte that is not UTF-8 (RFC 3629: no surrogates, no overlong form), or npos.
[[nodiscard]] std::size_t find_invalid_utf8(std::string_view text) noexcept;

/// `text` with U+FFFD for each byte that is not UTF-8: for messages of exceptions and the like, before they are kept.
[[nodiscard]] std::string replace_invalid_utf8(std::string_view text);

}  // namespace daybook
