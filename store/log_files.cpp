#include <daybook/store/log_files.hpp>

#include <array>
#include <string_view>
#include <system_error>

namespace daybook {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 10> suffixes{
    "",      "-wal",       "-shm",           "-journal",       ".lock",
    ".wake", ".snapshots", ".snapshots-wal", ".snapshots-shm", ".snapshots-lock"};

// The path without links and dots; the last component need not exist.
fs::path resolved(const fs::path& path) {
    std::error_code error;
    fs::path result = fs::weakly_canonical(fs::absolute(path, error), error);
    return error ? fs::absolute(path).lexically_normal() : result;
}

}  // namespace

std::vector<fs::path> log_files(const fs::path& log) {
    std::vector<fs::path> files;
    files.reserve(suffixes.size());
    for (const std::string_view suffix : suffixes) files.emplace_back(log.native() + std::string(suffix));
    return files;
}

bool is_log_file(const fs::path& log, const fs::path& candidate) {
    const fs::path wanted = resolved(candidate);
    for (const fs::path& file : log_files(resolved(log))) {
        if (wanted == file) return true;
        std::error_code error;
        if (fs::equivalent(candidate, file, error) && !error) return true;  // by device and inode
    }
    return false;
}

}  // namespace daybook
