#include <daybook/event/guard.hpp>

#include "event/thrown.hpp"

using namespace daybook;

namespace {

class NoSecrets final : public Guard {
  public:
    [[nodiscard]] std::string_view name() const noexcept override { return "no secrets"; }
    void check(const NewEvent& event) override {
        if (event.payload.find("password") != std::string::npos) {
            throw Error(ErrorCode::guard_refused, "append: the payload holds a password");
        }
    }
};

}  // namespace

TEST_CASE("guard: it refuses by throwing, and lets the rest pass") {
    NoSecrets secrets;
    Guard& guard = secrets;
    CHECK_NOTHROW(guard.check({.type = "t", .payload = "{\"user\":1}"}));
    CHECK(thrown_code([&] {
              guard.check({.type = "t", .payload = "{\"password\":1}"});
              return 0;
          }) == ErrorCode::guard_refused);
    CHECK(guard.name() == "no secrets");
}
