// Reading JSON text that was checked: the members of an object or the items of an array, without a copy.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace daybook {

/// `quoted` is a checked JSON string with its quotes; the result is the text that it means.
[[nodiscard]] std::string unescape_json(std::string_view quoted);

/// The same without a copy where there is no escape; `storage` holds the text where there is one. The result lives as
/// long as both.
[[nodiscard]] std::string_view unescape_json(std::string_view quoted, std::string& storage);

/// The same for the inside of such a string, into memory of the caller's: at most inner.size() bytes. Returns their end.
char* unescape_json_into(char* to, std::string_view inner) noexcept;

enum class JsonKind : unsigned char { null, boolean, number, string, array, object };

/// The kind of a checked value, told by its first byte.
[[nodiscard]] JsonKind json_kind(std::string_view value) noexcept;

/// Goes through the members of an object, or the items of an array, of *checked* text, without a copy.
/// Thread-safety: one thread at a time. Keeps a view of `text`.
class JsonWalk {
  public:
    /// `text` is an object or an array; `offset` is where it stands in the whole line, for messages.
    explicit JsonWalk(std::string_view text, std::size_t offset = 0) noexcept;

    struct Item {
        std::string_view quoted_key;  ///< with its quotes; empty in an array
        std::string_view value;       ///< source text of the value
        std::size_t offset = 0;       ///< of the value, in the whole line
    };
    /// Empty at the end.
    [[nodiscard]] std::optional<Item> next() noexcept;

  private:
    void skip_space() noexcept;
    [[nodiscard]] std::string_view take_value() noexcept;

    std::string_view text_;
    std::size_t offset_ = 0;
    std::size_t at_ = 1;
    bool object_ = false;
};

}  // namespace daybook
