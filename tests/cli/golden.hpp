// Recorded outputs: what the program prints, with ids, times, digests and paths made equal.
#pragma once

#include <string>

namespace daybook::clitest {

/// Replaces UUIDs, times of now, digests, sizes and `directory` by words, so that two runs print the same.
[[nodiscard]] std::string normalised(std::string text, const std::string& directory);

/// Compares with golden/NAME. With DAYBOOK_UPDATE_GOLDEN=1 in the environment it is written instead.
void check_golden(const std::string& name, const std::string& text);

}  // namespace daybook::clitest
