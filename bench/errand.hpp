// What this program does when it is started again as another process: `daybook_bench --errand NAME ARGUMENT…`.
#pragma once

#include <string>
#include <vector>

namespace daybook::bench {

/// Throws std::exception: it could not be done.
void run_errand(const std::vector<std::string>& words);
/// The command that does it.
[[nodiscard]] std::vector<std::string> errand_command(std::vector<std::string> words);

}  // namespace daybook::bench
