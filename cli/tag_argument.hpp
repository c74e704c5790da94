// `--tag K=V` and the like: a name, an equals sign, a value.
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace daybook::cli {

/// Cuts at the first '='. Throws UsageError, naming `option`: no '=', or nothing before it.
[[nodiscard]] std::pair<std::string, std::string> key_value_from(std::string_view option, std::string_view text);

}  // namespace daybook::cli
