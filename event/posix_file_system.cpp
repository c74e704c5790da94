#include <daybook/event/posix_file_system.hpp>

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <sstream>
#include <utility>

#include <daybook/event/error.hpp>

#include "event/file_watch.hpp"
#include "event/posix_error.hpp"

namespace daybook {
namespace {

// Repeats `call` while a signal interrupts it.
template <typename Call>
auto uninterrupted(Call call) {
    for (;;) {
        const auto result = call();
        if (result >= 0 || errno != EINTR) return result;
    }
}

// A NUL would silently cut the path short.
void check_path(const std::string& path) {
    if (path.empty() || path.find('\0') != std::string::npos) {
        throw Error(ErrorCode::unsupported_path,
                    path.empty() ? "use a path: it is empty" : "use a path: it holds a NUL byte");
    }
}

class PosixFile final : public File {
  public:
    PosixFile(int descriptor, std::string path) : descriptor_(descriptor), path_(std::move(path)) {}
    ~PosixFile() override { ::close(descriptor_); }
    PosixFile(const PosixFile&) = delete;
    PosixFile& operator=(const PosixFile&) = delete;

    std::uint64_t size() override {
        struct stat info {};
        if (::fstat(descriptor_, &info) != 0) throw_errno(errno, "get the size of", path_);
        return static_cast<std::uint64_t>(info.st_size);
    }

    std::string read_at(std::uint64_t offset, std::size_t bytes) override {
        // Never more than there is: `bytes` may be a guess that is far too large.
        const std::uint64_t held = size();
        if (offset >= held) return {};
        std::string text(static_cast<std::size_t>(std::min<std::uint64_t>(bytes, held - offset)), '\0');
        std::size_t done = 0;
        while (done < text.size()) {
            const ssize_t count = uninterrupted([&] {
                return ::pread(descriptor_, text.data() + done, text.size() - done, static_cast<off_t>(offset + done));
            });
            if (count < 0) throw_errno(errno, fmt::format("read {} bytes at {} of", bytes, offset), path_);
            if (count == 0) break;
            done += static_cast<std::size_t>(count);
        }
        text.resize(done);
        return text;
    }

    void write_at(std::uint64_t offset, std::string_view bytes) override {
        std::size_t done = 0;
        while (done < bytes.size()) {
            const ssize_t count = uninterrupted([&] {
                return ::pwrite(descriptor_, bytes.data() + done, bytes.size() - done,
                                static_cast<off_t>(offset + done));
            });
            if (count < 0) throw_errno(errno, fmt::format("write {} bytes at {} of", bytes.size(), offset), path_);
            if (count == 0) throw_errno(EIO, fmt::format("write {} bytes at {} of", bytes.size(), offset), path_);
            done += static_cast<std::size_t>(count);
        }
    }

    void append(std::string_view bytes) override {
        const std::uint64_t before = size();
        const ssize_t count = uninterrupted([&] { return append_once(bytes, before); });
        const std::string attempted = fmt::format("append {} bytes at {} of", bytes.size(), before);
        if (count < 0) throw_errno(errno, attempted, path_);
        const auto done = static_cast<std::size_t>(count);
        if (done == bytes.size()) return;
        // Cut short by a full disk or a signal: the rest follows, or nothing stays.
        try {
            write_at(before + done, bytes.substr(done));
        } catch (const Error&) {
            if (::ftruncate(descriptor_, static_cast<off_t>(before)) != 0) {
                throw_errno(errno, fmt::format("take back {} of {} bytes appended to", done, bytes.size()), path_);
            }
            throw;
        }
    }

    void truncate(std::uint64_t bytes) override {
        if (uninterrupted([&] { return ::ftruncate(descriptor_, static_cast<off_t>(bytes)); }) != 0) {
            throw_errno(errno, fmt::format("cut to {} bytes", bytes), path_);
        }
    }

    void sync() override {
        if (uninterrupted([&] { return ::fdatasync(descriptor_); }) != 0) throw_errno(errno, "sync", path_);
    }

    void touch() override {
        // Into the file rather than into its inode: a block of inodes that is dirty would be written by the next sync of any
        // file that has its inode in the same block, as files that were made together have.
        timespec now{};
        ::clock_gettime(CLOCK_REALTIME, &now);
        const std::int64_t time = std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
        if (uninterrupted([&] { return ::pwrite(descriptor_, &time, sizeof time, 0); }) != sizeof time)
            throw_errno(errno, "touch", path_);
    }

    bool try_lock(std::uint64_t offset, LockMode mode) override {
        struct flock request = one_byte(offset, mode == LockMode::shared ? F_RDLCK : F_WRLCK);
        if (uninterrupted([&] { return ::fcntl(descriptor_, F_OFD_SETLK, &request); }) == 0) return true;
        if (errno == EAGAIN || errno == EACCES) return false;
        throw_errno(errno, fmt::format("lock byte {} of", offset), path_);
    }

    void unlock(std::uint64_t offset) override {
        struct flock request = one_byte(offset, F_UNLCK);
        if (uninterrupted([&] { return ::fcntl(descriptor_, F_OFD_SETLK, &request); }) != 0) {
            throw_errno(errno, fmt::format("unlock byte {} of", offset), path_);
        }
    }

    bool is_locked_by_other(std::uint64_t offset, std::uint64_t bytes) override {
        return conflicting_lock(offset, bytes).l_type != F_UNLCK;
    }

    std::optional<std::int64_t> lock_holder(std::uint64_t offset) override {
        const struct flock found = conflicting_lock(offset, 1);
        if (found.l_type == F_UNLCK) return std::nullopt;
        if (found.l_pid > 0) return found.l_pid;  // a lock of the older, per-process kind
        return find_holder(offset);
    }

  private:
    static struct flock one_byte(std::uint64_t offset, int type) {
        struct flock request {};
        request.l_type = static_cast<short>(type);
        request.l_whence = SEEK_SET;
        request.l_start = static_cast<off_t>(offset);
        request.l_len = 1;
        return request;
    }

    struct flock conflicting_lock(std::uint64_t offset, std::uint64_t bytes) {
        struct flock request = one_byte(offset, F_WRLCK);
        request.l_len = static_cast<off_t>(bytes);
        if (::fcntl(descriptor_, F_OFD_GETLK, &request) != 0) {
            throw_errno(errno, fmt::format("ask who locks byte {} of", offset), path_);
        }
        return request;
    }

    ssize_t append_once(std::string_view bytes, std::uint64_t end) {
#ifdef RWF_APPEND
        iovec part{const_cast<char*>(bytes.data()), bytes.size()};
        const ssize_t count = ::pwritev2(descriptor_, &part, 1, 0, RWF_APPEND);
        if (count >= 0 || (errno != EOPNOTSUPP && errno != ENOSYS)) return count;
#endif
        return ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(end));
    }

    // The kernel does not name the holder of an open-file-description lock, but each process's descriptors
    // list the locks they hold. Costly, and only for diagnosis: looks at every process that this user may
    // look at.
    std::optional<std::int64_t> find_holder(std::uint64_t offset) {
        struct stat mine {};
        if (::fstat(descriptor_, &mine) != 0) return std::nullopt;
        for (const std::string& process : numbers_in("/proc")) {
            const std::string descriptors = fmt::format("/proc/{}/fd", process);
            for (const std::string& descriptor : numbers_in(descriptors)) {
                struct stat theirs {};
                if (::stat(fmt::format("{}/{}", descriptors, descriptor).c_str(), &theirs) != 0) continue;
                if (theirs.st_dev != mine.st_dev || theirs.st_ino != mine.st_ino) continue;
                const std::int64_t pid = std::stoll(process);
                if (pid == ::getpid() && std::stoll(descriptor) == descriptor_) continue;
                if (holds_lock(fmt::format("/proc/{}/fdinfo/{}", process, descriptor), offset)) return pid;
            }
        }
        return std::nullopt;
    }

    static std::vector<std::string> numbers_in(const std::string& directory) {
        std::vector<std::string> names;
        DIR* const handle = ::opendir(directory.c_str());
        if (handle == nullptr) return names;
        while (const dirent* const entry = ::readdir(handle)) {
            if (entry->d_name[0] >= '0' && entry->d_name[0] <= '9') names.emplace_back(entry->d_name);
        }
        ::closedir(handle);
        return names;
    }

    // A line such as "lock:\t1: OFDLCK ADVISORY WRITE -1 08:01:1234 0 0" holds `offset`.
    static bool holds_lock(const std::string& file, std::uint64_t offset) {
        std::ifstream lines(file);
        for (std::string line; std::getline(lines, line);) {
            if (!line.starts_with("lock:") || line.find("OFDLCK") == std::string::npos) continue;
            std::istringstream words(line);
            std::string label, number, kind, advice, mode, pid, inode, first, last;
            words >> label >> number >> kind >> advice >> mode >> pid >> inode >> first >> last;
            if (first.empty() || last.empty()) continue;
            const bool after_first = std::stoull(first) <= offset;
            if (after_first && (last == "EOF" || offset <= std::stoull(last))) return true;
        }
        return false;
    }

    int descriptor_;
    std::string path_;
};

}  // namespace

std::unique_ptr<File> PosixFileSystem::open(const std::string& path, OpenMode mode) {
    check_path(path);
    int flags = O_CLOEXEC;
    std::string_view attempted = "open";
    switch (mode) {
        case OpenMode::read:
            flags |= O_RDONLY;
            break;
        case OpenMode::read_write:
            flags |= O_RDWR;
            break;
        case OpenMode::create:
            flags |= O_RDWR | O_CREAT | O_NOFOLLOW;
            break;
        case OpenMode::create_new:
            flags |= O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW;
            attempted = "create";
            break;
    }
    const int descriptor = uninterrupted([&] { return ::open(path.c_str(), flags, 0600); });
    if (descriptor < 0) throw_errno(errno, attempted, path);
    auto file = std::make_unique<PosixFile>(descriptor, path);
    struct stat info {};
    if (::fstat(descriptor, &info) != 0) throw_errno(errno, attempted, path);
    if (S_ISDIR(info.st_mode)) throw_errno(EISDIR, attempted, path);
    return file;
}

bool PosixFileSystem::exists(const std::string& path) {
    check_path(path);
    struct stat info {};
    if (::lstat(path.c_str(), &info) == 0) return true;
    if (errno == ENOENT || errno == ENOTDIR) return false;
    throw_errno(errno, "look for", path);
}

void PosixFileSystem::remove(const std::string& path) {
    check_path(path);
    if (::unlink(path.c_str()) != 0) throw_errno(errno, "remove", path);
}

void PosixFileSystem::rename_new(const std::string& from, const std::string& to) {
    check_path(from);
    check_path(to);
    const std::string attempted = fmt::format("rename '{}' to", from);
#ifdef RENAME_NOREPLACE
    if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return;
    if (errno != EINVAL && errno != ENOSYS) throw_errno(errno, attempted, to);
#endif
    // File systems that cannot do that can still refuse to link over a name.
    if (::link(from.c_str(), to.c_str()) != 0) throw_errno(errno, attempted, to);
    if (::unlink(from.c_str()) != 0) throw_errno(errno, "remove the old name", from);
}

void PosixFileSystem::rename_replace(const std::string& from, const std::string& to) {
    check_path(from);
    check_path(to);
    if (::rename(from.c_str(), to.c_str()) != 0) throw_errno(errno, fmt::format("rename '{}' to", from), to);
}

void PosixFileSystem::sync_directory(const std::string& path) {
    check_path(path);
    const int descriptor = uninterrupted([&] { return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
    if (descriptor < 0) throw_errno(errno, "open the directory", path);
    const int result = uninterrupted([&] { return ::fsync(descriptor); });
    const int error = errno;
    ::close(descriptor);
    // Some file systems have no sync of a directory and say EINVAL: names are as durable there as they get.
    if (result != 0 && error != EINVAL) throw_errno(error, "sync the directory", path);
}

std::vector<std::string> PosixFileSystem::list(const std::string& directory) {
    check_path(directory);
    DIR* const handle = ::opendir(directory.c_str());
    if (handle == nullptr) throw_errno(errno, "list the directory", directory);
    const auto close = [](DIR* open) { ::closedir(open); };
    const std::unique_ptr<DIR, decltype(close)> closer(handle, close);
    std::vector<std::string> names;
    errno = 0;
    while (const dirent* const entry = ::readdir(handle)) {
        const std::string_view name = entry->d_name;
        if (name != "." && name != "..") names.emplace_back(name);
        errno = 0;
    }
    if (errno != 0) throw_errno(errno, "list the directory", directory);
    std::sort(names.begin(), names.end());
    return names;
}

std::unique_ptr<FileWatch> PosixFileSystem::watch(const std::string& path) {
    check_path(path);
    return watch_file(path);
}

}  // namespace daybook
