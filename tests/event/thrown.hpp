// What a call throws, as a value to look at.
#pragma once

#include <catch2/catch.hpp>

#include <string>
#include <utility>

#include <daybook/event/error.hpp>

namespace daybook {

/// The Error that `call` throws; the test fails when it throws none.
template <typename Call>
[[nodiscard]] Error thrown(Call&& call) {
    try {
        static_cast<void>(std::forward<Call>(call)());
    } catch (const Error& error) {
        return error;
    }
    FAIL("no Error was thrown");
    return Error(ErrorCode::internal, "");
}

template <typename Call>
[[nodiscard]] ErrorCode thrown_code(Call&& call) {
    return thrown(std::forward<Call>(call)).code();
}

}  // namespace daybook

namespace Catch {

template <>
struct StringMaker<daybook::ErrorCode> {
    static std::string convert(daybook::ErrorCode code) { return std::string(daybook::to_string(code)); }
};

}  // namespace Catch
