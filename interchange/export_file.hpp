// The file that an export writes: a temporary name beside the target, plain or compressed, that takes the target's name
// only when all of it is on the disk.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include <daybook/event/file_system.hpp>
#include <daybook/interchange/exporter.hpp>

namespace daybook::interchange {

/// Squeezes bytes and hands them on. Thread-safety: one thread at a time.
class Compressor {
  public:
    virtual ~Compressor() = default;
    /// Appends to `out` what comes out for `bytes`.
    virtual void add(std::string_view bytes, std::string& out) = 0;
    /// Appends the end of the format.
    virtual void finish(std::string& out) = 0;
};

/// By the ending of `name`: gzip for .gz, zstd for .zst, null for anything else.
[[nodiscard]] std::unique_ptr<Compressor> compressor_for(const std::string& name);

/// Thread-safety: one thread at a time.
class ExportFile final : public ExportSink {
  public:
    /// Makes the temporary file. Throws Error: target_exists, unsupported_path, permission_denied, io_error.
    ExportFile(FileSystem& files, const std::filesystem::path& database, const std::filesystem::path& target,
               bool replace, std::string temporary_suffix);
    /// Removes the temporary file unless commit() was called.
    ~ExportFile() override;
    ExportFile(const ExportFile&) = delete;
    ExportFile& operator=(const ExportFile&) = delete;

    [[nodiscard]] bool write(std::string_view lines) override;
    /// Syncs, and gives it its name.
    void commit();

  private:
    void put(bool all);

    FileSystem& files_;
    std::string target_;
    std::string temporary_;
    bool replace_;
    bool committed_ = false;
    std::unique_ptr<File> file_;
    std::unique_ptr<Compressor> compressor_;
    std::string buffer_;
};

}  // namespace daybook::interchange
