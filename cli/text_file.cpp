// Reading a small file whole.
#include "cli/text_file.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <daybook/event/error.hpp>

#include "cli/escape.hpp"

namespace daybook::cli {

std::string read_text_file(const std::string& path, const std::string& option) {
    constexpr std::uintmax_t bytes_max = std::uintmax_t{16} << 20;
    const std::string name = escape_cell(path);
    std::error_code error;
    if (std::filesystem::is_directory(path, error))
        throw Error(ErrorCode::unsupported_path, fmt::format("{} '{}': it is a directory", option, name));
    std::ifstream file(path, std::ios::binary);
    if (!file) {
        const int reason = errno;
        const ErrorCode code = reason == ENOENT   ? ErrorCode::no_such_file
                               : reason == EACCES ? ErrorCode::permission_denied
                                                  : ErrorCode::io_error;
        throw Error(code, fmt::format("{} '{}': {}", option, name, std::strerror(reason)));
    }
    std::string text;
    char buffer[65536];
    while (file.read(buffer, sizeof buffer), file.gcount() > 0) {
        text.append(buffer, static_cast<std::size_t>(file.gcount()));
        if (text.size() > bytes_max)
            throw Error(ErrorCode::too_large, fmt::format("{} '{}': it is over {} bytes", option, name, bytes_max));
    }
    if (file.bad()) throw Error(ErrorCode::io_error, fmt::format("{} '{}': it cannot be read", option, name));
    return text;
}

}  // namespace daybook::cli
