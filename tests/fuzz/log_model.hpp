// A log as it must behave, in a few maps, and steps that are done to a real store and to the model beside it.
//
// Every step is checked at once against what the model says must come of it; at the end the whole log is read again.
// Steps come from bytes, six each, so that libFuzzer and rapidcheck can both make, change and shorten them.
#pragma once

#include <filesystem>
#include <string_view>

namespace daybook::fuzz {

inline constexpr std::size_t step_bytes = 6;

/// Runs the steps on a new log in `directory`, which must be empty. Throws Violation: the log and the model differ.
void run_steps(std::string_view steps, const std::filesystem::path& directory);

}  // namespace daybook::fuzz
