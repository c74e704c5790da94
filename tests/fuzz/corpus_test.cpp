// Every kept input of every fuzz target, once, with the ordinary compiler: what was found stays found.
#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "fuzz/fuzz.hpp"

using namespace daybook;

namespace {

std::string bytes_of(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST_CASE("fuzz corpus: every property holds for every kept input of every target") {
    for (const fuzz::Target& target : fuzz::targets) {
        std::size_t inputs = 0;
        const std::filesystem::path directory = std::filesystem::path(DAYBOOK_CORPUS_DIR) / target.name;
        for (const auto& entry : std::filesystem::directory_iterator(directory)) {
            CAPTURE(entry.path().string());
            CHECK_NOTHROW(target.run(bytes_of(entry.path())));
            ++inputs;
        }
        CAPTURE(target.name);
        CHECK(inputs >= 10);
    }
}

TEST_CASE("fuzz checks: a property that does not hold is reported with both values") {
    CHECK_THROWS_WITH(fuzz::require(false, "water is dry"), "water is dry");
    CHECK_THROWS_WITH(fuzz::require_equal("a\n", "b", "a letter"), "a letter: \"a\\n\" is not \"b\"");
    CHECK_THROWS_AS(fuzz::require_proper(Error(ErrorCode::internal, "a bug")), fuzz::Violation);
    CHECK_THROWS_AS(fuzz::require_proper(Error(ErrorCode::corrupt, std::string(5'000, 'x'))), fuzz::Violation);
    CHECK_NOTHROW(fuzz::require_proper(Error(ErrorCode::corrupt, "damaged")));
}
