// "Did you mean …?": the nearest of the names that exist.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace daybook::cli {

/// The name in `known` that differs from `wrong` by the fewest single-character edits; empty when none is near.
[[nodiscard]] std::string nearest_name(std::string_view wrong, const std::vector<std::string>& known);

}  // namespace daybook::cli
