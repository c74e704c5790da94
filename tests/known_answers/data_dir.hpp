// Where the real event data is. It is not part of the project: a test that needs it begins with
//
//     const auto folder = data_folder("football-worldcup-2018");
//     if (!folder) return;
#pragma once

#include <catch2/catch.hpp>

#include <filesystem>
#include <optional>
#include <string>

namespace daybook {

/// A folder of the data, or nothing after a printed warning.
[[nodiscard]] inline std::optional<std::filesystem::path> data_folder(const std::string& name) {
    const std::filesystem::path folder = std::filesystem::path(DAYBOOK_DATA_DIR) / name;
    if (std::filesystem::is_directory(folder)) return folder;
    WARN("skipped: there is no " << folder.string() << "; configure with -DDAYBOOK_DATA_DIR=…");
    return std::nullopt;
}

}  // namespace daybook
