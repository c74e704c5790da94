#include <daybook/event/file_system.hpp>

namespace daybook {

std::string directory_of(std::string_view path) {
    while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
    const std::size_t slash = path.rfind('/');
    if (slash == std::string_view::npos) return ".";
    path = path.substr(0, slash);
    while (!path.empty() && path.back() == '/') path.remove_suffix(1);
    return path.empty() ? "/" : std::string(path);
}

std::string_view base_name_of(std::string_view path) noexcept {
    while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
    if (path == "/") return path;
    const std::size_t slash = path.rfind('/');
    return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

}  // namespace daybook
