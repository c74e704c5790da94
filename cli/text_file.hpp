// Small files that options name: keys, projections.
#pragma once

#include <string>

namespace daybook::cli {

/// The file's bytes, at most 16 MiB. Throws Error, naming `option` and the path: no_such_file, permission_denied,
/// unsupported_path (a directory), too_large, io_error.
[[nodiscard]] std::string read_text_file(const std::string& path, const std::string& option);

}  // namespace daybook::cli
