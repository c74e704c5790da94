#include <daybook/event/file_system.hpp>

using namespace daybook;

TEST_CASE("path: the directory part is what stands before the last component") {
    CHECK(directory_of("a.daybook") == ".");
    CHECK(directory_of("dir/a.daybook") == "dir");
    CHECK(directory_of("/dir/sub/a") == "/dir/sub");
    CHECK(directory_of("/a") == "/");
    CHECK(directory_of("/") == "/");
    CHECK(directory_of("") == ".");
    CHECK(directory_of("dir//a") == "dir");
    CHECK(directory_of("dir/sub/") == "dir");
    CHECK(directory_of("//a") == "/");
}

TEST_CASE("path: the last component is what stands after the last slash") {
    CHECK(base_name_of("a.daybook") == "a.daybook");
    CHECK(base_name_of("dir/a.daybook") == "a.daybook");
    CHECK(base_name_of("/a") == "a");
    CHECK(base_name_of("dir/sub/") == "sub");
    CHECK(base_name_of("/") == "/");
    CHECK(base_name_of("") == "");
}
