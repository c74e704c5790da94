#include "store/database_file.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>

#include <daybook/event/error.hpp>

#include "store/sqlite_error.hpp"

namespace daybook {

DatabaseFile::DatabaseFile(const std::string& path, const std::string& vfs_name) : path_(path) {
    sqlite3_vfs* vfs = sqlite3_vfs_find(vfs_name.empty() ? nullptr : vfs_name.c_str());
    if (vfs == nullptr)
        throw Error(ErrorCode::invalid_argument, fmt::format("open {}: there is no VFS called '{}'", path, vfs_name));
    name_.reset(sqlite3_create_filename(path.c_str(), "", "", 0, nullptr));
    if (!name_) throw Error(ErrorCode::out_of_memory, fmt::format("open {}", path));
    room_ =
        std::make_unique<std::max_align_t[]>(static_cast<std::size_t>(vfs->szOsFile) / sizeof(std::max_align_t) + 1);
    const int rc = vfs->xOpen(vfs, name_.get(), file(),
                              SQLITE_OPEN_READONLY | SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_NOFOLLOW, nullptr);
    if (rc != SQLITE_OK) {
        const int error = errno;
        close();
        throw_sqlite_error(rc, std::strerror(error), fmt::format("open {}", path));
    }
}

DatabaseFile::~DatabaseFile() {
    close();
}

std::uint64_t DatabaseFile::size() {
    sqlite3_int64 bytes = 0;
    check(file()->pMethods->xFileSize(file(), &bytes));
    return static_cast<std::uint64_t>(bytes);
}

std::string DatabaseFile::read_at(std::uint64_t offset, std::size_t bytes) {
    std::string text(bytes, '\0');
    check(file()->pMethods->xRead(file(), text.data(), static_cast<int>(bytes), static_cast<sqlite3_int64>(offset)));
    return text;
}

void DatabaseFile::check(int rc) const {
    if (rc != SQLITE_OK) throw_sqlite_error(rc, "it cannot be read", fmt::format("read {}", path_));
}

void DatabaseFile::close() noexcept {
    if (file()->pMethods != nullptr) file()->pMethods->xClose(file());
}

}  // namespace daybook
