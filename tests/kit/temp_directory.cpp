#include <daybook/testkit/temp_directory.hpp>

#include <cerrno>
#include <cstdlib>
#include <string>
#include <system_error>

namespace daybook::testkit {

TempDirectory::TempDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "daybook-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr)
        throw std::filesystem::filesystem_error("make a temporary directory", name,
                                                std::error_code(errno, std::generic_category()));
    path_ = name;
}

TempDirectory::~TempDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

}  // namespace daybook::testkit
