#include "event/posix_error.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <system_error>

namespace daybook {
namespace {

std::string_view advice(ErrorCode code) {
    switch (code) {
        case ErrorCode::disk_full:
            return "make room, then try again";
        case ErrorCode::permission_denied:
            return "check the owner and mode of the file and of its directory";
        case ErrorCode::read_only:
            return "the file system is mounted read-only; use another place";
        case ErrorCode::no_such_file:
            return "check the path";
        case ErrorCode::target_exists:
            return "remove it or choose another name";
        case ErrorCode::unsupported_path:
            return "give the path of a regular file";
        case ErrorCode::out_of_memory:
            return "try again when there is memory";
        default:
            return "check the device, then reopen";
    }
}

}  // namespace

ErrorCode error_code_of_errno(int error) noexcept {
    switch (error) {
        case ENOSPC:
        case EDQUOT:
        case EFBIG:
            return ErrorCode::disk_full;
        case EACCES:
        case EPERM:
            return ErrorCode::permission_denied;
        case EROFS:
            return ErrorCode::read_only;
        case ENOENT:
        case ENOTDIR:
            return ErrorCode::no_such_file;
        case EEXIST:
            return ErrorCode::target_exists;
        case EISDIR:
        case ELOOP:
        case ENAMETOOLONG:
            return ErrorCode::unsupported_path;
        case ENOMEM:
            return ErrorCode::out_of_memory;
        default:
            return ErrorCode::io_error;
    }
}

void throw_errno(int error, std::string_view attempted, std::string_view path) {
    const ErrorCode code = error_code_of_errno(error);
    throw Error(code,
                fmt::format("{} '{}': {}; {}", attempted, path, std::generic_category().message(error), advice(code)));
}

}  // namespace daybook
