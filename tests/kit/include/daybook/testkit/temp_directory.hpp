// A directory of its own for a test, removed with everything in it at the end of the scope.
#pragma once

#include <filesystem>
#include <string_view>

namespace daybook::testkit {

/// Thread-safety: immutable.
class TempDirectory {
  public:
    /// Made below TMPDIR (or /tmp) with mode 0700. Throws std::filesystem::filesystem_error.
    TempDirectory();
    ~TempDirectory();
    TempDirectory(const TempDirectory&) = delete;
    TempDirectory& operator=(const TempDirectory&) = delete;

    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
    [[nodiscard]] std::filesystem::path operator/(std::string_view name) const { return path_ / name; }

  private:
    std::filesystem::path path_;
};

}  // namespace daybook::testkit
