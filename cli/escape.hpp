// Text from a log made safe to show: control characters, C1 and bidirectional controls become \uXXXX.
//
// Event text is written by others: an escape sequence in it must not move a cursor, rename a window or turn a line
// around. The form \uXXXX keeps JSON equal to what it was.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace daybook::cli {

/// Escapes C0 (but not the newline), DEL, C1, bidirectional controls, line separators and bytes that are not UTF-8.
[[nodiscard]] std::string escape_for_terminal(std::string_view text);

/// As escape_for_terminal(), and the newline too: for a cell of a table and for a name in a message.
[[nodiscard]] std::string escape_cell(std::string_view text);

/// Bytes that are not UTF-8 replaced by U+FFFD: what JSON needs.
[[nodiscard]] std::string valid_utf8(std::string_view text);

/// Columns that `text` takes on a terminal: wide characters count two, combining ones none. Roughly Unicode's
/// East Asian Width.
[[nodiscard]] std::size_t display_width(std::string_view text) noexcept;

}  // namespace daybook::cli
