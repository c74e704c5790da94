// Normalising and comparing.
#include "cli/golden.hpp"

#include <cstdlib>
#include <filesystem>
#include <regex>

#include <catch2/catch.hpp>

#include "cli/run_daybook.hpp"

namespace daybook::clitest {

std::string normalised(std::string text, const std::string& directory) {
    for (std::size_t at = 0; (at = text.find(directory, at)) != std::string::npos;)
        text.replace(at, directory.size(), "DIR");
    text = std::regex_replace(text, std::regex("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"),
                              "00000000-0000-0000-0000-000000000000");
    text = std::regex_replace(text, std::regex("[0-9a-f]{64}"), std::string(64, 'd'));
    // The story happens on 2026-01-31; every other time is one of this run.
    text = std::regex_replace(text, std::regex("(?!2026-01-31T12)20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\\.[0-9]{9}Z"),
                              "2000-00-00T00:00:00.000000000Z");
    text = std::regex_replace(text, std::regex("\"(events_per_second|database_bytes|wal_bytes|age_ns)\":[0-9.e+-]+"),
                              "\"$1\":0");
    text = std::regex_replace(text, std::regex("\\n(rate|file)( +)[^\\n]*"), "\n$1$2…");
    return text;
}

void check_golden(const std::string& name, const std::string& text) {
    const std::filesystem::path path = std::filesystem::path(DAYBOOK_GOLDEN_DIRECTORY) / name;
    if (std::getenv("DAYBOOK_UPDATE_GOLDEN") != nullptr) {
        write_file(path, text);
        WARN("wrote " << path);
        return;
    }
    REQUIRE(std::filesystem::exists(path));
    CHECK(read_file(path) == text);
}

}  // namespace daybook::clitest
