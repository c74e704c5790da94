#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>

#include <daybook/testkit/temp_directory.hpp>

using daybook::testkit::TempDirectory;

TEST_CASE("temp directory: it is there while the object lives, and gone with its content afterwards") {
    std::filesystem::path path;
    {
        const TempDirectory directory;
        path = directory.path();
        std::ofstream(directory / "file") << "text";
        CHECK(std::filesystem::exists(path / "file"));
        const auto mode = std::filesystem::status(path).permissions() & std::filesystem::perms::all;
        CHECK(mode == std::filesystem::perms::owner_all);
    }
    CHECK_FALSE(std::filesystem::exists(path));
}
