#include <catch2/catch.hpp>

#include <daybook/middleware/middleware.hpp>

#include "middleware/samples.hpp"

namespace daybook {

TEST_CASE("middleware: one that overrides nothing but its name watches nothing and has no position") {
    struct Idle final : Middleware {
        [[nodiscard]] std::string_view name() const noexcept override { return "idle"; }
    };
    Idle idle;
    const Event event = testkit::event_at(1);
    CHECK_FALSE(idle.position());
    CHECK_NOTHROW(idle.on_committed(testkit::committed(event)));
    CHECK_NOTHROW(idle.on_result(event, testkit::result_at(1, 1)));
    CHECK_NOTHROW(idle.flush());
    CHECK_NOTHROW(idle.close());
}

}  // namespace daybook
