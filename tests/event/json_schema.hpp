// The schemas of schemas/json as a judge of real output: any floor's test may ask it.
#pragma once

#include <string>
#include <string_view>

namespace daybook {

/// What `schemas/json/<name>.schema.json` says about `json`: empty when it is valid, else each fault on a line.
/// Throws std::runtime_error when the schema is not there or not readable, or `json` is not JSON.
[[nodiscard]] std::string schema_faults(std::string_view name, std::string_view json);

}  // namespace daybook
