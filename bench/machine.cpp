#include "bench/machine.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace daybook::bench {

SyncLatency measure_sync(const std::filesystem::path& directory) {
    const std::string path = (directory / "sync-latency").string();
    const int file = ::open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    if (file < 0) throw std::runtime_error("bench: cannot write in " + directory.string());
    const std::string page(4096, 'x');
    std::vector<double> microseconds;
    for (int i = 0; i < 500; ++i) {
        const auto start = std::chrono::steady_clock::now();
        if (::write(file, page.data(), page.size()) != 4096 || ::fdatasync(file) != 0) {
            ::close(file);
            throw std::runtime_error("bench: write or fdatasync failed in " + directory.string());
        }
        microseconds.push_back(
            std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count());
    }
    ::close(file);
    std::filesystem::remove(path);
    std::sort(microseconds.begin(), microseconds.end());
    return {microseconds[microseconds.size() / 2], microseconds[microseconds.size() * 99 / 100]};
}

std::string describe_machine(const std::filesystem::path& directory) {
    const SyncLatency sync = measure_sync(directory);
    std::string text = fmt::format(
        "processors {}, SQLite {}, build {}, synchronous FULL\n4 KiB write + fdatasync: median {:.0f} us, p99 {:.0f} "
        "us\n",
        std::thread::hardware_concurrency(), sqlite3_libversion(), DAYBOOK_BUILD_TYPE, sync.median_us, sync.p99_us);
    return text;
}

}  // namespace daybook::bench
