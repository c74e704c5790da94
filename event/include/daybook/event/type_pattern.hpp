// Type patterns: which events a handler, a window or a projection wants.
//
// Types are cut into segments at ':' and '.'. A '*' segment matches exactly one segment, a final '**' one or
// more, '*' alone every type; "\*" is a literal asterisk. A '*' inside a word is refused.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace daybook {

/// Thread-safety: immutable.
class TypePattern {
  public:
    /// Matches every type.
    TypePattern() : TypePattern("*") {}
    /// Throws Error: invalid_pattern - what is wrong, and where.
    explicit TypePattern(std::string_view text);

    [[nodiscard]] bool matches(std::string_view type) const noexcept;
    /// Matches every type.
    [[nodiscard]] bool matches_all() const noexcept { return all_; }
    /// True when only one type can match: literal().
    [[nodiscard]] bool is_literal() const noexcept { return literal_; }
    /// The one type that matches, unescaped; meaningful only if is_literal(). Lives as long as this pattern.
    [[nodiscard]] std::string_view literal() const noexcept { return literal_text_; }
    /// As it was written. Lives as long as this pattern.
    [[nodiscard]] std::string_view text() const noexcept { return text_; }
    bool operator==(const TypePattern& other) const noexcept { return text_ == other.text_; }

  private:
    struct Segment {
        std::string text;       // a literal segment, unescaped
        char separator = '\0';  // the ':' or '.' before it
        bool any = false;       // '*'
    };
    std::string text_;
    std::string literal_text_;
    std::vector<Segment> segments_;
    bool all_ = false;
    bool literal_ = false;
    bool rest_ = false;  // ends in '**'
};

/// Reads patterns separated by commas; one that holds a space, comma or quote is written in double quotes
/// (a quote doubled): `Shot, "Free Kick"`. Throws Error: invalid_pattern.
[[nodiscard]] std::vector<TypePattern> parse_pattern_list(std::string_view text);

}  // namespace daybook
