#include <daybook/event/event_result.hpp>

#include <array>

namespace daybook {
namespace {

constexpr std::array<std::string_view, 8> names = {"pending", "started",   "completed", "error",
                                                   "timeout", "cancelled", "aborted",   "late"};

}  // namespace

std::string_view to_string(ResultStatus status) noexcept {
    const auto index = static_cast<std::size_t>(status);
    return index < names.size() ? names[index] : "unknown";
}

std::optional<ResultStatus> result_status_from(std::string_view text) noexcept {
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (names[i] == text) return static_cast<ResultStatus>(i);
    }
    return std::nullopt;
}

bool is_terminal(ResultStatus status) noexcept {
    return status >= ResultStatus::completed && status <= ResultStatus::aborted;
}

}  // namespace daybook
