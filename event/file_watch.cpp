// The file's status (inode, size, modification time) and its first bytes, which a touch changes, are the truth; inotify only
// ends the waiting early.
#include "event/file_watch.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "event/posix_error.hpp"

namespace daybook {
namespace {

using std::chrono::nanoseconds;

class InotifyWatch final : public FileWatch {
  public:
    InotifyWatch(std::string path, WatchMethod method)
        : path_(std::move(path)), directory_(directory_of(path_)), name_(base_name_of(path_)) {
        interrupt_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (interrupt_ < 0) throw_errno(errno, "make a descriptor to watch", path_);
        if (method == WatchMethod::inotify) inotify_ = ::inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
        arm();
        seen_ = status();
    }

    ~InotifyWatch() override {
        if (inotify_ >= 0) ::close(inotify_);
        ::close(interrupt_);
    }
    InotifyWatch(const InotifyWatch&) = delete;
    InotifyWatch& operator=(const InotifyWatch&) = delete;

    bool wait(nanoseconds timeout) override {
        // The monotonic clock itself: this is the machine's end of the interface.
        const auto start = std::chrono::steady_clock::now();
        for (;;) {
            if (take_interrupt()) return true;
            const bool told = drain();
            const Status now = status();
            if (told || now != seen_) {
                seen_ = now;
                return true;
            }
            const nanoseconds left = timeout - (std::chrono::steady_clock::now() - start);
            if (left <= nanoseconds::zero()) return false;
            sleep(std::min(left, slice()));
        }
    }

    void interrupt() noexcept override {
        const std::uint64_t one = 1;
        // It can fail only when the counter is full, and then wait() returns anyway.
        [[maybe_unused]] const ssize_t written = ::write(interrupt_, &one, sizeof one);
    }

  private:
    struct Status {
        dev_t device = 0;
        ino_t inode = 0;
        off_t bytes = -1;  // -1: there is no such file
        std::int64_t modified_ns = 0;
        std::uint64_t first_bytes = 0;  // 0: none, or not ours to read
        bool operator==(const Status&) const = default;
    };

    [[nodiscard]] Status status() const {
        struct stat info {};
        if (::stat(path_.c_str(), &info) != 0) return {};
        return {info.st_dev, info.st_ino, info.st_size,
                std::int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec, first_bytes()};
    }

    [[nodiscard]] std::uint64_t first_bytes() const {
        const int file = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (file < 0) return 0;
        std::uint64_t bytes = 0;
        if (::pread(file, &bytes, sizeof bytes, 0) != sizeof bytes) bytes = 0;
        ::close(file);
        return bytes;
    }

    // How long to sleep at most before the status is looked at again.
    [[nodiscard]] nanoseconds slice() const {
        if (file_watch_ >= 0) return std::chrono::seconds(1);
        if (directory_watch_ >= 0) return std::chrono::milliseconds(500);
        return std::chrono::milliseconds(10);
    }

    bool take_interrupt() {
        std::uint64_t count = 0;
        return ::read(interrupt_, &count, sizeof count) > 0;
    }

    // Watches the file; while there is none, its directory for the name to appear. Watching the directory
    // always would wake for each write to the other files beside the database.
    void arm() {
        if (inotify_ < 0) return;
        const int file =
            ::inotify_add_watch(inotify_, path_.c_str(), IN_ATTRIB | IN_MODIFY | IN_MOVE_SELF | IN_DELETE_SELF);
        if (file_watch_ >= 0 && file_watch_ != file) ::inotify_rm_watch(inotify_, file_watch_);
        file_watch_ = file;
        if (file_watch_ >= 0) {
            if (directory_watch_ >= 0) ::inotify_rm_watch(inotify_, directory_watch_);
            directory_watch_ = -1;
        } else if (directory_watch_ < 0) {
            directory_watch_ = ::inotify_add_watch(inotify_, directory_.c_str(), IN_CREATE | IN_MOVED_TO | IN_ONLYDIR);
            // The file may have come between the two calls.
            if (directory_watch_ >= 0 && status() != Status{}) arm();
        }
    }

    // Reads what inotify has to say; true when some of it is about the file.
    bool drain() {
        if (inotify_ < 0) return false;
        bool told = false;
        bool changed = false;
        alignas(inotify_event) std::array<char, 4096> buffer;
        for (;;) {
            const ssize_t bytes = ::read(inotify_, buffer.data(), buffer.size());
            if (bytes <= 0) break;
            for (std::size_t at = 0; at < static_cast<std::size_t>(bytes);) {
                inotify_event event{};
                std::memcpy(&event, buffer.data() + at, sizeof event);
                const char* const name = buffer.data() + at + sizeof event;
                at += sizeof event + event.len;
                if ((event.mask & IN_Q_OVERFLOW) != 0) told = changed = true;
                if (event.wd == file_watch_) {
                    changed = true;
                    if ((event.mask & (IN_ATTRIB | IN_MODIFY)) != 0) told = true;
                    if ((event.mask & IN_IGNORED) != 0) file_watch_ = -1;
                } else if (event.wd == directory_watch_) {
                    if (event.len > 0 && name_ == name) changed = true;
                    if ((event.mask & IN_IGNORED) != 0) directory_watch_ = -1;
                }
            }
        }
        if (changed || file_watch_ < 0) arm();
        return told;
    }

    void sleep(nanoseconds duration) const {
        const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(duration);
        timespec left{};
        left.tv_sec = static_cast<time_t>(seconds.count());
        left.tv_nsec = static_cast<long>((duration - seconds).count());
        // A negative descriptor is passed over by poll.
        std::array<pollfd, 2> files{{{interrupt_, POLLIN, 0}, {inotify_, POLLIN, 0}}};
        ::ppoll(files.data(), files.size(), &left, nullptr);
    }

    std::string path_;
    std::string directory_;
    std::string name_;
    int interrupt_ = -1;
    int inotify_ = -1;  // -1: polling
    int file_watch_ = -1;
    int directory_watch_ = -1;
    Status seen_;
};

}  // namespace

std::unique_ptr<FileWatch> watch_file(const std::string& path, WatchMethod method) {
    return std::make_unique<InotifyWatch>(path, method);
}

}  // namespace daybook
