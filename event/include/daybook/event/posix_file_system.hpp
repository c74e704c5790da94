// The machine's files: POSIX calls, open-file-description locks, inotify (polling where there is none).
#pragma once

#include <daybook/event/file_system.hpp>

namespace daybook {

class PosixFileSystem final : public FileSystem {
  public:
    [[nodiscard]] std::unique_ptr<File> open(const std::string& path, OpenMode mode) override;
    [[nodiscard]] bool exists(const std::string& path) override;
    void remove(const std::string& path) override;
    void rename_new(const std::string& from, const std::string& to) override;
    void rename_replace(const std::string& from, const std::string& to) override;
    void sync_directory(const std::string& path) override;
    [[nodiscard]] std::vector<std::string> list(const std::string& directory) override;
    [[nodiscard]] std::unique_ptr<FileWatch> watch(const std::string& path) override;
};

}  // namespace daybook
