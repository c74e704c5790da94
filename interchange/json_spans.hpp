// Finds the values that JSON Pointers name, as spans of text. Works on text that minify_json() has checked and
// minified, and on nothing else: it checks nothing itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace daybook::interchange {

/// Any number of pointers, found in one pass. Thread-safety: one thread at a time.
class PointerSet {
  public:
    /// Returns the slot in which locate() puts what is found.
    std::size_t add(const std::vector<std::string>& tokens);
    /// Fills `found`, one span a slot, empty where there is nothing. The spans point into `json`.
    void locate(std::string_view json, std::vector<std::optional<std::string_view>>& found) const;

  private:
    struct Child {
        std::string token;
        std::optional<std::uint64_t> index;  // the token as an array index, if it is one
        std::size_t node;
    };
    struct Node {
        std::vector<Child> children{};
        std::vector<std::size_t> slots{};
    };
    std::size_t visit(const Node& node, std::string_view json, std::size_t at,
                      std::vector<std::optional<std::string_view>>& found) const;
    std::size_t visit_object(const Node& node, std::string_view json, std::size_t at,
                             std::vector<std::optional<std::string_view>>& found) const;
    std::size_t visit_array(const Node& node, std::string_view json, std::size_t at,
                            std::vector<std::optional<std::string_view>>& found) const;

    std::vector<Node> nodes_{Node{}};
    std::size_t slots_ = 0;
};

/// The text of a JSON string given with its quotes.
[[nodiscard]] std::string unescape_json(std::string_view quoted);

/// The offset behind the value that begins at `at`.
[[nodiscard]] std::size_t skip_value(std::string_view json, std::size_t at) noexcept;

}  // namespace daybook::interchange
