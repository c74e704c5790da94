// From errno to our one error type.
#pragma once

#include <string_view>

#include <daybook/event/error.hpp>

namespace daybook {

[[nodiscard]] ErrorCode error_code_of_errno(int error) noexcept;

/// `attempted` says what, without the path: "open", "sync".
[[noreturn]] void throw_errno(int error, std::string_view attempted, std::string_view path);

}  // namespace daybook
