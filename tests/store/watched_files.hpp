// The machine's files, with a look at each sync and each lock before it happens; what looks may throw instead.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <daybook/event/posix_file_system.hpp>

namespace daybook::test {

class WatchedFiles final : public FileSystem {
  public:
    /// The path of the file or directory.
    std::function<void(const std::string&)> on_sync = [](const std::string&) {};
    /// The byte that is about to be locked.
    std::function<void(std::uint64_t)> on_lock = [](std::uint64_t) {};

    [[nodiscard]] std::unique_ptr<daybook::File> open(const std::string& path, OpenMode mode) override {
        return std::make_unique<File>(*this, path, real_.open(path, mode));
    }
    [[nodiscard]] bool exists(const std::string& path) override { return real_.exists(path); }
    void remove(const std::string& path) override { real_.remove(path); }
    void rename_new(const std::string& from, const std::string& to) override { real_.rename_new(from, to); }
    void rename_replace(const std::string& from, const std::string& to) override { real_.rename_replace(from, to); }
    void sync_directory(const std::string& path) override {
        on_sync(path);
        real_.sync_directory(path);
    }
    [[nodiscard]] std::vector<std::string> list(const std::string& directory) override { return real_.list(directory); }
    [[nodiscard]] std::unique_ptr<FileWatch> watch(const std::string& path) override { return real_.watch(path); }

  private:
    class File final : public daybook::File {
      public:
        File(WatchedFiles& world, std::string path, std::unique_ptr<daybook::File> real)
            : world_(world), path_(std::move(path)), real_(std::move(real)) {}
        [[nodiscard]] std::uint64_t size() override { return real_->size(); }
        [[nodiscard]] std::string read_at(std::uint64_t offset, std::size_t bytes) override {
            return real_->read_at(offset, bytes);
        }
        void write_at(std::uint64_t offset, std::string_view bytes) override { real_->write_at(offset, bytes); }
        void append(std::string_view bytes) override { real_->append(bytes); }
        void truncate(std::uint64_t bytes) override { real_->truncate(bytes); }
        void sync() override {
            world_.on_sync(path_);
            real_->sync();
        }
        void touch() override { real_->touch(); }
        [[nodiscard]] bool try_lock(std::uint64_t offset, LockMode mode) override {
            world_.on_lock(offset);
            return real_->try_lock(offset, mode);
        }
        void unlock(std::uint64_t offset) override { real_->unlock(offset); }
        [[nodiscard]] bool is_locked_by_other(std::uint64_t offset, std::uint64_t bytes) override {
            return real_->is_locked_by_other(offset, bytes);
        }
        [[nodiscard]] std::optional<std::int64_t> lock_holder(std::uint64_t offset) override {
            return real_->lock_holder(offset);
        }

      private:
        WatchedFiles& world_;
        const std::string path_;
        std::unique_ptr<daybook::File> real_;
    };
    PosixFileSystem real_;
};

}  // namespace daybook::test
