// Text made harmless for logs: no event can forge a line, hide text or repaint a terminal.
#pragma once

#include <string>
#include <string_view>

namespace daybook {

/// Appends `text` with C0, DEL, C1, line and paragraph separators, direction marks, invisible format
/// characters and the byte order mark as `\n`, `\t`, `\u{202e}`…, bytes that are not UTF-8 as `\xNN`, and a
/// backslash doubled.
void append_escaped(std::string& out, std::string_view text);

/// Appends ` key=` and the value: as it is when it is made of plain characters, otherwise escaped and in
/// double quotes.
void append_field(std::string& out, std::string_view key, std::string_view value);

/// The longest prefix of `text` of at most `bytes_max` bytes that does not cut a UTF-8 character.
[[nodiscard]] std::string_view utf8_prefix(std::string_view text, std::size_t bytes_max) noexcept;

}  // namespace daybook
