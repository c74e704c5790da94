#include "bench/machine.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/statfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace daybook::bench {

namespace {

// By the magic numbers of statfs(2); the number itself for the rest.
std::string file_system_of(const std::filesystem::path& directory) {
    struct statfs found {};
    if (::statfs(directory.c_str(), &found) != 0) return "unknown file system";
    switch (static_cast<unsigned long>(found.f_type)) {
        case 0xef53:
            return "ext4";
        case 0x58465342:
            return "xfs";
        case 0x9123683e:
            return "btrfs";
        case 0x01021994:
            return "tmpfs";
        case 0x794c7630:
            return "overlayfs";
        default:
            return fmt::format("file system {:#x}", static_cast<unsigned long>(found.f_type));
    }
}

}  // namespace

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

Machine Machine::describe(const std::filesystem::path& directory) {
    Machine machine;
    machine.processors = std::thread::hardware_concurrency();
    std::ifstream cpus("/proc/cpuinfo");
    for (std::string line; std::getline(cpus, line);) {
        if (!line.starts_with("model name")) continue;
        machine.processor = line.substr(std::min(line.size(), line.find(':') + 2));
        break;
    }
    utsname name{};
    if (::uname(&name) == 0) machine.system = fmt::format("{} {}", name.sysname, name.release);
    machine.file_system = file_system_of(directory);
    machine.sqlite = sqlite3_libversion();
    machine.build = DAYBOOK_BUILD_TYPE;
    machine.compiler = __VERSION__;
    machine.sync = measure_sync(directory);
    return machine;
}

std::string Machine::to_text() const {
    return fmt::format(
        "{} x {}, {}, {}\nSQLite {}, synchronous FULL, build {}, compiler {}\n"
        "4 KiB write + fdatasync: median {:.0f} us, p99 {:.0f} us\n",
        processors, processor, system, file_system, sqlite, build, compiler, sync.median_us, sync.p99_us);
}

std::string Machine::to_json() const {
    return nlohmann::ordered_json{{"processors", processors},
                                  {"processor", processor},
                                  {"system", system},
                                  {"file_system", file_system},
                                  {"sqlite", sqlite},
                                  {"synchronous", "FULL"},
                                  {"build", build},
                                  {"compiler", compiler},
                                  {"write_4k_and_fdatasync_us", {{"median", sync.median_us}, {"p99", sync.p99_us}}}}
        .dump();
}

}  // namespace daybook::bench
