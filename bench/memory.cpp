#include "bench/memory.hpp"

#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>

namespace daybook::bench {

double peak_resident_megabytes() {
    constexpr std::string_view key = "VmHWM:";
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);)
        if (line.starts_with(key)) return std::stod(line.substr(key.size())) / 1024;
    throw std::runtime_error("bench: there is no VmHWM in /proc/self/status");
}

}  // namespace daybook::bench
