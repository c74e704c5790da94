// A directory of this process for what must be a file: gone at exit. In TMPDIR where that is set, otherwise in memory where
// the machine has such a place.
#pragma once

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

namespace daybook::fuzz {

class Scratch {
  public:
    explicit Scratch(std::string_view name) {
        namespace fs = std::filesystem;
        std::error_code none;
        const fs::path memory = "/dev/shm";
        const bool in_memory =
            std::getenv("TMPDIR") == nullptr && fs::is_directory(memory, none) && ::access(memory.c_str(), W_OK) == 0;
        const fs::path parent = in_memory ? memory : fs::temp_directory_path();
        path_ = parent / ("daybook-fuzz-" + std::string(name) + "-" + std::to_string(::getpid()));
        fs::remove_all(path_);
        fs::create_directory(path_);
    }
    ~Scratch() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;

    /// The directory, emptied.
    [[nodiscard]] const std::filesystem::path& fresh() {
        for (const auto& entry : std::filesystem::directory_iterator(path_)) std::filesystem::remove_all(entry.path());
        return path_;
    }
    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
    [[nodiscard]] std::filesystem::path operator/(std::string_view name) const { return path_ / name; }

  private:
    std::filesystem::path path_;
};

}  // namespace daybook::fuzz
