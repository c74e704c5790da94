// The kind of file system that a path lies on.
#include "store/file_system_type.hpp"

#include <catch2/catch.hpp>

#include <daybook/testkit/temp_directory.hpp>

using namespace daybook;

TEST_CASE("file system type: a temporary directory lies on one that is not over a network", "[file_system_type]") {
    const testkit::TempDirectory directory;
    const auto type = file_system_type_of(directory.path().native());
    REQUIRE(type);
    CHECK(type->magic != 0);
    CHECK_FALSE(type->is_network);
}

TEST_CASE("file system type: /dev/shm is gone with the machine's next start", "[file_system_type]") {
    const auto type = file_system_type_of("/dev/shm");
    if (!type || type->magic != 0x01021994) {
        WARN("/dev/shm is no tmpfs here: not checked");
        return;
    }
    CHECK(type->is_in_memory);
}

TEST_CASE("file system type: of nothing there is none", "[file_system_type]") {
    CHECK_FALSE(file_system_type_of("/nowhere/at/all"));
}
